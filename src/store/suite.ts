import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import type { Store } from './mod.ts';
import { checkHistories } from './testing/histories.ts';
import { create, remove, update } from './testing/operations.ts';
import { Recorder } from './testing/recorder.ts';
import type { StoreTest } from './testing/store-test.ts';
import { watchTests } from './testing/watch-tests.ts';

/** Opens a new, empty store; the test context may be used to remove what it lies on. */
export type OpenStore = (t: TestContext) => Promise<Store>;

/**
 * What every store must do, whatever it keeps its entries on.
 * @param options.ordersAll commits made at the same time get their revisions in that order also when they have no key
 * in common; a store that many processes share does not promise it
 */
export function storeSuite(name: string, open: OpenStore, { ordersAll = true } = {}): void {
  const storeTest: StoreTest = (title, body) =>
    test(title, async (t) => {
      const store = await open(t);
      try {
        await body(store);
      } finally {
        await store.close();
      }
    });

  suite(name, () => {
    suite('get and commit', () => entryTests(storeTest));
    suite('list', () => listTests(storeTest));
    suite('watch', () => watchTests(storeTest));
    suite('compact', () => compactTests(storeTest));
    suite('close', () => closeTests(storeTest, ordersAll));
    test('random histories are those of the naive model', (t) => checkHistories(() => open(t), { ordersAll }));
  });
}

function entryTests(storeTest: StoreTest): void {
  storeTest('a new store is empty, at revision 1', async (store) => {
    assert.equal(store.revision, 1);
    assert.deepEqual(await store.get('/a'), { value: undefined, revision: 1 });
  });

  storeTest('create, update and delete each raise the one revision', async (store) => {
    assert.deepEqual(await store.commit([create('/a', '1')]), { revision: 2 });
    assert.deepEqual(await store.commit([create('/b', '2')]), { revision: 3 });
    assert.deepEqual(await store.commit([update('/a', 2, '3')]), { revision: 4 });
    const entry = { key: '/a', value: '3', createRevision: 2, modRevision: 4 };
    assert.deepEqual(await store.get('/a'), { value: entry, revision: 4 });
    assert.deepEqual(await store.commit([remove('/a', 4)]), { revision: 5 });
    assert.deepEqual(await store.get('/a'), { value: undefined, revision: 5 });
    assert.equal(store.revision, 5);
  });

  storeTest('a key that was deleted is created anew, with a new creation', async (store) => {
    await store.commit([create('/a')]);
    await store.commit([remove('/a', 2)]);
    await store.commit([create('/a', 'again')]);
    const entry = { key: '/a', value: 'again', createRevision: 4, modRevision: 4 };
    assert.deepEqual((await store.get('/a')).value, entry);
  });

  storeTest('refusals say why, and what the key holds', async (store) => {
    await store.commit([create('/a')]);
    const current = { key: '/a', value: 'v', createRevision: 2, modRevision: 2 };
    const name = 'StoreError';
    await assert.rejects(store.commit([create('/a')]), { name, code: 'exists', key: '/a', current });
    await assert.rejects(store.commit([update('/a', 1)]), { name, code: 'stale', key: '/a', current });
    await assert.rejects(store.commit([remove('/a', 3)]), { name, code: 'stale', key: '/a', current });
    await assert.rejects(store.commit([update('/b', 2)]), { name, code: 'missing', key: '/b', current: undefined });
    await assert.rejects(store.commit([remove('/b', 2)]), {
      code: 'missing',
      message: 'Delete /b: there is no such key',
    });
    assert.equal(store.revision, 2);
  });

  storeTest('a commit of many operations is one revision, or nothing', async (store) => {
    await store.commit([create('/a'), create('/b')]);
    await store.commit([update('/a', 2), remove('/b', 2), create('/c')]);
    assert.equal(store.revision, 3);
    await assert.rejects(store.commit([create('/d'), update('/a', 3), create('/c')]), { code: 'exists', key: '/c' });
    const { entries, revision } = await store.list('/');
    assert.deepEqual(
      entries.map(({ key, modRevision }) => [key, modRevision]),
      [
        ['/a', 3],
        ['/c', 3],
      ],
    );
    assert.equal(revision, 3);
  });

  storeTest('of commits at the same time that expect the same, one is applied', async (store) => {
    await store.commit([create('/a')]);
    const updates = Array.from({ length: 10 }, (_, i) => store.commit([update('/a', 2, `${i}`)]));
    const outcomes = await Promise.allSettled(updates);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.revision : outcome.reason.code)),
      [3, ...Array(9).fill('stale')],
    );
  });

  storeTest('commits at the same time are judged in the order in which they were made', async (store) => {
    const outcomes = await Promise.allSettled([
      store.commit([create('/a')]),
      store.commit([update('/a', 2)]),
      store.commit([create('/a')]),
      store.commit([remove('/a', 3)]),
      store.commit([create('/a')]),
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.revision : outcome.reason.code)),
      [2, 3, 'exists', 4, 5],
    );
  });

  storeTest('after sync all that was committed is there', async (store) => {
    assert.equal(await store.sync(), 1);
    const made = store.commit([create('/a')]);
    await made;
    assert.deepEqual(await Promise.all([store.sync(), store.sync(), store.sync()]), [2, 2, 2]);
  });

  storeTest('text of any script comes back as it went', async (store) => {
    const value = JSON.stringify({ greek: 'Σήμα', emoji: '🚦', control: '\u0000\u001f', line: '\u2028' });
    const odd = 'nul\u0000nul';
    await store.commit([create('/ключ/🚦', value), create('/odd', odd), create('/empty', '')]);
    assert.equal((await store.get('/ключ/🚦')).value?.value, value);
    assert.equal((await store.get('/odd')).value?.value, odd);
    assert.equal((await store.get('/empty')).value?.value, '');
  });

  storeTest('a commit of nothing, or of one key twice, is a programmer error', async (store) => {
    await assert.rejects(store.commit([]), { name: 'AssertionError' });
    await assert.rejects(store.commit([create('/a'), create('/a')]), { name: 'AssertionError' });
    await assert.rejects(store.commit([create('/a', '\ud800')]), { name: 'AssertionError' });
    assert.equal(store.revision, 1);
  });
}

