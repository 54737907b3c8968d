import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { suite, type TestContext, test } from 'node:test';
import type { Store } from './port.ts';
import { openSqliteStore } from './sqlite.ts';
import { storeSuite } from './suite.ts';
import { checkHistories } from './testing/histories.ts';
import { create, remove, update } from './testing/operations.ts';
import { Recorder } from './testing/recorder.ts';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'signalbox-store-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const fileFor = (t: TestContext) => path.join(folderFor(t), 'store.sqlite');

storeSuite('SQLite store', (t) => openSqliteStore({ path: fileFor(t) }));

suite('SQLite store on disk', () => {
  test('entries, revision and history are there after a restart', async (t) => {
    const file = fileFor(t);
    const first = await openSqliteStore({ path: file });
    await first.commit([create('/a', '1'), create('/b', '1')]);
    await first.commit([update('/a', 2, '2'), remove('/b', 2)]);
    const before = new Recorder(first, '/', 1);
    await before.reaches(4);
    await first.close();
    const second = await openSqliteStore({ path: file });
    t.after(() => second.close());
    assert.equal(second.revision, 3);
    const after = new Recorder(second, '/', 1);
    await after.reaches(4);
    assert.deepEqual(after.events, before.events);
    assert.deepEqual((await second.get('/a')).value, { key: '/a', value: '2', createRevision: 2, modRevision: 3 });
    assert.deepEqual(await second.commit([create('/b')]), { revision: 4 });
  });

  test('random histories with restarts are those of the naive model', async (t) => {
    const folder = folderFor(t);
    const files = new WeakMap<Store, string>();
    let count = 0;
    const openFile = async (file: string) => {
      const store = await openSqliteStore({ path: file });
      files.set(store, file);
      return store;
    };
    const reopen = async (store: Store) => {
      await store.close();
      return openFile(files.get(store)!);
    };
    await checkHistories(() => openFile(path.join(folder, `${++count}.sqlite`)), { reopen });
  });

  test('a compaction outlives a restart, and deletes what it forgot', async (t) => {
    const file = fileFor(t);
    const first = await openSqliteStore({ path: file });
    await first.commit([create('/a', '0'), create('/b')]);
    for (let revision = 2; revision < 1000; revision++) await first.commit([update('/a', revision, `${revision}`)]);
    await first.commit([remove('/b', 2)]);
    await first.compact(1001);
    // More than one transaction's share of deletions: what closing leaves undone, the next process does.
    await first.close();
    const second = await openSqliteStore({ path: file });
    assert.equal(second.revision, 1001);
    assert.throws(() => new Recorder(second, '/', 1000), { code: 'compacted' });
    assert.deepEqual(
      (await second.list('/')).entries.map(({ key, value }) => key + value),
      ['/a999'],
    );
    while (second.counters.superseded > 0) await second.commit([create(`/more/${second.revision}`)]);
    const kept = second.revision - 1001 + 1;
    await second.close();
    assert.equal(rowsOf(file), kept);
  });

  test('the revision is not lost with the last version', async (t) => {
    const file = fileFor(t);
    const first = await openSqliteStore({ path: file });
    await first.commit([create('/a')]);
    await first.commit([remove('/a', 2)]);
    await first.compact(3);
    while (first.counters.superseded > 0) await first.compact(3);
    await first.close();
    assert.equal(rowsOf(file), 0);
    const second = await openSqliteStore({ path: file });
    t.after(() => second.close());
    assert.equal(second.revision, 3);
    assert.deepEqual(await second.commit([create('/a')]), { revision: 4 });
  });

  test('writers at the same time share transactions', async (t) => {
    const store = await openSqliteStore({ path: fileFor(t) });
    t.after(() => store.close());
    const write = async (writer: number) => {
      for (let i = 0; i < 10; i++) await store.commit([create(`/${writer}/${i}`)]);
    };
    await Promise.all(Array.from({ length: 100 }, (_, writer) => write(writer)));
    assert.equal(store.counters.commits, 1000);
    assert.equal(store.revision, 1001);
    assert.ok(store.counters.transactions <= 100, `${store.counters.transactions} transactions`);
  });

  test('only its owner may read the files', async (t) => {
    const file = fileFor(t);
    const store = await openSqliteStore({ path: file });
    t.after(() => store.close());
    await store.commit([create('/secret')]);
    const modes = readdirSync(path.dirname(file)).map(
      (name) => statSync(path.join(path.dirname(file), name)).mode & 0o777,
    );
    assert.deepEqual(modes, [0o600, 0o600]);
  });
});

