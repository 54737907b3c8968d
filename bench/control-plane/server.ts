import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import type { Exchange } from '../../src/base/exchange.ts';
import { http2Exchange, loadKubeconfig } from '../../src/client/mod.ts';
import { EtcdCluster, freePorts } from '../../src/store/testing/etcd-cluster.ts';

const mainFile = path.join(import.meta.dirname, '../../src/main.ts');
/** The kernel counts CPU in ticks of 10 ms (sysconf(_SC_CLK_TCK) is 100 on Linux). */
const tickSeconds = 0.01;
const pageBytes = 4096;

export type StoreKind = 'sqlite' | 'etcd';

/** `signalbox server` as a process of its own, with its store on the disk of the working tree, and connections to it. */
export class BenchServer {
  readonly #folder: string;
  readonly #etcd: EtcdCluster | undefined;
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly #connections: { close(): Promise<void> }[] = [];

  /** @param countSyncs by strace, which costs the server a stop at each fsync and fdatasync */
  static async start(store: StoreKind, countSyncs = false): Promise<BenchServer> {
    // In the working tree, since /tmp may be memory, where an fsync costs nothing.
    const data = path.join(import.meta.dirname, '../data');
    mkdirSync(data, { recursive: true });
    const folder = mkdtempSync(path.join(data, 'server-'));
    const [port] = await freePorts(1);
    // -D: the process that we know stays the program's own.
    const counted = [
      'strace',
      '-D',
      '-f',
      '--seccomp-bpf',
      '-qq',
      '-e',
      'trace=fsync,fdatasync',
      '-o',
      `${folder}/syncs`,
    ];
    const under = countSyncs ? counted : [];
    const etcd = store === 'etcd' ? await EtcdCluster.start({ folder: path.join(folder, 'etcd'), under }) : undefined;
    const settings = ['--data-dir', folder, '--advertise-address', '192.0.2.1', '--listen-address', '127.0.0.1'];
    // Room for more Services than the usual range has.
    settings.push('--service-cidr', '10.64.0.0/12');
    const more = [
      '--port',
      `${port}`,
      '--log-level',
      'warn',
      ...(etcd ? ['--etcd-servers', etcd.endpoints.join()] : []),
    ];
    const program = [process.execPath, '--max-semi-space-size=2', mainFile, 'server', ...settings, ...more];
    const [command, ...words] = store === 'etcd' ? program : [...under, ...program];
    const child = spawn(command!, words, { stdio: ['ignore', 'ignore', 'inherit'] });
    const server = new BenchServer(folder, etcd, child, port!);
    await server.#answers();
    return server;
  }

  private constructor(folder: string, etcd: EtcdCluster | undefined, child: ChildProcess, port: number) {
    this.#folder = folder;
    this.#etcd = etcd;
    this.#child = child;
    this.#port = port;
  }

  /** Of the server, and of etcd, since they began. */
  get cpuSeconds(): number {
    const ticksOf = (pid: number) => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      return Number(fields[11]) + Number(fields[12]);
    };
    return this.#pids.reduce((sum, pid) => sum + ticksOf(pid), 0) * tickSeconds;
  }

  get rssMiB(): number {
    const [, pages] = readFileSync(`/proc/${this.#child.pid}/statm`, 'utf8').split(' ');
    return (Number(pages) * pageBytes) / 2 ** 20;
  }

  /** Calls of fsync and fdatasync by whoever has the store's files, until now, when they are counted. */
  get syncs(): number {
    return readFileSync(`${this.#folder}/syncs`, 'utf8')
      .split('\n')
      .filter((line) => /f(data)?sync\(/.test(line)).length;
  }

  /** A connection of its own, by the administrator. */
  connect(): Exchange {
    const config = loadKubeconfig(path.join(this.#folder, 'admin.kubeconfig'));
    const server = `https://127.0.0.1:${this.#port}`;
    const connection = http2Exchange({ ...config, server, clock: systemClock, answerTimeoutMs: 120_000 });
    this.#connections.push(connection);
    return connection.exchange;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
    await this.#etcd?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #pids(): number[] {
    return [this.#child.pid!, ...(this.#etcd?.pids ?? [])];
  }

  async #answers(): Promise<void> {
    const ask = { method: 'GET', url: '/readyz', headers: {}, signal: new AbortController().signal };
    for (let tries = 0; ; tries++) {
      try {
        if ((await this.connect()(ask)).status === 200) return;
      } catch (error) {
        if (tries > 200 || this.#child.exitCode !== null) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
