import { BenchServer } from './control-plane/server.ts';
import { type Benchmark, percentile } from './harness.ts';

const services = '/api/v1/namespaces/default/services';
const fillers = 200;
/** What one answer may hold at the most, as kubectl and client-go ask for. */
const pageSize = 500;

/** Lists of all Services by one client, whole and page by page, from a server that has so many (and their slices). */
export const benchmark: Benchmark = {
  name: 'api-list',
  description: 'LIST of all Services by their number: how long, CPU of the server, its memory',

  async run({ tiny, progress }) {
    const rows: Record<string, string | number>[] = [];
    const samples: Record<string, readonly number[]> = {};
    for (const objects of tiny ? [10, 20] : [1_000, 10_000, 30_000, 100_000]) {
      const server = await BenchServer.start('sqlite');
      try {
        const emptyMiB = server.rssMiB;
        await fill(server, objects);
        const rssMiB = server.rssMiB;
        for (const paging of ['whole', 'pages'] as const) {
          const lists = tiny ? 2 : Math.max(5, Math.ceil(100_000 / objects));
          const cpuBefore = server.cpuSeconds;
          const milliseconds = await listAll(server, paging, objects, Math.min(lists, 50));
          const cpuMs = (1000 * (server.cpuSeconds - cpuBefore)) / milliseconds.length;
          samples[`${objects} objects, ${paging}`] = milliseconds;
          rows.push({
            objects,
            paging,
            p50Ms: Number(percentile(milliseconds, 0.5).toFixed(1)),
            p99Ms: Number(percentile(milliseconds, 0.99).toFixed(1)),
            cpuMsPerList: Math.round(cpuMs),
            rssMiB: Math.round(rssMiB),
            kibPerObject: Number((((rssMiB - emptyMiB) * 1024) / objects).toFixed(1)),
          });
        }
        progress(`${objects} Services: ${rows.at(-2)!.p50Ms} ms, ${Math.round(rssMiB)} MiB`);
      } finally {
        await server.stop();
      }
    }
    const conditions = {
      objects: 'ClusterIP Services without endpoints, each with its EndpointSlice and Endpoints',
      pages: `of ${pageSize}`,
      kibPerObject: "what the server's memory grew by, slices and Endpoints included, after filling at full speed",
      store: 'sqlite',
    };
    return { conditions, rows, samples };
  },
};

async function fill(server: BenchServer, objects: number): Promise<void> {
  const connections = Array.from({ length: 4 }, () => server.connect());
  let next = 0;
  const write = async (filler: number) => {
    const exchange = connections[filler % connections.length]!;
    while (next < objects) {
      const name = `s${next++}`;
      const spec = { selector: { app: name }, ports: [{ port: 80 }] };
      await ask(exchange, 'POST', services, JSON.stringify({ metadata: { name }, spec }));
    }
  };
  await Promise.all(Array.from({ length: Math.min(fillers, objects) }, (_, filler) => write(filler)));
  // Controllers are done when every Service has its slice.
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?limit=1';
  const exchange = server.connect();
  for (;;) {
    const { metadata, items } = JSON.parse(await ask(exchange, 'GET', slices));
    if ((metadata.remainingItemCount ?? 0) + items.length >= objects) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function listAll(server: BenchServer, paging: 'whole' | 'pages', objects: number, lists: number) {
  const exchange = server.connect();
  const milliseconds: number[] = [];
  for (let n = 0; n < lists; n++) {
    const startMs = performance.now();
    let found = 0;
    for (let token: string | undefined = ''; token !== undefined; ) {
      const query = paging === 'pages' ? `?limit=${pageSize}&continue=${encodeURIComponent(token)}` : '';
      const text = await ask(exchange, 'GET', services + query);
      found += text.split('"clusterIP":').length - 1;
      token = /"continue":"([^"]+)"/.exec(text.slice(0, 2_000))?.[1];
    }
    milliseconds.push(performance.now() - startMs);
    // The kubernetes Service is one more.
    if (found !== objects + 1) throw new Error(`A list had ${found} Services`);
  }
  return milliseconds;
}

type Connection = ReturnType<BenchServer['connect']>;

async function ask(exchange: Connection, method: string, url: string, body?: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const signal = new AbortController().signal;
  const response = await exchange({ method, url, headers, signal, ...(body !== undefined && { body }) });
  let text = '';
  for await (const piece of response.body) text += piece;
  if (response.status >= 300) throw new Error(`${method} ${url} was answered with ${response.status}: ${text}`);
  return text;
}
