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
  description: 'Bytes and connections per second through the userspace dataplane, against the same endpoint directly',

  async run({ tiny, progress }) {
    const rounds = tiny ? 1 : 5;
    const sizes = { streams: 4, bytes: tiny ? 16 << 20 : 2 ** 31, concurrency: 16, connections: tiny ? 50 : 10_000 };
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
      const relay = start('node', 'userspace-node.ts', JSON.stringify({ vip, pod, ports, streamPort, connectPort }));
      await relay.ready();
      const samples: Record<string, number[]> = {
        bytesPerSecond: [],
        directBytesPerSecond: [],
        connectionsPerSecond: [],
        directConnectionsPerSecond: [],
      };
      for (let round = 0; round < rounds; round++) {
        progress(`round ${round + 1} of ${rounds}`);
        // Direct and relayed in turns, so that whatever else the machine does meets both.
        const bytes = (address: string, port: number) => client.bytesPerSecond(address, port, sizes);
        const connections = (address: string, port: number) => client.connectionsPerSecond(address, port, sizes);
        samples.directBytesPerSecond!.push(await bytes(pod, streamPort));
        samples.bytesPerSecond!.push(await bytes(vip, ports.stream));
        samples.directConnectionsPerSecond!.push(await connections(pod, connectPort));
        samples.connectionsPerSecond!.push(await connections(vip, ports.connect));
      }
      const row = Object.fromEntries(
        Object.entries(samples).map(([name, all]) => [name, Math.round(percentile(all, 0.5))]),
      );
      const conditions = {
        ...sizes,
        rounds,
        figures: 'median of the rounds',
        peers: 'Node.js, one process each in its own namespace',
      };
      return { conditions, rows: [row], samples };
    } finally {
      for (const peer of peers) peer.end();
      network.destroy();
    }
  },
};

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
    { streams, bytes }: { streams: number; bytes: number },
  ): Promise<number> {
    return bytes / ((await this.ask({ do: 'receive', address, port, streams, bytes })) as number);
  }

  async connectionsPerSecond(
    address: string,
    port: number,
    { concurrency, connections }: { concurrency: number; connections: number },
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
