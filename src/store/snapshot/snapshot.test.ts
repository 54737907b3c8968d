import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { openEtcdStore } from '../etcd/etcd.ts';
import { createMemoryStore } from '../memory.ts';
import type { Store } from '../port.ts';
import { openSqliteStore } from '../sqlite.ts';
import { EtcdCluster, withoutEtcd } from '../testing/etcd-cluster.ts';
import { checkSnapshot, restoreToSqlite, restoreToStore, takeSnapshot, unfinishedKey, writeSnapshot } from './mod.ts';

const count = 1234;
const keyOf = (n: number) => `/registry/core/configmaps/n/c${n}`;

async function fill(store: Store): Promise<void> {
  for (let n = 0; n < count; n++)
    await store.commit([{ type: 'create', key: keyOf(n), value: `{"é\\n${n}":"\u2028"}` }]);
  await store.commit([{ type: 'create', key: '/elsewhere/x', value: 'not of the cluster' }]);
}

const contentOf = async (store: Store) =>
  new Map((await store.list('/registry/')).entries.map(({ key, value }) => [key, value]));

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'signalbox-backup-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function setUp(t: TestContext) {
  const store = createMemoryStore();
  await fill(store);
  const folder = folderFor(t);
  const file = path.join(folder, 'deep/er/backup.jsonl');
  const key = { type: 'file', path: 'pki/ca.key', mode: 0o600, text: 'secret' } as const;
  const summary = await writeSnapshot(file, takeSnapshot(store, '/registry/', 0), [key]);
  return { store, folder, file, summary };
}

test('a snapshot has one moment, whatever is written while it is read', async (t) => {
  const store = createMemoryStore();
  await fill(store);
  const before = await contentOf(store);
  async function* disturbed() {
    for await (const piece of takeSnapshot(store, '/registry/', 0)) {
      yield piece;
      const { entries } = await store.list('/registry/');
      const last = entries.at(-1)!;
      await store.commit([
        { type: 'delete', key: last.key, expected: last.modRevision },
        { type: 'create', key: `/registry/core/configmaps/n/a${store.revision}`, value: 'new' },
      ]);
    }
  }
  const folder = folderFor(t);
  const file = path.join(folder, 'b');
  await writeSnapshot(file, disturbed(), []);
  const copy = createMemoryStore();
  await restoreToStore(file, copy);
  assert.deepEqual(await contentOf(copy), before);
});

test('it comes back from SQLite as it was, and readers of the old revisions have to list anew', async (t) => {
  const { store, folder, file, summary } = await setUp(t);
  assert.deepEqual([summary.entries, summary.files, summary.revision], [count, ['pki/ca.key'], store.revision]);
  assert.deepEqual([...summary.kinds], [['core/configmaps', count]]);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const database = path.join(folder, 'store.sqlite');
  writeFileSync(`${database}.restoring`, 'of an attempt that was killed');
  await restoreToSqlite(file, summary.revision, database);
  for (let opening = 0; opening < 2; opening++) {
    const restored = await openSqliteStore({ path: database });
    assert.deepEqual(await contentOf(restored), await contentOf(store));
    assert(restored.revision > store.revision + 1_000_000);
    assert.throws(() => restored.watch('/registry/', { after: store.revision, onEvents: () => {} }), {
      code: 'compacted',
    });
    const { revision } = await restored.commit([{ type: 'create', key: `/registry/a/b/${opening}`, value: 'x' }]);
    await store.commit([{ type: 'create', key: `/registry/a/b/${opening}`, value: 'x' }]);
    assert.equal(restored.revision, revision);
    await restored.close();
  }
  await assert.rejects(
    restoreToSqlite(file, summary.revision, database),
    /there is a store already; move it away first/,
  );
});

