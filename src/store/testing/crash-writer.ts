/**
 * Writes until it is killed, and says on standard output what was acknowledged, one JSON line each. Each writer has a
 * pair of keys that it creates, updates and deletes together; now and then history is compacted.
 * usage: crash-writer.ts FILE
 */
import { writeSync } from 'node:fs';
import { openSqliteStore } from '../sqlite.ts';
import { type Acknowledged, pairOf, stateOf, writers } from './crash-pairs.ts';

const store = await openSqliteStore({ path: process.argv[2]! });

async function write(writer: number): Promise<void> {
  // Values are unique for ever, and rise with time.
  const first = (await store.get(`/last/${writer}`)).value;
  let last = Number(first?.value ?? 0);
  let lastRevision = first?.modRevision;
  for (;;) {
    const count = last + 1;
    const value = String(count);
    const revisions = await Promise.all(pairOf(writer).map(async (key) => (await store.get(key)).value?.modRevision));
    const pair = pairOf(writer).map((key, i) => operationOf(key, value, revisions[i], stateOf(count)));
    const counter = lastRevision
      ? { type: 'update' as const, key: `/last/${writer}`, value, expected: lastRevision }
      : { type: 'create' as const, key: `/last/${writer}`, value };
    const { revision } = await store.commit([...pair.filter((operation) => operation !== undefined), counter]);
    say({ writer, count, revision });
    last = count;
    lastRevision = revision;
    if (writer === 0 && count % 40 === 0) await store.compact(revision - 20);
  }
}

function operationOf(key: string, value: string, revision: number | undefined, state: 'present' | 'deleted') {
  if (state === 'deleted')
    return revision === undefined ? undefined : { type: 'delete' as const, key, expected: revision };
  if (revision === undefined) return { type: 'create' as const, key, value };
  return { type: 'update' as const, key, value, expected: revision };
}

/** Blocks until the line is in the pipe, where it outlives this process; the pipe is full when its reader is slow. */
function say(acknowledged: Acknowledged): void {
  let line = Buffer.from(`${JSON.stringify(acknowledged)}\n`);
  while (line.length > 0) {
    try {
      line = line.subarray(writeSync(1, line));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
