import assert from 'node:assert/strict';
import { create, remove, update } from './operations.ts';
import { Recorder } from './recorder.ts';
import type { StoreTest } from './store-test.ts';

/** What a watch must do: the part of the suite that is about order. */
export function watchTests(storeTest: StoreTest): void {
  storeTest('tells creation, update and deletion, with what was before', async (store) => {
    const watch = new Recorder(store, '/a', 1);
    await store.commit([create('/a', '1')]);
    await store.commit([update('/a', 2, '2')]);
    await store.commit([remove('/a', 3)]);
    await watch.reaches(3);
    const first = { key: '/a', value: '1', createRevision: 2, modRevision: 2 };
    const second = { key: '/a', value: '2', createRevision: 2, modRevision: 3 };
    assert.deepEqual(watch.events, [
      { type: 'put', revision: 2, key: '/a', entry: first },
      { type: 'put', revision: 3, key: '/a', entry: second, previous: first },
      { type: 'delete', revision: 4, key: '/a', previous: second },
    ]);
  });

  storeTest('replays history, then goes on, without gap or repetition', async (store) => {
    for (let i = 0; i < 5; i++) await store.commit([create(`/p/${i}`), create(`/q/${i}`)]);
    const watch = new Recorder(store, '/p/', 3);
    assert.deepEqual(watch.events, [], 'nothing comes before the caller has its watcher');
    await store.commit([create('/p/5')]);
    await store.commit([create('/p/6')]);
    await watch.reaches(5);
    assert.deepEqual(
      watch.events.map(({ key, revision }) => `${key}@${revision}`),
      ['/p/2@4', '/p/3@5', '/p/4@6', '/p/5@7', '/p/6@8'],
    );
  });

  storeTest('a commit of many operations comes in one call', async (store) => {
    const watch = new Recorder(store, '/', 1);
    await store.commit([create('/a'), create('/b'), create('/c')]);
    await watch.reaches(3);
    assert.deepEqual(watch.calls, [[2, 2, 2]]);
    const replay = new Recorder(store, '/', 1);
    await replay.reaches(3);
    assert.deepEqual(replay.calls, [[2, 2, 2]]);
  });

  storeTest('events come before the commit resolves', async (store) => {
    const watch = new Recorder(store, '/', 1);
    await store.commit([create('/a')]);
    assert.equal(watch.events.length, 1);
  });

  storeTest('a watch that begins within another one’s events misses nothing and repeats nothing', async (store) => {
    const inner: Recorder[] = [];
    store.watch('/', { after: 1, onEvents: ([event]) => inner.push(new Recorder(store, '/', event!.revision - 1)) });
    await Promise.all([store.commit([create('/a')]), store.commit([create('/b')])]);
    await store.commit([create('/c')]);
    for (const watch of inner) {
      await watch.reaches(3 - (watch.after - 1));
      const expected = [2, 3, 4].filter((revision) => revision > watch.after);
      assert.deepEqual(
        watch.events.map(({ revision }) => revision),
        expected,
      );
    }
    assert.ok(inner.length > 0);
  });

  storeTest('a commit made within events comes after them, for every watcher', async (store) => {
    let made: Promise<unknown> | undefined;
    store.watch('/a', { after: 1, onEvents: () => (made = store.commit([create('/b')])) });
    const watch = new Recorder(store, '/', 1);
    await store.commit([create('/a')]);
    await made;
    await watch.reaches(2);
    assert.deepEqual(
      watch.events.map(({ key }) => key),
      ['/a', '/b'],
    );
  });

  storeTest('a watch that begins behind a commit made within events does not get it twice', async (store) => {
    let made: Promise<unknown> | undefined;
    let watch: Recorder | undefined;
    store.watch('/a', {
      after: 1,
      onEvents() {
        made = store.commit([create('/b')]);
        watch = new Recorder(store, '/', 1);
      },
    });
    await store.commit([create('/a')]);
    await made;
    await store.commit([create('/c')]);
    await watch!.reaches(3);
    assert.deepEqual(
      watch!.events.map(({ key }) => key),
      ['/a', '/b', '/c'],
    );
  });

  storeTest('a stopped watch is silent, also about history it was owed', async (store) => {
    await store.commit([create('/a')]);
    const [owed, stopped, other] = [1, 2, 2].map((after) => new Recorder(store, '/', after));
    owed!.stop();
    stopped!.stop();
    stopped!.stop();
    await store.commit([create('/b')]);
    await other!.reaches(1);
    assert.deepEqual([owed!.events, stopped!.events], [[], []]);
    await store.close();
    assert.deepEqual([owed!.ends, stopped!.ends, other!.ends], [[], [], [undefined]]);
  });

  storeTest('a watch can stop itself within its events', async (store) => {
    let calls = 0;
    const watcher = store.watch('/', {
      after: 1,
      onEvents() {
        calls++;
        watcher.stop();
      },
    });
    await store.commit([create('/a')]);
    await store.commit([create('/b')]);
    assert.equal(calls, 1);
  });

  storeTest('a watch from the future is refused', async (store) => {
    assert.throws(() => new Recorder(store, '/', 2), { name: 'StoreError', code: 'future' });
  });
}