suite('SQLite store refuses to open', () => {
  test('a store that is open, also in another process', async (t) => {
    const file = fileFor(t);
    const store = await openSqliteStore({ path: file });
    const refusal = {
      name: 'StoreError',
      code: 'locked',
      message: `Open the store ${file}: another process has it open`,
    };
    await assert.rejects(openSqliteStore({ path: file }), refusal);
    const open = `import { openSqliteStore } from ${JSON.stringify(import.meta.resolve('./sqlite.ts'))};
      await openSqliteStore({ path: ${JSON.stringify(file)} }).catch((error) => console.log(error.message));`;
    const other = spawnSync(process.execPath, ['--input-type=module', '--eval', open], { encoding: 'utf8' });
    assert.equal(other.stdout.trim(), refusal.message, other.stderr);
    await store.commit([create('/a')]);
    await store.close();
    const again = await openSqliteStore({ path: file });
    assert.equal(again.revision, 2);
    await again.close();
  });

  test('a file that a newer release has written', async (t) => {
    const file = fileFor(t);
    await (await openSqliteStore({ path: file })).close();
    withDatabase(file, (database) => database.exec('PRAGMA user_version = 7'));
    await assert.rejects(openSqliteStore({ path: file }), {
      code: 'newer',
      message: `Open the store ${file}: the file has schema version 7 of a newer release, this one knows 1`,
    });
    assert.equal(
      withDatabase(file, (database) => database.prepare('PRAGMA user_version').get()?.user_version),
      7,
    );
  });

  test('a database of another program', async (t) => {
    const file = fileFor(t);
    withDatabase(file, (database) => database.exec('CREATE TABLE accounts (name TEXT)'));
    const message = `Open the store ${file}: the file is a SQLite database of another program`;
    await assert.rejects(openSqliteStore({ path: file }), { code: 'failed', message });
  });

  test('what is no database at all', async (t) => {
    const file = fileFor(t);
    writeFileSync(file, 'apiVersion: v1\nkind: Config\n'.repeat(1000));
    const message = `Open the store ${file}: the file is not a SQLite database`;
    await assert.rejects(openSqliteStore({ path: file }), { code: 'failed', message });
  });

  test('a path without a folder, and a folder', async (t) => {
    const folder = folderFor(t);
    const missing = path.join(folder, 'missing', 'store.sqlite');
    await assert.rejects(openSqliteStore({ path: missing }), {
      code: 'failed',
      message: /missing\/store.sqlite: ENOENT/,
    });
    await assert.rejects(openSqliteStore({ path: folder }), {
      code: 'failed',
      message: /unable to open database file/,
    });
  });
});

suite('SQLite store without room', () => {
  test('beyond maxBytes commits are refused whole, until a compaction has made room', async (t) => {
    const file = fileFor(t);
    const store = await openSqliteStore({ path: file, maxBytes: 400_000 });
    t.after(() => store.close());
    await store.commit([create('/a', '0')]);
    const watch = new Recorder(store, '/', 1);
    const revision = await fill(store);
    await store.compact(revision);
    assert.deepEqual(await store.commit([update('/a', revision, 'y'.repeat(10_000))]), { revision: revision + 1 });
    const puts = watch.events.filter(({ key }) => key === '/a').map((event) => event.revision);
    assert.deepEqual(puts, range(2, revision + 1));
  });

  test('a commit that is too large does not fail those that share its transaction', async (t) => {
    const store = await openSqliteStore({ path: fileFor(t), maxBytes: 400_000 });
    t.after(() => store.close());
    const outcomes = await Promise.allSettled([
      store.commit([create('/a')]),
      store.commit([create('/large', 'x'.repeat(500_000)), create('/b')]),
      store.commit([create('/b')]),
      store.commit([create('/a')]),
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.revision : outcome.reason.code)),
      [2, 'full', 3, 'exists'],
    );
  });

  const skip = process.getuid?.() === 0 ? false : 'mounting a small file system needs root';
  test('a full disk refuses commits whole, and takes them again when it has room', { skip }, async (t) => {
    const folder = mountSmall(t, 1_000_000);
    const file = path.join(folder, 'store.sqlite');
    let store = await openSqliteStore({ path: file });
    t.after(() => store.close());
    await store.commit([create('/a', '0')]);
    const ballast = path.join(folder, 'ballast');
    writeFileSync(ballast, Buffer.alloc(500_000));
    const revision = await fill(store);
    rmSync(ballast);
    assert.deepEqual(await store.commit([update('/a', revision, '1'), create('/c')]), { revision: revision + 1 });
    await store.close();
    store = await openSqliteStore({ path: file });
    assert.equal(store.revision, revision + 1);
    assert.equal((await store.get('/a')).value?.value, '1');
  });
});

/** Updates /a, and creates another key with it, until there is no room for both. */
async function fill(store: Store): Promise<number> {
  const value = 'x'.repeat(10_000);
  for (;;) {
    const { revision } = store;
    try {
      await store.commit([update('/a', revision, value), create(`/b/${revision}`, value)]);
    } catch (error) {
      assert.equal((error as { code?: unknown }).code, 'full');
      assert.equal(store.revision, revision);
      assert.equal((await store.get('/a')).value?.modRevision, revision);
      assert.equal((await store.get(`/b/${revision}`)).value, undefined);
      return revision;
    }
  }
}

/** A file system of so many bytes, gone after the test. */
function mountSmall(t: TestContext, size: number): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'signalbox-store-'));
  t.after(() => {
    spawnSync('umount', ['--lazy', folder]);
    rmdirSync(folder);
  });
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'signalbox-test', folder], {
    encoding: 'utf8',
  });
  assert.equal(mount.status, 0, mount.stderr);
  return folder;
}

function withDatabase<Result>(file: string, use: (database: DatabaseSync) => Result): Result {
  const database = new DatabaseSync(file);
  try {
    return use(database);
  } finally {
    database.close();
  }
}

const rowsOf = (file: string) =>
  withDatabase(file, (database) => database.prepare('SELECT count(*) AS count FROM versions').get()?.count);

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
