import { fdatasyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { createMemoryStore, openSqliteStore, type Store } from '../src/store/mod.ts';
import { type Benchmark, percentile } from './harness.ts';

/** About what a small Service or EndpointSlice is as JSON. */
const valueBytes = 1_500;
const value = 'x'.repeat(valueBytes);

interface Measured {
  readonly perSecond: number;
  readonly microseconds: readonly number[];
  /** Commits that shared one fsync, on average. */
  readonly perTransaction: number;
}

export const benchmark: Benchmark = {
  name: 'store',
  description: 'Commits of one key, by store, writers and keys that are there; beside the bare fsync of the same bytes',

  async run({ tiny, progress }) {
    // In the working tree, since /tmp may be memory, where an fsync costs nothing.
    const data = path.join(import.meta.dirname, 'data');
    mkdirSync(data, { recursive: true });
    const folder = mkdtempSync(path.join(data, 'store-'));
    try {
      const samples: Record<string, readonly number[]> = {};
      const rows: Record<string, string | number>[] = [];
      const add = (store: string, writers: number, keys: number, measured: Measured) => {
        progress(`${store}, ${writers} writers, ${keys} keys`);
        samples[`${store} ${writers} writers ${keys} keys`] = measured.microseconds;
        rows.push({ store, writers, keys, ...figures(measured) });
      };
      const commits = tiny ? 50 : 5_000;
      add('fsync alone', 1, 0, measureFsync(path.join(folder, 'raw'), commits));
      for (const keys of tiny ? [0, 200] : [0, 100_000]) {
        for (const writers of tiny ? [1, 10] : [1, 10, 100]) {
          const file = path.join(folder, `${keys}-${writers}.sqlite`);
          add('sqlite', writers, keys, await measureSqlite(file, keys, writers, commits * writers ** 0.5));
        }
        add('memory', 1, keys, await measure(createMemoryStore(), keys, 1, commits));
      }
      return { conditions: { valueBytes }, rows, samples };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

const figures = ({ perSecond, microseconds, perTransaction }: Measured) => ({
  perSecond: Math.round(perSecond),
  p50Us: Math.round(percentile(microseconds, 0.5)),
  p99Us: Math.round(percentile(microseconds, 0.99)),
  perTransaction: Number(perTransaction.toFixed(1)),
});

async function measureSqlite(file: string, keys: number, writers: number, commits: number): Promise<Measured> {
  const store = await openSqliteStore({ path: file });
  await fill(store, keys);
  const before = store.counters;
  const measured = await measure(store, 0, writers, commits);
  const after = store.counters;
  await store.close();
  return { ...measured, perTransaction: (after.commits - before.commits) / (after.transactions - before.transactions) };
}

async function measure(store: Store, keys: number, writers: number, commits: number): Promise<Measured> {
  await fill(store, keys);
  const microseconds: number[] = [];
  const each = Math.ceil(commits / writers);
  const write = async (writer: number) => {
    for (let i = 0; i < each; i++) {
      const start = performance.now();
      await store.commit([{ type: 'create', key: `/registry/core/services/w${writer}/s${i}`, value }]);
      microseconds.push((performance.now() - start) * 1_000);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  return { perSecond: (each * writers * 1_000) / (performance.now() - start), microseconds, perTransaction: 1 };
}

async function fill(store: Store, keys: number): Promise<void> {
  const creations = Array.from({ length: keys }, (_, i) => {
    return store.commit([{ type: 'create', key: `/registry/core/services/default/s${i}`, value }]);
  });
  await Promise.all(creations);
}

/** What any store must pay at least on this disk. */
function measureFsync(file: string, count: number): Measured {
  const descriptor = openSync(file, 'w');
  const microseconds: number[] = [];
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const before = performance.now();
    writeSync(descriptor, value);
    fdatasyncSync(descriptor);
    microseconds.push((performance.now() - before) * 1_000);
  }
  return { perSecond: (count * 1_000) / (performance.now() - start), microseconds, perTransaction: 1 };
}
