import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Clock } from '../../src/base/clock.ts';
import { OperatingError } from '../../src/base/errors.ts';
import { createNetns, deleteNetns, type Kernel, listNetns, NetworkAdmin, netnsPath } from '../../src/kernel/mod.ts';
import { buildFabric, chooseSubnet } from '../../src/standalone/fabric.ts';
import { type ClusterLayout, layoutOf, type NodeLayout } from '../../src/standalone/layout.ts';
import { killProcessesOf } from '../../src/standalone/processes.ts';
import { ownProgram } from '../../src/standalone/programs.ts';

/** In the node's range; the gateway is the node's end of the link, as in every Pod network of ours. */
const podGateway = '10.244.1.1';
const podAddress = '10.244.1.2';

/** In the working tree: /tmp may be memory, where an fsync costs nothing. */
const stateRoot = path.join(import.meta.dirname, '..', 'data');

const interruptions = ['SIGINT', 'SIGTERM'] as const;

/**
 * Three machines for the benchmark, each a network namespace: control plane and node on a switch that the host is
 * linked to, and a Pod behind the node. Everything bears this process's number in its name, and every process bears
 * the state folder in its environment, so that it is all found and removed whatever happens: at the end, after a
 * failure or Ctrl-C here, after a kill -9 by the next Site.
 */
export class Site implements AsyncDisposable {
  readonly layout: ClusterLayout;
  readonly pod: { readonly netns: string; readonly address: string };
  readonly #kernel: Kernel;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #onSignal = (name: NodeJS.Signals) => this.#fail('Run the benchmark', 'interrupted', name);

  private constructor(layout: ClusterLayout, kernel: Kernel, clock: Clock) {
    this.layout = layout;
    this.pod = { netns: netnsPath(`${layout.namespacePrefix}pod`), address: podAddress };
    this.#kernel = kernel;
    this.#clock = clock;
    // Once: a second one ends the process at once, and the next Site cleans up.
    for (const name of interruptions) process.once(name, this.#onSignal);
  }

  /** Builds the machines. To be disposed of. */
  static async open(kernel: Kernel, clock: Clock): Promise<Site> {
    await removeOrphans(kernel, clock);
    const site = new Site(siteLayout(process.pid, chooseSubnet(nameOf(process.pid), kernel)), kernel, clock);
    try {
      site.#build();
      return site;
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
  }

  get node(): NodeLayout {
    return this.layout.nodes[0]!;
  }

  /** Aborts, with the reason, when a process ends that should run on, or somebody interrupts the benchmark. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Runs one of our own commands on a machine. */
  runCommand(name: string, namespace: string, words: readonly string[], onLine?: (line: string) => void): ChildProcess {
    const { command, args, environment } = ownProgram(name, netnsPath(namespace), words, this.layout);
    return this.#run(name, command, args, environment, onLine);
  }

  /** Runs a program file on a machine, with our own runtime. */
  runFile(file: string, namespace: string, words: readonly string[], onLine: (line: string) => void): ChildProcess {
    const name = path.basename(file, '.ts');
    const netns = netnsPath(namespace);
    const { command, environment } = ownProgram(name, netns, [], this.layout);
    return this.#run(name, command, [`--net=${netns}`, '--', process.execPath, file, ...words], environment, onLine);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail('Run the benchmark', 'stopped', 'it is over');
    await removeSite(this.layout, this.#kernel, this.#clock);
    for (const name of interruptions) process.off(name, this.#onSignal);
  }

  #build(): void {
    mkdirSync(this.layout.stateDir, { recursive: true });
    buildFabric(this.layout, this.#kernel);
    createNetns(`${this.layout.namespacePrefix}pod`);
    within(this.#kernel, netnsPath(this.node.namespace), (network) => {
      network.createVethPair({ name: 'pod', peerName: 'eth0', peerNetns: this.pod.netns });
      network.addAddress('pod', `${podGateway}/32`);
      network.setUp('pod');
      network.addRoute({ destination: `${podAddress}/32`, device: 'pod' });
    });
    within(this.#kernel, this.pod.netns, (network) => {
      network.setUp('lo');
      network.addAddress('eth0', `${podAddress}/32`);
      network.setUp('eth0');
      network.addRoute({ destination: `${podGateway}/32`, device: 'eth0' });
      network.addRoute({ destination: '0.0.0.0/0', gateway: podGateway });
    });
  }

  #run(
    name: string,
    command: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
    onLine: (line: string) => void = () => {},
  ): ChildProcess {
    // Detached: a Ctrl-C on the terminal is ours to act on.
    const child = spawn(command, args, { detached: true, stdio: 'pipe', env: environment });
    const last: string[] = [];
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => {
        last.push(line);
        if (last.length > 10) last.shift();
        onLine(line);
      });
    }
    child.once('error', (error) => this.#fail(`Start ${name}`, 'failed', error.message));
    child.once('close', (code, signal) => {
      this.#fail(`Run ${name}`, 'ended', [signal ?? `exit code ${code}`, ...last].join('\n  '));
    });
    return child;
  }

  /** The first failure counts; what follows follows from it. */
  #fail(operation: string, code: string, state: string): void {
    if (!this.signal.aborted) this.#stop.abort(new OperatingError(operation, code, state));
  }
}

const nameOf = (pid: number): string => `t-bench-ready-${pid}`;

/** Like a standalone cluster's of one node, but by other names, so that neither cleans up after the other. */
function siteLayout(pid: number, subnet: string): ClusterLayout {
  const name = nameOf(pid);
  const { fabric, control, nodes, namespacePrefix, ...rest } = layoutOf(name, stateRoot, subnet, 1);
  const rename = <Named extends { namespace: string }>(place: Named): Named => ({
    ...place,
    namespace: place.namespace.replace(namespacePrefix, `${name}.`),
  });
  return {
    ...rest,
    // A link's name holds 15 bytes.
    hostLink: `t-bench-${pid}`,
    namespacePrefix: `${name}.`,
    fabric: rename(fabric),
    control: rename(control),
    nodes: nodes.map(rename),
  };
}

async function removeSite(layout: ClusterLayout, kernel: Kernel, clock: Clock): Promise<void> {
  await killProcessesOf(layout.stateDir, clock);
  within(kernel, undefined, (network) => network.ensureNoLink(layout.hostLink));
  for (const name of listNetns()) if (name.startsWith(layout.namespacePrefix)) deleteNetns(name);
  rmSync(layout.stateDir, { recursive: true, force: true });
}

/** What benchmarks that were killed hard have left. */
async function removeOrphans(kernel: Kernel, clock: Clock): Promise<void> {
  const numbers = listNetns().flatMap((name) => /^t-bench-ready-(\d+)\./.exec(name)?.[1] ?? []);
  for (const pid of new Set(numbers.map(Number))) {
    if (!existsSync(`/proc/${pid}`)) await removeSite(siteLayout(pid, ''), kernel, clock);
  }
}

function within(kernel: Kernel, netns: string | undefined, action: (network: NetworkAdmin) => void): void {
  const network = new NetworkAdmin(kernel, netns === undefined ? {} : { netns });
  try {
    action(network);
  } finally {
    network.close();
  }
}

/** Settles as the promise does, unless the signal aborts first: then it rejects with the signal's reason. */
export function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    // Also after the abort: nobody else takes the promise's own rejection.
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
