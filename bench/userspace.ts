import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { TestNetwork } from '../src/proxy/testing/network.ts';
import { type Benchmark, percentile } from './harness.ts';
import type { PeerRequest } from './programs/tcp-peer.ts';

const pod = '10.244.1.2';
const vip = '10.96.0.1';
const ports = { stream: 80, connect: 81 };

export const benchmark: Benchmark = {
  name: 'userspace',
  description:
    'Bytes and connections per second through the userspace dataplane, by number of Services, against the endpoint directly',

  async run({ tiny, wants, progress }) {
    const rounds = tiny ? 1 : 5;
    const load = { streams: 4, bytes: tiny ? 16 << 20 : 2 ** 31, concurrency: 16, connections: tiny ? 50 : 10_000 };
    const rows: Record<string, number>[] = [];
    const samples: Record<string, number[]> = {};
    for (const services of tiny ? [1, 10] : [1, 10, 100, 1_000, 10_000]) {
      if (!wants({ services })) continue;
      const found = await measure(services, load, rounds, (round) =>
        progress(`${services} Services, round ${round} of ${rounds}`),
      );
      for (const [figure, values] of Object.entries(found)) samples[`${services} ${figure}`] = values;
      const medians = Object.entries(found).map(([name, all]) => [name, Math.round(percentile(all, 0.5))]);
      rows.push({ services, ...Object.fromEntries(medians) });
    }
    const conditions = {
      ...load,
      rounds,
      figures: 'median of the rounds',
      peers: 'Node.js, one process each in its own namespace',
      measured: 'the last of the Services',
    };
    return { conditions, rows, samples };
  },
};

interface Load {
  readonly streams: number;
  readonly bytes: number;
  readonly concurrency: number;
  readonly connections: number;
}

/** Each round's figures. */
async function measure(services: number, load: Load, rounds: number, progress: (round: number) => void) {
  const network = new TestNetwork('bench-usr');
  const peers: Peer[] = [];
  const start = (place: 'pod1' | 'pod2' | 'node', program: string, ...words: string[]) => {
    const peer = new Peer(network.path(place), program, words);
    peers.push(peer);
    return peer;
  };
  try {
    const server = start('pod1', 'tcp-peer.ts');
    const client = start('pod2', 'tcp-peer.ts');
    const [streamPort, connectPort] = (await server.ask({ do: 'serve' })) as [number, number];
    const setup = { vip, pod, ports, streamPort, connectPort, services };
    await start('node', 'userspace-node.ts', JSON.stringify(setup)).ready();
    const samples: Record<Figure, number[]> = {
      bytesPerSecond: [],
      directBytesPerSecond: [],
      connectionsPerSecond: [],
      directConnectionsPerSecond: [],
    };
    for (let round = 1; round <= rounds; round++) {
      progress(round);
      // Direct and relayed in turns, so that whatever else the machine does meets both.
      samples.directBytesPerSecond.push(await client.bytesPerSecond(pod, streamPort, load));
      samples.bytesPerSecond.push(await client.bytesPerSecond(vip, ports.stream, load));
      samples.directConnectionsPerSecond.push(await client.connectionsPerSecond(pod, connectPort, load));
      samples.connectionsPerSecond.push(await client.connectionsPerSecond(vip, ports.connect, load));
    }
    return samples;
  } finally {
    for (const peer of peers) peer.end();
    network.destroy();
  }
}

type Figure = `${'bytes' | 'directBytes' | 'connections' | 'directConnections'}PerSecond`;

/** A program of bench/programs in a namespace. */
class Peer {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(netns: string, program: string, words: readonly string[]) {
    const script = new URL(`./programs/${program}`, import.meta.url).pathname;
    this.#process = spawn('nsenter', [`--net=${netns}`, process.execPath, script, ...words], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface(this.#process.stdout!)[Symbol.asyncIterator]();
  }

  async ask(request: PeerRequest): Promise<number | number[]> {
    this.#process.stdin!.write(`${JSON.stringify(request)}\n`);
    return JSON.parse(await this.#line());
  }

  async bytesPerSecond(
    address: string,
    port: number,
    { streams, bytes }: Pick<Load, 'streams' | 'bytes'>,
  ): Promise<number> {
    return bytes / ((await this.ask({ do: 'receive', address, port, streams, bytes })) as number);
  }

  async connectionsPerSecond(
    address: string,
    port: number,
    { concurrency, connections }: Pick<Load, 'concurrency' | 'connections'>,
  ): Promise<number> {
    return connections / ((await this.ask({ do: 'connect', address, port, concurrency, connections })) as number);
  }

  async ready(): Promise<void> {
    await this.#line();
  }

  end(): void {
    this.#process.kill('SIGKILL');
  }

  async #line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error('The other process has ended');
    return value;
  }
}
