import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { OperatingError } from '../../src/base/errors.ts';
import { createKernel, createNetns, deleteNetns, NetworkAdmin } from '../../src/kernel/mod.ts';
import type { DnsClusterTask } from '../programs/dns-cluster.ts';

const address = '127.0.0.1';
const longestStartMs = 120_000;

/** kubeadm's, without what only the real machine has: resolvers that answer, and a file that changes. */
const corefile = `.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . 127.0.0.1:9
    cache 30
    loadbalance
}
`;

/** The real `signalbox dns` with an API server over HTTPS, both in a network namespace that nobody else is in. */
export class DnsSite implements AsyncDisposable {
  readonly address = address;
  /** From the start of `signalbox dns` until it says that it is ready. */
  readyMs = Number.NaN;
  readonly #netns: string;
  readonly #path: string;
  readonly #dir: string;
  readonly #children: ChildProcess[] = [];
  #cluster!: AsyncIterator<string>;
  /** What the server said last on its standard error. */
  #lastWords = '';

  private constructor(name: string) {
    const data = path.join(import.meta.dirname, '..', 'data');
    mkdirSync(data, { recursive: true });
    this.#dir = mkdtempSync(path.join(data, 'dns-'));
    this.#netns = `t-bench-dns-${process.pid}-${name}`;
    this.#path = createNetns(this.#netns);
    const network = new NetworkAdmin(createKernel(), { netns: this.#path });
    network.setUp('lo');
    network.close();
    process.once('exit', this.#remove);
    process.once('SIGINT', interrupted);
  }

  /** Resolves when the server has listed a cluster with so many Services. To be disposed of. */
  static async open(services: number): Promise<DnsSite> {
    const site = new DnsSite(String(services));
    try {
      await site.#start(services);
      return site;
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs a program in the namespace and resolves with what it printed. */
  async run(command: string, words: readonly string[]): Promise<string> {
    const child = this.#spawn(command, words);
    const pieces: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout!.on('data', (piece) => pieces.push(piece));
    child.stderr!.on('data', (piece) => errors.push(piece));
    const [code] = await once(child, 'close');
    if (code !== 0) throw new OperatingError(`Run ${command}`, 'ended', `${code}: ${Buffer.concat(errors)}`);
    return Buffer.concat(pieces).toString();
  }

  /** Runs a file of bench/programs there, which reads lines and prints lines. */
  runProgram(program: string, task: object): { readonly child: ChildProcess; readonly lines: AsyncIterator<string> } {
    const file = path.join(import.meta.dirname, '..', 'programs', program);
    const child = this.#spawn(process.execPath, [...process.execArgv, file, JSON.stringify(task)]);
    child.stderr!.pipe(process.stderr);
    return { child, lines: createInterface(child.stdout!)[Symbol.asyncIterator]() };
  }

  /** A file of the site's own, removed with it. */
  write(name: string, text: string): string {
    const file = path.join(this.#dir, name);
    writeFileSync(file, text);
    return file;
  }

  /** CPU time that the server has had, all its threads together. */
  get cpuSeconds(): number {
    // Behind the command's name in brackets; fields 14 and 15 of proc(5), in hundredths.
    const fields = this.#proc('stat')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  get rssMiB(): number {
    return Number(/^VmRSS:\s+(\d+)/m.exec(this.#proc('status'))?.[1]) / 1024;
  }

  /** Makes this the only endpoint of the Service that moves; resolves with the clock's nanoseconds before the write. */
  async move(to: string): Promise<bigint> {
    this.#children[0]!.stdin!.write(`${to}\n`);
    return BigInt(await nextLine(this.#cluster));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#children.filter((child) => child.exitCode === null && child.signalCode === null);
    await Promise.all(
      running.map((child) => {
        const ended = once(child, 'exit');
        // Not by force: a process that ends of itself leaves its compiled code for the next one.
        child.kill('SIGTERM');
        return ended;
      }),
    );
    process.off('exit', this.#remove);
    process.off('SIGINT', interrupted);
    this.#remove();
  }

  /** Also when the benchmark fails or is interrupted. */
  readonly #remove = (): void => {
    for (const child of this.#children) child.kill('SIGKILL');
    deleteNetns(this.#netns);
    rmSync(this.#dir, { recursive: true, force: true });
  };

  async #start(services: number): Promise<void> {
    const task: DnsClusterTask = { services, dir: this.#dir, address };
    this.#cluster = this.runProgram('dns-cluster.ts', task).lines;
    await nextLine(this.#cluster);
    const signalbox = path.join(import.meta.dirname, '..', '..', 'bin', 'signalbox');
    const startedMs = performance.now();
    const conf = this.write('Corefile', corefile);
    const child = this.#spawn(signalbox, ['dns', '--conf', conf, '--kubeconfig', path.join(this.#dir, 'kubeconfig')]);
    child.stdout!.resume();
    child.stderr!.on('data', (piece) => (this.#lastWords = String(piece)));
    while (!(await this.#isReady())) {
      if (performance.now() - startedMs > longestStartMs) throw this.#failure('timeout');
      await wait(10);
    }
    this.readyMs = performance.now() - startedMs;
  }

  /** Bash asks: the server's port is in another namespace than this process. */
  async #isReady(): Promise<boolean> {
    const ask = `exec 3<>/dev/tcp/${address}/8181 && printf 'GET /ready HTTP/1.0\\r\\n\\r\\n' >&3 && head -1 <&3`;
    return (await this.run('bash', ['-c', `(${ask}) 2>&- || true`])).includes(' 200 ');
  }

  #failure(code: string): OperatingError {
    return new OperatingError('Run signalbox dns', code, this.#lastWords);
  }

  /** nsenter and the shell both become the program that they start: the number stays. */
  #proc(file: string): string {
    const child = this.#children[1]!;
    if (child.exitCode !== null || child.signalCode !== null) throw this.#failure('ended');
    return readFileSync(`/proc/${child.pid}/${file}`, 'utf8');
  }

  #spawn(command: string, words: readonly string[]): ChildProcess {
    const child = spawn('nsenter', [`--net=${this.#path}`, '--', command, ...words], { stdio: 'pipe' });
    // Its end is noticed by whoever waits for what it prints.
    child.stdin!.on('error', () => {});
    this.#children.push(child);
    return child;
  }
}

const interrupted = (): never => process.exit(130);

export async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new OperatingError('Read from a program of the benchmark', 'ended', 'it has printed nothing more');
  return value;
}
