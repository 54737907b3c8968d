import { BenchServer, type StoreKind } from './control-plane/server.ts';
import { type Benchmark, percentile } from './harness.ts';

/** More streams on one connection than a client has, and fewer than HTTP/2 allows. */
const writersPerConnection = 50;

interface Run {
  readonly store: StoreKind;
  readonly writers: number;
  readonly creates: number;
}

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly milliseconds: readonly number[];
}

/**
 * ClusterIP Services, created by writers that wait for each answer. Each create gets an address, is on the disk when it is
 * answered, and its Endpoints and slice are made by the controllers in the same process: that CPU counts too.
 */
export const benchmark: Benchmark = {
  name: 'api',
  description: 'Services created through the API by store and writers: rate, CPU of server and etcd, latency, fsyncs',
  needs: ['etcd', 'strace'],

  async run({ tiny, progress }) {
    const rows: Record<string, string | number>[] = [];
    const samples: Record<string, readonly number[]> = {};
    for (const store of ['sqlite', 'etcd'] as const) {
      for (const writers of tiny ? [1, 10] : [1, 10, 100, 1_000]) {
        const creates = tiny ? 20 : writers === 1 ? 1_000 : 5_000;
        const run = { store, writers, creates };
        const measured = await measure(run);
        const fsyncs = await countSyncs(run);
        rows.push({ store, writers, ...figures(run, measured), fsyncs });
        samples[`${store} ${writers} writers`] = measured.milliseconds;
        progress(`${store}, ${writers} writers: ${rows.at(-1)!.createsPerSecond} creates/s`);
      }
    }
    const conditions = {
      object: 'a ClusterIP Service with one port, by HTTP/2 over TLS, with the controllers at work',
      durability: 'fsync before the answer: SQLite with synchronous=FULL, etcd (one member) as it comes',
      fsyncs: 'of the server (SQLite) or of etcd, in a run of their own under strace',
      creates: 'writers 1: 1,000, else 5,000',
    };
    return { conditions, rows, samples };
  },
};

const figures = ({ creates }: Run, { seconds, cpuSeconds, milliseconds }: Measured) => ({
  createsPerSecond: Math.round(creates / seconds),
  cpuMsPerCreate: Number(((1000 * cpuSeconds) / creates).toFixed(3)),
  p50Ms: Number(percentile(milliseconds, 0.5).toFixed(2)),
  p99Ms: Number(percentile(milliseconds, 0.99).toFixed(2)),
});

async function measure(run: Run): Promise<Measured> {
  const server = await BenchServer.start(run.store);
  try {
    await create(server, { ...run, creates: Math.min(run.creates, 500) }, 'warm');
    const cpuBefore = server.cpuSeconds;
    const startMs = performance.now();
    const milliseconds = await create(server, run, 's');
    const seconds = (performance.now() - startMs) / 1000;
    return { seconds, cpuSeconds: server.cpuSeconds - cpuBefore, milliseconds };
  } finally {
    await server.stop();
  }
}

async function countSyncs(run: Run): Promise<number> {
  const server = await BenchServer.start(run.store, true);
  try {
    const before = server.syncs;
    await create(server, run, 's');
    return server.syncs - before;
  } finally {
    await server.stop();
  }
}

/** @returns how long each create took */
async function create(server: BenchServer, { writers, creates }: Run, prefix: string): Promise<number[]> {
  const connections = Array.from({ length: Math.ceil(writers / writersPerConnection) }, () => server.connect());
  const milliseconds: number[] = [];
  let next = 0;
  const write = async (writer: number) => {
    const exchange = connections[writer % connections.length]!;
    while (next < creates) {
      const body = serviceBody(`${prefix}${next++}`);
      const startMs = performance.now();
      const response = await exchange({ ...post, body });
      for await (const _ of response.body);
      if (response.status !== 201) throw new Error(`A create was answered with ${response.status}`);
      milliseconds.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  return milliseconds;
}

const post = {
  method: 'POST',
  url: '/api/v1/namespaces/default/services',
  headers: { 'content-type': 'application/json' },
  signal: new AbortController().signal,
};

const serviceBody = (name: string): string =>
  JSON.stringify({
    metadata: { name, labels: { app: name } },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
  });
