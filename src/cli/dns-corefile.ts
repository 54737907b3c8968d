import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { messageOf, UsageError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { version } from '../base/version.ts';
import { type Client, createClient, http2Exchange, inClusterConfig, loadKubeconfig } from '../client/mod.ts';
import type { KubernetesDirective } from '../dns/mod.ts';
import { interruption } from './options.ts';
import { settleMemory } from './settle-memory.ts';

export interface CorefileFlags {
  readonly conf: string;
  readonly dnsPort: number;
  readonly kubeconfig?: string;
  readonly pidfile?: string;
  readonly takeOver: boolean;
}

/** Says whether the Corefile is understood, and what is to be known of it. Throws UsageError: it is not. */
export async function checkCorefile(path: string): Promise<void> {
  const { machineFiles, readCorefile } = await import('../dns/mod.ts');
  const { blocks, notices } = readCorefile(path, machineFiles(process.env));
  const lines = [...notices, `${path} is understood: ${blocks.length} server block${blocks.length === 1 ? '' : 's'}`];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** DNS as a Corefile describes it, until a signal comes. */
export async function runCorefile(flags: CorefileFlags, clock: Clock, log: Logger): Promise<void> {
  const { CorefileServer, machineFiles } = await import('../dns/mod.ts');
  const server = new CorefileServer({
    path: flags.conf,
    defaultPort: flags.dnsPort,
    takeOver: flags.takeOver,
    files: machineFiles(process.env),
    connect: (directive) => connectFor(directive, flags.kubeconfig, clock),
    clock,
    log,
    random: Math.random,
    writeQueryLog: (line) => process.stdout.write(line),
    giveMemoryBack: settleMemory,
  });
  const interrupted = interruption();
  if (flags.pidfile !== undefined) writePid(flags.pidfile);
  try {
    // A signal while the cluster is waited for must not have to wait too.
    const started = server.start();
    await Promise.race([interrupted, started]);
    await Promise.race([interrupted, server.failed]).finally(() => Promise.all([server.stop(), started]));
  } finally {
    if (flags.pidfile !== undefined) rmSync(flags.pidfile, { force: true });
  }
}

/** The directive's own way first, then the flag, then as a Pod of the cluster. Throws UsageError. */
function connectFor(directive: KubernetesDirective, kubeconfig: string | undefined, clock: Clock): Client {
  const { endpoint, tls } = directive;
  const path = directive.kubeconfig?.path ?? kubeconfig;
  const config = path
    ? loadKubeconfig(path, directive.kubeconfig?.context)
    : endpoint !== undefined
      ? { server: endpoint, ...(tls && { cert: read(tls.certFile), key: read(tls.keyFile), ca: read(tls.caFile) }) }
      : inClusterConfig({ environment: process.env });
  const server = endpoint ?? config.server;
  return createClient({ ...http2Exchange({ ...config, server, clock }), userAgent: `signalbox-dns/${version}` });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError('Read Corefile', `tls of kubernetes: ${messageOf(error)}`);
  }
}

function writePid(path: string): void {
  try {
    writeFileSync(path, `${process.pid}\n`);
  } catch (error) {
    throw new UsageError(`Write --pidfile ${path}`, messageOf(error));
  }
}