test('what is cut off, changed or added to is not taken for a backup', async (t) => {
  const { folder, file } = await setUp(t);
  const whole = readFileSync(file, 'utf8');
  const lines = whole.split('\n').slice(0, -1);
  const other = path.join(folder, 'other');
  const refused = async (text: string, state: RegExp) => {
    writeFileSync(other, text);
    await assert.rejects(checkSnapshot(other), (error: { code?: string; message: string }) => {
      assert.equal(error.code, 'damaged');
      assert.match(error.message, state);
      return true;
    });
  };
  for (const kept of [0, 1, 2, 700, lines.length - 2, lines.length - 1])
    await refused(
      lines
        .slice(0, kept)
        .map((line) => `${line}\n`)
        .join(''),
      /its end is missing/,
    );
  await refused(whole.slice(0, -20), /line 1238 is not JSON/);
  await refused(whole.replace(keyOf(17), keyOf(18)), /its SHA-256 is another/);
  await refused(whole.replace('secret', 'public'), /its SHA-256 is another/);
  await refused(lines.toSpliced(5, 1).join('\n'), /its SHA-256 is another/);
  await refused(`${whole}{"type":"entries","count":0}\n`, /something behind its seal/);
  await refused(whole.replace('"format":1', '"format":2'), /line 1 has format 2, this release reads 1/);
  await refused(
    whole.replace('pki/ca.key', 'pki/../../etc/passwd'),
    /line 1237 has the path ".*", which is none of pki/,
  );
  await refused(whole.replace('"type":"entries"', '"type":"toString"'), /line 1236 is of no kind that is known/);
  await refused('hello\n', /line 1 is not JSON/);
  await assert.rejects(checkSnapshot(path.join(folder, 'none')), /Read the backup .*none: ENOENT/);
});

test('a save that fails leaves the former backup, and nothing else', async (t) => {
  const { store, folder, file } = await setUp(t);
  const before = readFileSync(file, 'utf8');
  async function* broken() {
    for await (const piece of takeSnapshot(store, '/registry/', 0)) {
      yield piece;
      if (piece.includes('entry')) throw new Error('the connection was lost');
    }
  }
  await assert.rejects(writeSnapshot(file, broken(), []), /Write the backup .*: the connection was lost/);
  async function* short() {
    for await (const piece of takeSnapshot(store, '/registry/', 0)) if (!piece.includes('"entries"')) yield piece;
  }
  await assert.rejects(writeSnapshot(file, short(), []), /it has 1234 entries where no number were told/);
  assert.equal(readFileSync(file, 'utf8'), before);
  assert.deepEqual(readdirSync(path.dirname(file)), ['backup.jsonl']);
  assert.equal(existsSync(path.join(folder, 'deep')), true);
});

test('into a store that is shared: only into an empty one, and what was broken off is begun anew', async (t) => {
  const { store, file } = await setUp(t);
  const busy = createMemoryStore();
  await busy.commit([{ type: 'create', key: '/registry/a/b/c', value: 'x' }]);
  await assert.rejects(restoreToStore(file, busy), /the store holds 1 entries already/);
  assert.equal((await busy.list('')).entries.length, 1);

  const target = createMemoryStore();
  const commit = target.commit.bind(target);
  let left = 5;
  target.commit = (operations) => (left-- > 0 ? commit(operations) : Promise.reject(new Error('the line is cut')));
  await assert.rejects(restoreToStore(file, target), /the line is cut/);
  target.commit = commit;
  assert((await target.get(unfinishedKey)).value, 'a server that starts on it can tell');
  assert((await target.list('/registry/')).entries.length > 1);
  await restoreToStore(file, target);
  assert.deepEqual(await contentOf(target), await contentOf(store));
  assert.equal((await target.get(unfinishedKey)).value, undefined);
});

test('into real etcd', { skip: withoutEtcd }, async (t) => {
  const { store, file } = await setUp(t);
  const cluster = await EtcdCluster.start();
  t.after(() => cluster.stop());
  const target = await openEtcdStore({ endpoints: cluster.endpoints, clock: systemClock, log: silentLogger });
  t.after(() => target.close());
  await restoreToStore(file, target);
  assert.deepEqual(await contentOf(target), await contentOf(store));
});