function listTests(storeTest: StoreTest): void {
  const keysOf = async (store: Store, ...words: Parameters<Store['list']>) => {
    const { entries, remaining } = await store.list(...words);
    return [entries.map(({ key }) => key).join(' '), remaining];
  };

  storeTest('lists the keys with a prefix, in order', async (store) => {
    await store.commit(['/b/2', '/a/1', '/b', '/b/10', '/b/1', '/c', '/b0'].map((key) => create(key)));
    assert.deepEqual(await keysOf(store, '/b/'), ['/b/1 /b/10 /b/2', 0]);
    assert.deepEqual(await keysOf(store, '/b'), ['/b /b/1 /b/10 /b/2 /b0', 0]);
    assert.deepEqual(await keysOf(store, '/d'), ['', 0]);
    assert.deepEqual(await keysOf(store, ''), ['/a/1 /b /b/1 /b/10 /b/2 /b0 /c', 0]);
  });

  storeTest('keys are in order of their UTF-16 code units', async (store) => {
    await store.commit(['/\u{1f6a6}', '/\uffee', '/Z', '/a', '/é'].map((key) => create(key)));
    assert.deepEqual(await keysOf(store, '/'), ['/Z /a /é /\u{1f6a6} /\uffee', 0]);
  });

  storeTest('limit cuts and counts what is left, after goes on', async (store) => {
    await store.commit(['/a', '/p/1', '/p/2', '/p/3', '/p/4', '/p/5', '/z'].map((key) => create(key)));
    assert.deepEqual(await keysOf(store, '/p/', { limit: 2 }), ['/p/1 /p/2', 3]);
    assert.deepEqual(await keysOf(store, '/p/', { limit: 2, after: '/p/2' }), ['/p/3 /p/4', 1]);
    assert.deepEqual(await keysOf(store, '/p/', { limit: 2, after: '/p/4' }), ['/p/5', 0]);
    assert.deepEqual(await keysOf(store, '/p/', { limit: 5 }), ['/p/1 /p/2 /p/3 /p/4 /p/5', 0]);
    assert.deepEqual(await keysOf(store, '/p/', { after: '/p/33' }), ['/p/4 /p/5', 0]);
    assert.deepEqual(await keysOf(store, '/p/', { after: '/q' }), ['', 0]);
    await assert.rejects(store.list('/p/', { limit: 0 }), { name: 'AssertionError' });
  });

  storeTest('lists the state at a revision', async (store) => {
    await store.commit([create('/a', '1'), create('/b', '1')]);
    await store.commit([update('/a', 2, '2')]);
    await store.commit([remove('/b', 2), create('/c', '1')]);
    const at = async (revision: number) => {
      const listing = await store.list('/', { revision });
      assert.equal(listing.revision, revision);
      return listing.entries.map(({ key, value, modRevision }) => `${key}=${value}@${modRevision}`).join(' ');
    };
    assert.equal(await at(1), '');
    assert.equal(await at(2), '/a=1@2 /b=1@2');
    assert.equal(await at(3), '/a=2@3 /b=1@2');
    assert.equal(await at(4), '/a=2@3 /c=1@4');
    await assert.rejects(store.list('/', { revision: 5 }), { code: 'future' });
  });

  storeTest('pages at one revision are of one state, whatever happens in between', async (store) => {
    await store.commit(['/1', '/3', '/5', '/7', '/9'].map((key) => create(key)));
    assert.deepEqual(await keysOf(store, '/', { limit: 2 }), ['/1 /3', 3]);
    await store.commit([remove('/5', 2), remove('/1', 2), create('/4'), create('/8'), update('/9', 2)]);
    assert.deepEqual(await keysOf(store, '/', { revision: 2, limit: 2, after: '/3' }), ['/5 /7', 1]);
    assert.deepEqual(await keysOf(store, '/', { revision: 2, limit: 2, after: '/7' }), ['/9', 0]);
    assert.deepEqual(await keysOf(store, '/', { revision: 3, after: '/3' }), ['/4 /7 /8 /9', 0]);
  });
}

