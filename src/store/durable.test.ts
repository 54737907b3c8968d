import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { LoggedStore } from './durable.ts';
import { Engine } from './engine.ts';
import { StoreError } from './errors.ts';
import type { Log, LogTransaction } from './log.ts';
import { create, remove, update } from './testing/operations.ts';
import { Recorder } from './testing/recorder.ts';

const full = () => new StoreError('Write', 'full', 'no room');
const flush = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A disk that answers when the test says so. */
class ManualLog implements Log {
  readonly transactions: LogTransaction[] = [];
  readonly #lost = Promise.withResolvers<unknown>();
  #asked: PromiseWithResolvers<void> | undefined;
  readonly lost = this.#lost.promise;

  write(transaction: LogTransaction): Promise<void> {
    assert.equal(this.#asked, undefined, 'one transaction at a time');
    this.transactions.push(transaction);
    this.#asked = Promise.withResolvers();
    return this.#asked.promise;
  }

  async close(): Promise<void> {
    assert.equal(this.#asked, undefined, 'closed with a transaction under way');
  }

  /** Answers what was asked, and waits until the store has asked for what comes next, if anything does. */
  async answer(error?: StoreError): Promise<void> {
    const asked = this.#asked;
    assert.ok(asked, 'nothing was asked');
    this.#asked = undefined;
    if (error) asked.reject(error);
    else asked.resolve();
    await flush();
  }

  lose(): void {
    this.#lost.resolve('broken');
    this.#asked?.reject(new StoreError('Write', 'failed', 'broken'));
    this.#asked = undefined;
  }

  get isIdle(): boolean {
    return this.#asked === undefined;
  }
}

function setup() {
  const log = new ManualLog();
  const engine = new Engine();
  const store = new LoggedStore(engine, log, []);
  return { log, store };
}

/** What has become of each promise by now. */
async function outcomesOf(promises: readonly Promise<{ revision: number }>[]): Promise<unknown[]> {
  const outcome = (promise: Promise<{ revision: number }>) =>
    Promise.race([
      promise.then(
        ({ revision }) => revision,
        ({ code }) => code,
      ),
      flush().then(() => 'waits'),
    ]);
  return Promise.all(promises.map(outcome));
}

suite('group commit', () => {
  test('what is committed while a transaction is under way shares the next one', async () => {
    const { log, store } = setup();
    const commits = [store.commit([create('/first')])];
    await flush();
    for (let i = 0; i < 99; i++) commits.push(store.commit([create(`/${i}`)]));
    await flush();
    assert.deepEqual(
      log.transactions.map(({ versions }) => versions.length),
      [1],
    );
    await log.answer();
    assert.deepEqual(
      log.transactions.map(({ versions }) => versions.length),
      [1, 99],
    );
    await log.answer();
    assert.deepEqual(
      await outcomesOf(commits),
      Array.from({ length: 100 }, (_, i) => i + 2),
    );
    assert.deepEqual(store.counters, { commits: 100, transactions: 2, superseded: 0 });
    assert.ok(log.isIdle);
  });

  test('what is not durable is not seen: not by reads, watches or later refusals', async () => {
    const { log, store } = setup();
    const watch = new Recorder(store, '/', 1);
    const commits = [store.commit([create('/a')]), store.commit([create('/a')])];
    await flush();
    assert.deepEqual(await outcomesOf(commits), ['waits', 'waits']);
    assert.deepEqual([store.revision, (await store.get('/a')).value, watch.events], [1, undefined, []]);
    await log.answer();
    assert.deepEqual(await outcomesOf(commits), [2, 'exists']);
    assert.deepEqual([store.revision, (await store.get('/a')).value?.value, watch.events.length], [2, 'v', 1]);
  });

  test('a commit that is refused on what is durable costs no transaction', async () => {
    const { log, store } = setup();
    const refused = store.commit([remove('/a', 1)]);
    await assert.rejects(refused, { code: 'missing' });
    assert.equal(log.transactions.length, 0);
  });

  test('when a shared transaction fails, each of its commits is tried alone', async () => {
    const { log, store } = setup();
    const watch = new Recorder(store, '/', 1);
    const commits = ['/a', '/b', '/a', '/c'].map((key) => store.commit([create(key)]));
    await flush();
    await log.answer(full());
    commits.push(store.commit([create('/d')]), store.commit([create('/e')]));
    assert.deepEqual(await outcomesOf(commits), Array(6).fill('waits'));
    await log.answer(full());
    await log.answer();
    // Its rival was refused for want of room, so the second /a is the first.
    await log.answer();
    await log.answer();
    await log.answer();
    assert.deepEqual(await outcomesOf(commits), ['full', 2, 3, 4, 5, 6]);
    const keys = log.transactions.map(({ versions }) => versions.map(({ key }) => key).join(' '));
    assert.deepEqual(keys, ['/a /b /c', '/a', '/b', '/a', '/c', '/d /e']);
    assert.deepEqual(
      watch.events.map(({ key }) => key),
      ['/b', '/a', '/c', '/d', '/e'],
    );
  });
});

suite('compaction', () => {
  test('is visible when it is durable, and deletes behind it in small transactions', async () => {
    const { log, store } = setup();
    for (let revision = 1; revision <= 600; revision++) {
      const commit = store.commit([revision === 1 ? create('/a') : update('/a', revision)]);
      await flush();
      await log.answer();
      await commit;
    }
    const compacted = store.compact(601);
    await flush();
    await store.list('/', { revision: 2 });
    assert.deepEqual(log.transactions.at(-1), { versions: [], compacted: 601, superseded: [] });
    await log.answer();
    await compacted;
    await assert.rejects(store.list('/', { revision: 600 }), { code: 'compacted' });
    const deleted: number[] = [];
    while (!log.isIdle) {
      const { superseded } = log.transactions.at(-1)!;
      assert.ok(superseded.length > 0 && superseded.length <= 256);
      deleted.push(...superseded.map(({ revision }) => revision));
      await log.answer();
    }
    assert.deepEqual(
      deleted,
      Array.from({ length: 599 }, (_, i) => i + 2),
    );
  });

  test('deletions that fail wait for the next commit', async () => {
    const { log, store } = setup();
    const answered = async (promise: Promise<unknown>) => {
      await flush();
      await log.answer();
      await promise;
    };
    await answered(store.commit([create('/a')]));
    await answered(store.commit([remove('/a', 2)]));
    await answered(store.compact(3));
    await log.answer(full());
    assert.ok(log.isIdle);
    assert.equal(store.counters.superseded, 2);
    await answered(store.commit([create('/b')]));
    assert.deepEqual(log.transactions.at(-1)?.superseded, [
      { key: '/a', revision: 2 },
      { key: '/a', revision: 3 },
    ]);
    assert.equal(store.counters.superseded, 0);
  });
});

suite('a log that is lost', () => {
  test('refuses writes and watches, ends watches, and leaves reads', async () => {
    const { log, store } = setup();
    const watch = new Recorder(store, '/', 1);
    const durable = store.commit([create('/a')]);
    await flush();
    await log.answer();
    await durable;
    const commits = [store.commit([create('/b')])];
    await flush();
    commits.push(store.commit([create('/c')]));
    log.lose();
    assert.deepEqual(await outcomesOf(commits), ['failed', 'failed']);
    await assert.rejects(store.commit([create('/d')]), { code: 'failed', message: /its writer has ended \(broken\)/ });
    assert.throws(() => new Recorder(store, '/', 2), { code: 'failed' });
    assert.deepEqual(
      watch.ends.map((error) => (error as StoreError).code),
      ['failed'],
    );
    assert.deepEqual(
      (await store.list('/')).entries.map(({ key }) => key),
      ['/a'],
    );
    await store.close();
    assert.equal(watch.ends.length, 1);
  });
});

suite('close', () => {
  test('waits for every commit that was made before', async () => {
    const { log, store } = setup();
    const commits = [store.commit([create('/a')])];
    await flush();
    commits.push(store.commit([create('/b')]));
    let isClosed = false;
    const closed = store.close().then(() => {
      isClosed = true;
    });
    await log.answer();
    assert.equal(isClosed, false);
    await log.answer();
    await closed;
    assert.deepEqual(await outcomesOf(commits), [2, 3]);
  });
});
