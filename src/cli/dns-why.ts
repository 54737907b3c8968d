import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../base/clock.ts';
import { messageOf, UsageError } from '../base/errors.ts';
import { type Client, loadKubeconfig } from '../client/mod.ts';
import type { Report } from '../dns/why/mod.ts';
import { connect, connectAsComponent } from './connect.ts';
import { ExitError, exitCodes } from './exit-codes.ts';
import { durationMs, oneOfOption, repeated } from './options.ts';

interface WhyFlags {
  from?: string;
  server?: string;
  type: string[];
  output: 'text' | 'json' | 'yaml';
  kubeconfig?: string;
  clusterDomain?: string;
  resolvConf: string;
  timeout: number;
}

const types = ['A', 'AAAA', 'ANY', 'CNAME', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'TXT'];

export function dnsWhyCommand(): Command {
  return new Command('why')
    .description(
      'Say why a name has the answer that it has, or none: every name of the search list, asked and explained.',
    )
    .argument('<name>', 'a name as a program has it, or an address')
    .option('--from <[namespace/]pod>', 'the Pod whose search list is walked; left out: this machine')
    .option('--server <address[:port]>', "the DNS server to ask, instead of the client's own")
    .addOption(
      new Option('--type <type>', `${types.join(', ')}; may be given again`)
        .argParser(repeated(recordType))
        .default([], 'A and AAAA, as programs ask; of an address PTR'),
    )
    .addOption(oneOfOption('-o, --output <format>', 'how to print it', ['text', 'json', 'yaml'], 'text'))
    .option('--kubeconfig <file>', 'how to reach the API server; left out: KUBECONFIG, ~/.kube/config, or as a Pod')
    .option('--cluster-domain <domain>', "the zone of the cluster; left out: as the servers' Corefile says")
    .option('--resolv-conf <file>', "this machine's resolver configuration", '/etc/resolv.conf')
    .addOption(
      new Option('--timeout <duration>', 'how long each server is waited for, each of two times')
        .argParser(durationMs)
        .default(2000, '2s'),
    )
    .addHelpText('after', help)
    .action(why);
}

const help = `
The real server is asked; its reasons are Extended DNS Errors (RFC 8914). Of a server that gives none, CoreDNS among them, and
wherever an answer is not what it should be, the API server's objects say why. Nothing is changed.

Exit codes:
  0    the client gets records
  1    it gets none: no such name, or no such record
  2    wrong usage: a flag, a Pod or a file; nothing was asked
  4    neither can be said: the DNS server failed, or does not answer

Examples:
  signalbox dns why web --from shop/cart-7d4b9          the name as that Pod would look it up
  signalbox dns why db-0.db.shop.svc.cluster.local.     just this name, without a search list
  signalbox dns why _http._tcp.web.default --type SRV   another type
  signalbox dns why 10.96.0.10 -o json                  whose address it is, for a script
  signalbox dns why web --from default/client --server 10.244.1.5    ask one of the DNS servers' Pods`;

async function why(name: string, flags: WhyFlags): Promise<void> {
  const { explainLookup, renderReport } = await import('../dns/why/mod.ts');
  const { client, namespace } = clientOf(flags.kubeconfig);
  try {
    const report = await explainLookup({
      name,
      clock: systemClock,
      newId: () => randomInt(65_536),
      timeoutMs: flags.timeout,
      resolvConf: { path: flags.resolvConf, text: readText(flags.resolvConf) },
      ...(client && { client }),
      ...(flags.type.length > 0 && { types: flags.type }),
      ...(flags.from !== undefined && { from: flags.from.includes('/') ? flags.from : `${namespace}/${flags.from}` }),
      ...(flags.server !== undefined && { server: flags.server }),
      ...(flags.clusterDomain !== undefined && { clusterDomain: flags.clusterDomain }),
    });
    process.stdout.write(await formats[flags.output](report, renderReport));
    const exitCode = exitCodeOf(report);
    if (exitCode !== exitCodes.ok) throw new ExitError(exitCode);
  } finally {
    await client?.close();
  }
}

type Format = (report: Report, render: (report: Report) => string) => string | Promise<string>;

const formats: Record<WhyFlags['output'], Format> = {
  text: (report, render) => render(report),
  json: (report) => `${JSON.stringify(report, undefined, 2)}\n`,
  yaml: async (report) => (await import('yaml')).stringify(report),
};

function exitCodeOf({ result }: Report): number {
  if (result.outcome === 'found') return exitCodes.ok;
  return result.outcome === 'no-name' || result.outcome === 'no-record' ? exitCodes.failed : exitCodes.undecided;
}

/** As kubectl finds its cluster; none where there is none. */
function clientOf(kubeconfig: string | undefined): { client?: Client; namespace: string } {
  const file =
    kubeconfig ?? process.env.KUBECONFIG?.split(path.delimiter)[0] ?? path.join(homedir(), '.kube', 'config');
  if (kubeconfig !== undefined || existsSync(file)) {
    return { client: connect(file, 'signalbox-dns-why', systemClock), namespace: loadKubeconfig(file).namespace };
  }
  if (process.env.KUBERNETES_SERVICE_HOST === undefined) return { namespace: 'default' };
  return { client: connectAsComponent({}, 'signalbox-dns-why', systemClock), namespace: 'default' };
}

function recordType(text: string): string {
  const type = text.toUpperCase();
  if (!types.includes(type)) throw new InvalidArgumentError(`It must be one of ${types.join(', ')}.`);
  return type;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`Read --resolv-conf ${file}`, messageOf(error));
  }
}
