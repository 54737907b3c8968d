import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';

/** For a test's `skip`. */
export const withoutEtcd =
  spawnSync('etcd', ['--version']).status === 0 ? false : 'etcd is not installed (etcd-server)';

export interface EtcdFlags {
  readonly members?: number;
  /** PEM files; with them clients must speak TLS, and show a certificate of this authority. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly more?: readonly string[];
  /** For its data; left out: one of its own below the machine's folder for temporary files. */
  readonly folder?: string;
  /** A command that runs each member, such as strace. */
  readonly under?: readonly string[];
}

interface Member {
  readonly name: string;
  readonly client: string;
  readonly peer: string;
  process: ChildProcess | undefined;
}

/** Real etcd on loopback, its data in a folder that goes with it. */
export class EtcdCluster {
  readonly #members: Member[];
  readonly #folder: string;
  readonly #flags: EtcdFlags;

  static async start(flags: EtcdFlags = {}): Promise<EtcdCluster> {
    const ports = await freePorts(2 * (flags.members ?? 1));
    const cluster = new EtcdCluster(flags, ports);
    for (const index of cluster.#members.keys()) cluster.startMember(index);
    await cluster.isHealthy();
    return cluster;
  }

  private constructor(flags: EtcdFlags, ports: readonly number[]) {
    this.#flags = flags;
    this.#folder = flags.folder ?? mkdtempSync(path.join(os.tmpdir(), 'signalbox-etcd-'));
    const scheme = flags.tls ? 'https' : 'http';
    this.#members = Array.from({ length: flags.members ?? 1 }, (_, i) => ({
      name: `m${i}`,
      client: `${scheme}://127.0.0.1:${ports[2 * i]}`,
      peer: `http://127.0.0.1:${ports[2 * i + 1]}`,
      process: undefined,
    }));
  }

  get endpoints(): string[] {
    return this.#members.map(({ client }) => client);
  }

  /** Of the members that run. */
  get pids(): number[] {
    return this.#members.flatMap(({ process }) => process?.pid ?? []);
  }

  startMember(index: number): void {
    const member = this.#members[index]!;
    const { tls, more = [], under = [] } = this.#flags;
    const settings = {
      name: member.name,
      'data-dir': path.join(this.#folder, member.name),
      'listen-client-urls': member.client,
      'advertise-client-urls': member.client,
      'listen-peer-urls': member.peer,
      'initial-advertise-peer-urls': member.peer,
      'initial-cluster': this.#members.map(({ name, peer }) => `${name}=${peer}`).join(),
      'heartbeat-interval': '50',
      'election-timeout': '500',
      ...(tls && { 'trusted-ca-file': tls.ca, 'cert-file': tls.cert, 'key-file': tls.key, 'client-cert-auth': 'true' }),
    };
    const flags = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
    const [command, ...words] = [...under, 'etcd', ...flags, ...more];
    member.process = spawn(command!, words, { stdio: 'ignore' });
  }

  /** With -9, or SIGSTOP and SIGCONT. */
  async signal(index: number, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const { process } = this.#members[index]!;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    process.kill(signal);
    if (signal === 'SIGKILL') await once(process, 'exit');
  }

  /** Runs etcdctl, and returns what it prints. */
  ctl(...words: string[]): string {
    const { tls } = this.#flags;
    const files = tls ? [`--cacert=${tls.ca}`, `--cert=${tls.cert}`, `--key=${tls.key}`] : [];
    const result = spawnSync('etcdctl', [`--endpoints=${this.endpoints.join()}`, ...files, ...words], {
      encoding: 'utf8',
      env: { ...process.env, ETCDCTL_API: '3' },
    });
    if (result.status !== 0) throw new Error(`etcdctl ${words.join(' ')}: ${result.stderr}`);
    return result.stdout;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map((_, index) => this.signal(index, 'SIGKILL')));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async isHealthy(): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        this.ctl('endpoint', 'health');
        return;
      } catch (error) {
        if (tries > 60) throw error;
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