function compactTests(storeTest: StoreTest): void {
  storeTest('older lists and watches are refused, newer ones are whole', async (store) => {
    await store.commit([create('/a', '1'), create('/b', '1')]);
    await store.commit([update('/a', 2, '2')]);
    await store.commit([remove('/b', 2)]);
    await store.commit([update('/a', 3, '3')]);
    const running = new Recorder(store, '/', 2);
    await store.compact(4);
    await assert.rejects(store.list('/', { revision: 3 }), { name: 'StoreError', code: 'compacted' });
    assert.throws(() => new Recorder(store, '/', 3), { name: 'StoreError', code: 'compacted' });
    const { entries } = await store.list('/', { revision: 4 });
    assert.deepEqual(entries, [{ key: '/a', value: '2', createRevision: 2, modRevision: 3 }]);
    const watch = new Recorder(store, '/', 4);
    await watch.reaches(1);
    assert.deepEqual(watch.events[0]?.previous?.value, '2');
    assert.deepEqual(
      running.events.map(({ revision }) => revision),
      [3, 4, 5],
      'a watch that runs is not cut',
    );
    assert.equal((await store.get('/a')).value?.value, '3');
  });

  storeTest('does not change the revision, nor go back, nor into the future', async (store) => {
    await store.commit([create('/a')]);
    await store.compact(2);
    await store.compact(1);
    assert.equal(store.revision, 2);
    await assert.rejects(store.list('/', { revision: 1 }), { code: 'compacted' });
    await assert.rejects(store.compact(3), { code: 'future' });
    assert.deepEqual(await store.commit([update('/a', 2)]), { revision: 3 });
  });
}

function closeTests(storeTest: StoreTest, ordersAll: boolean): void {
  storeTest('commits under way are finished, later calls refused, watches ended once', async (store) => {
    const watch = new Recorder(store, '/', 1);
    const commits = [store.commit([create('/a')]), store.commit([create('/b')])];
    const closed = store.close();
    await assert.rejects(store.commit([create('/c')]), { name: 'StoreError', code: 'closed' });
    const revisions = (await Promise.all(commits)).map(({ revision }) => revision);
    assert.deepEqual(ordersAll ? revisions : revisions.sort(), [2, 3]);
    await closed;
    await assert.rejects(store.get('/a'), { code: 'closed' });
    await assert.rejects(store.list('/'), { code: 'closed' });
    await assert.rejects(store.compact(1), { code: 'closed' });
    assert.throws(() => new Recorder(store, '/', 1), { code: 'closed' });
    await store.close();
    const keys = watch.events.map(({ key }) => key);
    assert.deepEqual(ordersAll ? keys : keys.sort(), ['/a', '/b']);
    assert.deepEqual(watch.ends, [undefined]);
  });
}
