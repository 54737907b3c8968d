import { setTimeout as wait } from 'node:timers/promises';
import type { Exchange } from '../src/base/exchange.ts';
import { BenchServer } from './control-plane/server.ts';
import { type Benchmark, percentile } from './harness.ts';

const watchesPerConnection = 100;
const configMaps = '/api/v1/namespaces/default/configmaps';
/** Bytes of data in the object that changes: about what an EndpointSlice of some endpoints has. */
const dataBytes = 1_500;
const patienceMs = 120_000;

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly milliseconds: readonly number[];
  readonly dropped: number;
}

/** Watchers of one kind; one of them takes nothing at all, which must not be seen in what the others get. */
export const benchmark: Benchmark = {
  name: 'watch',
  description: 'One object changes, many watch, one of them has stalled: events a second, delay, CPU of a delivery',

  async run({ tiny, progress }) {
    const rows: Record<string, string | number>[] = [];
    const samples: Record<string, readonly number[]> = {};
    for (const watchers of tiny ? [5, 10] : [10, 100, 1_000, 5_000]) {
      const events = tiny ? 10 : Math.min(500, Math.ceil(500_000 / watchers));
      const measured = await measure(watchers, events);
      rows.push({ watchers, ...figures(watchers, events, measured) });
      samples[`${watchers} watchers`] = measured.milliseconds;
      progress(`${watchers} watchers: p99 ${rows.at(-1)!.p99Ms} ms`);
    }
    const conditions = {
      object: `a ConfigMap with ${dataBytes} bytes of data, replaced as soon as the write before is answered`,
      delay: 'from sending the write until a watcher has its event; all watchers are one process on the same two cores',
      stalled: 'one watcher more on a connection of its own, which reads nothing',
      store: 'sqlite',
      watchesPerConnection,
    };
    return { conditions, rows, samples };
  },
};

const figures = (watchers: number, events: number, { seconds, cpuSeconds, milliseconds, dropped }: Measured) => ({
  eventsPerSecond: Math.round(events / seconds),
  p99Ms: Number(percentile(milliseconds, 0.99).toFixed(2)),
  cpuUsPerDelivery: Number(((1e6 * cpuSeconds) / (events * watchers)).toFixed(2)),
  dropped,
});

async function measure(watchers: number, events: number): Promise<Measured> {
  const server = await BenchServer.start('sqlite');
  try {
    const writer = server.connect();
    await send(writer, 'POST', configMaps, bodyOf(-1));
    const sentMs: number[] = [];
    const crowd = new Crowd(server, sentMs);
    await crowd.gather(watchers);
    await crowd.stall();
    const cpuBefore = server.cpuSeconds;
    const startMs = performance.now();
    for (let n = 0; n < events; n++) {
      sentMs[n] = performance.now();
      await send(writer, 'PUT', `${configMaps}/c`, bodyOf(n));
    }
    const dropped = await crowd.all(events);
    const seconds = (performance.now() - startMs) / 1000;
    const cpuSeconds = server.cpuSeconds - cpuBefore;
    crowd.leave();
    return { seconds, cpuSeconds, milliseconds: crowd.milliseconds, dropped };
  } finally {
    await server.stop();
  }
}

/** Everybody who watches. */
class Crowd {
  readonly milliseconds: number[] = [];
  readonly #server: BenchServer;
  readonly #sentMs: readonly number[];
  readonly #left = new AbortController();
  /** How many events each watcher has seen. */
  readonly #seen: number[] = [];

  constructor(server: BenchServer, sentMs: readonly number[]) {
    this.#server = server;
    this.#sentMs = sentMs;
  }

  async gather(watchers: number): Promise<void> {
    let connection: Exchange | undefined;
    for (let n = 0; n < watchers; n++) {
      if (n % watchesPerConnection === 0) connection = this.#server.connect();
      const { body } = await this.#watch(connection!);
      this.#seen[n] = 0;
      void this.#read(n, body as AsyncIterable<string>).catch(() => {});
    }
  }

  /** It takes the first piece and no other. */
  async stall(): Promise<void> {
    const { body } = await this.#watch(this.#server.connect());
    await (body as AsyncIterable<string>)[Symbol.asyncIterator]().next();
  }

  /** Resolves when all have seen all; with how many have not when nothing comes any more. */
  async all(events: number): Promise<number> {
    const lacking = () => this.#seen.filter((seen) => seen < events).length;
    const endMs = performance.now() + patienceMs;
    while (lacking() > 0 && performance.now() < endMs) await wait(1);
    return lacking();
  }

  leave(): void {
    this.#left.abort();
  }

  #watch(exchange: Exchange) {
    const url = `${configMaps}?watch=1&fieldSelector=metadata.name%3Dc`;
    return exchange({ method: 'GET', url, headers: {}, signal: this.#left.signal });
  }

  async #read(watcher: number, body: AsyncIterable<string>): Promise<void> {
    // The number stands once in each event, and may be cut in two.
    let rest = '';
    for await (const piece of body) {
      rest += piece;
      let last = 0;
      for (const { 0: text, 1: number, index } of rest.matchAll(/"number":"(\d+)"/g)) {
        this.#seen[watcher]!++;
        this.milliseconds.push(performance.now() - this.#sentMs[Number(number)]!);
        last = index + text.length;
      }
      rest = rest.slice(Math.max(last, rest.length - 40));
    }
  }
}

const bodyOf = (number: number): string =>
  JSON.stringify({ metadata: { name: 'c' }, data: { number: String(number), filling: 'x'.repeat(dataBytes) } });

async function send(exchange: Exchange, method: string, url: string, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await exchange({ method, url, headers, body, signal: new AbortController().signal });
  for await (const _ of response.body);
  if (response.status >= 300) throw new Error(`${method} ${url} was answered with ${response.status}`);
}
