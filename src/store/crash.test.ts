import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Store } from './port.ts';
import { openSqliteStore } from './sqlite.ts';
import { type Acknowledged, pairOf, stateOf, writers } from './testing/crash-pairs.ts';
import { Recorder } from './testing/recorder.ts';

const kills = 25;
const program = fileURLToPath(new URL('./testing/crash-writer.ts', import.meta.url));

test(`${kills} times killed with -9 in the middle of writing, a store has lost nothing it acknowledged`, async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'signalbox-crash-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'store.sqlite');
  const acknowledged = new Map<number, Acknowledged>();
  let revision = 1;
  for (let kill = 0; kill < kills; kill++) {
    // Sometimes before the first write: while the file is made, or read.
    const writes = kill % 5 === 0 ? 0 : 1 + Math.floor(Math.random() * 300);
    for (const line of await writeAndKill(file, writes)) {
      assert.ok(line.revision > revision, `revision ${line.revision} after ${revision}`);
      revision = line.revision;
      acknowledged.set(line.writer, line);
    }
    const store = await openSqliteStore({ path: file });
    try {
      assert.ok(store.revision >= revision, `revision ${store.revision} after ${revision}`);
      for (let writer = 0; writer < writers; writer++) await checkWriter(store, writer, acknowledged.get(writer));
      await checkHistory(store);
      revision = store.revision;
    } finally {
      await store.close();
    }
  }
  assert.ok(acknowledged.size === writers && revision > kills);
});

/** Runs the writers, kills them when so many writes are acknowledged, and returns all that were. */
async function writeAndKill(file: string, writes: number): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, [program, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines: Acknowledged[] = [];
  // Without a write to wait for, a moment somewhere between the start of the process and the first write.
  if (writes === 0) setTimeout(() => child.kill('SIGKILL'), Math.random() * 200);
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(JSON.parse(line));
    if (lines.length === writes) child.kill('SIGKILL');
  }
  assert.deepEqual(await exited, [null, 'SIGKILL']);
  return lines;
}

/** A writer's last acknowledged write is there, or the one that was under way; and that as a whole. */
async function checkWriter(store: Store, writer: number, acknowledged: Acknowledged | undefined): Promise<void> {
  const last = (await store.get(`/last/${writer}`)).value;
  const count = Number(last?.value ?? 0);
  const least = acknowledged?.count ?? 0;
  assert.ok(count >= least, `writer ${writer}: write ${least} was acknowledged, the store has ${count}`);
  if (acknowledged && count === least) assert.equal(last?.modRevision, acknowledged.revision);
  for (const key of pairOf(writer)) {
    const entry = (await store.get(key)).value;
    const expected = count === 0 || stateOf(count) === 'deleted' ? undefined : last;
    assert.deepEqual(
      [entry?.value, entry?.modRevision],
      [expected?.value, expected?.modRevision],
      `${key} after ${count}`,
    );
  }
}

/** No revision of history is left out, and none holds half of a pair. */
async function checkHistory(store: Store): Promise<void> {
  const { revision } = store;
  const begin = await oldestRevision(store);
  const watch = new Recorder(store, '/', begin);
  const isDone = () => begin === revision || watch.events.at(-1)?.revision === revision;
  while (!isDone()) await new Promise((resolve) => setImmediate(resolve));
  const commits = Map.groupBy(watch.events, (event) => event.revision);
  assert.deepEqual(
    [...commits.keys()],
    Array.from({ length: revision - begin }, (_, i) => begin + 1 + i),
  );
  for (const [at, events] of commits) {
    const sides = events.filter(({ key }) => key.startsWith('/pair/'));
    assert.ok(sides.length === 0 || sides.length === 2, `revision ${at} has ${sides.length} sides of a pair`);
    assert.equal(events.length - sides.length, 1, `revision ${at} has no counter`);
  }
}

async function oldestRevision(store: Store): Promise<number> {
  let [low, high] = [1, store.revision];
  while (low < high) {
    const middle = (low + high) >> 1;
    const isThere = await store.list('/', { revision: middle, limit: 1 }).then(
      () => true,
      () => false,
    );
    if (isThere) high = middle;
    else low = middle + 1;
  }
  return low;
}
