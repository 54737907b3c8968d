import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../base/clock.ts';
import { createLogger } from '../base/log.ts';
import { Pod } from '../kube/mod.ts';
import { ApiError, unreachable } from './errors.ts';
import { createInformer } from './informer.ts';
import type { Change, Client, KubeList, PageTaker, WatchEvent, WatchQuery } from './port.ts';

const pod = (name: string, version: number, labels: Record<string, string> = {}, uid = name): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'n', uid, resourceVersion: String(version), creationTimestamp: '', labels },
  spec: { containers: [], restartPolicy: 'Always', terminationGracePeriodSeconds: 30, dnsPolicy: 'ClusterFirst' },
});

/** A watch that the test feeds and ends. */
class FakeWatch implements AsyncIterable<WatchEvent<Pod>> {
  readonly #queue: (WatchEvent<Pod> | Error | 'end')[] = [];
  #wake = () => {};

  readonly query: WatchQuery;
  constructor(query: WatchQuery) {
    this.query = query;
    query.signal?.addEventListener('abort', () => this.push(new Error('aborted')));
  }

  push(...items: (WatchEvent<Pod> | Error | 'end')[]): void {
    this.#queue.push(...items);
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent<Pod>> {
    for (;;) {
      const next = this.#queue.shift();
      if (next === 'end') return;
      if (next instanceof Error) throw next;
      if (next) yield next;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** An informer on a fake server: `lists` are answered in order, the last one again and again. */
const setUp = (...lists: (KubeList<Pod> | Error)[]) => setUpWith({}, ...lists);

function setUpWith(
  options: { retain?: (object: Pod) => Pod; pages?: readonly (readonly [isFirst: boolean, items: readonly Pod[]])[] },
  ...lists: (KubeList<Pod> | Error)[]
) {
  const logged: string[] = [];
  const log = createLogger({ level: 'error', now: () => 0, write: (line) => logged.push(line) });
  const clock = new ManualClock();
  const watches: FakeWatch[] = [];
  let listed = 0;
  const client = {
    async list(_resource: unknown, { onPage }: PageTaker<Pod>) {
      const next = lists[Math.min(listed++, lists.length - 1)]!;
      if (next instanceof Error) throw next;
      if (!onPage || listed === 1) return next;
      for (const [isFirst, items] of options.pages ?? []) onPage(items, isFirst);
      return { ...next, items: [] };
    },
    watch(_resource: unknown, query: WatchQuery) {
      const watch = new FakeWatch(query);
      watches.push(watch);
      return watch;
    },
  } as unknown as Client;
  const indexes = { app: ({ metadata }: Pod) => (metadata.labels?.app ? [metadata.labels.app] : []) };
  const informer = createInformer({ client, resource: Pod, indexes, clock, log, random: () => 0.5, ...options });
  const changes: string[] = [];
  const describe = ({ key, before, after }: Change<Pod>) =>
    `${key} ${before?.metadata.resourceVersion ?? '-'}>${after?.metadata.resourceVersion ?? '-'}`;
  informer.onChange((change) => changes.push(describe(change)));
  const taken = () => changes.splice(0);
  return { clock, informer, watches, taken, lists: () => listed, describe, logged };
}

const expired = new ApiError('Watch pods', 410, { reason: 'Expired' });

test('what is there is delivered before `synced`, and the watch goes on from the list', async (t) => {
  const { clock, informer, watches, taken } = setUp({ items: [pod('a', 3), pod('b', 5)], resourceVersion: '7' });
  t.after(() => informer.stop());
  informer.start();
  await informer.synced;
  assert.deepEqual(taken(), ['n/a ->3', 'n/b ->5']);
  await clock.advance(0);
  assert.equal(watches[0]!.query.resourceVersion, '7');
  watches[0]!.push(
    { type: 'MODIFIED', object: pod('a', 8) },
    { type: 'DELETED', object: pod('b', 9) },
    { type: 'ADDED', object: pod('c', 10) },
  );
  await clock.advance(0);
  assert.deepEqual(taken(), ['n/a 3>8', 'n/b 5>-', 'n/c ->10']);
  assert.equal(informer.isCurrent('10'), true);
  assert.equal(informer.isCurrent('11'), false);
  assert.deepEqual([...informer.list()].map(({ metadata }) => metadata.name).sort(), ['a', 'c']);
});

test('a lost watch is resumed within 20 ms from the last version seen, bookmarks included', async (t) => {
  const { clock, informer, watches, taken, lists } = setUp({ items: [], resourceVersion: '7' });
  t.after(() => informer.stop());
  informer.start();
  await informer.synced;
  await clock.advance(0);
  watches[0]!.push({ type: 'BOOKMARK', resourceVersion: '40' }, unreachable('Watch pods', 'reset'));
  await clock.advance(20);
  assert.equal(watches.length, 2);
  assert.equal(watches[1]!.query.resourceVersion, '40');
  assert.equal(lists(), 1);
  assert.deepEqual(taken(), []);
});

test('events that come late or twice undo nothing, and the watch never goes back', async (t) => {
  const { clock, informer, watches, taken } = setUp({ items: [pod('a', 3), pod('b', 5)], resourceVersion: '7' });
  t.after(() => informer.stop());
  informer.start();
  await informer.synced;
  await clock.advance(0);
  watches[0]!.push(
    { type: 'MODIFIED', object: pod('a', 12) },
    { type: 'MODIFIED', object: pod('a', 9) },
    { type: 'DELETED', object: pod('a', 10) },
    { type: 'MODIFIED', object: pod('a', 12) },
    { type: 'DELETED', object: pod('b', 14) },
    { type: 'MODIFIED', object: pod('b', 13) },
    { type: 'ADDED', object: pod('b', 14) },
    { type: 'ADDED', object: pod('c', 11) },
    { type: 'BOOKMARK', resourceVersion: '2' },
    unreachable('Watch pods', 'reset'),
  );
  await clock.advance(20);
  assert.deepEqual(taken(), ['n/a ->3', 'n/b ->5', 'n/a 3>12', 'n/b 5>-', 'n/c ->11']);
  assert.equal(watches[1]!.query.resourceVersion, '14');
  watches[1]!.push({ type: 'ADDED', object: pod('b', 20, {}, 'reborn') });
  await clock.advance(0);
  assert.deepEqual(taken(), ['n/b ->20']);
});

test('a list is believed also where it is older, as after a restore', async (t) => {
  const lists = [
    { items: [pod('a', 30)], resourceVersion: '40' },
    { items: [pod('a', 3)], resourceVersion: '4' },
  ];
  const { clock, informer, watches, taken } = setUp(...lists);
  t.after(() => informer.stop());
  informer.start();
  await informer.synced;
  await clock.advance(0);
  watches[0]!.push(expired);
  await clock.advance(0);
  watches[1]!.push({ type: 'MODIFIED', object: pod('a', 5) });
  await clock.advance(0);
  assert.equal(watches[1]!.query.resourceVersion, '4');
  assert.deepEqual(taken(), ['n/a ->30', 'n/a 30>3', 'n/a 3>5']);
});

test('after 410 only the differences of the new list are reported', async (t) => {
  const first = { items: [pod('a', 1), pod('b', 2), pod('c', 3), pod('d', 4)], resourceVersion: '7' };
  const second = {
    items: [pod('a', 1), pod('b', 9), pod('d', 8, {}, 'other-uid'), pod('e', 10)],
    resourceVersion: '20',
  };
  const { clock, informer, watches, taken } = setUp(first, second);
  t.after(() => informer.stop());
  informer.start();
  await informer.synced;
  await clock.advance(0);
  taken();
  watches[0]!.push(expired);
  await clock.advance(0);
  assert.deepEqual(taken(), ['n/c 3>-', 'n/b 2>9', 'n/d 4>-', 'n/d ->8', 'n/e ->10']);
  assert.equal(watches[1]!.query.resourceVersion, '20');
});

test('a server that refuses to answer is asked ever more rarely, and quickly again once it has answered', async (t) => {
  const { clock, informer, watches } = setUp({ items: [], resourceVersion: '7' });
  t.after(() => informer.stop());
  informer.start();
  await informer.synced;
  await clock.advance(0);
  const attemptsIn = async (durationMs: number) => {
    const before = watches.length;
    const end = clock.monotonicMs() + durationMs;
    while (clock.monotonicMs() < end) {
      watches.at(-1)!.push(unreachable('Watch pods', 'connect ECONNREFUSED'));
      await clock.advance(10);
    }
    return watches.length - before;
  };
  assert.equal(await attemptsIn(300), 4, 'after 10, 20, 40 and 80 ms');
  const later = await attemptsIn(10_000);
  assert(later > 9 && later < 13, `once a second: ${later}`);
  await clock.advance(1000);
  watches.at(-1)!.push({ type: 'BOOKMARK', resourceVersion: '8' });
  assert.equal(await attemptsIn(300), 4);
});

test('a watch that ends at once is not repeated in a busy loop', async (t) => {
  const { clock, informer, watches } = setUp({ items: [], resourceVersion: '7' });
  t.after(() => informer.stop());
  informer.start();
  await informer.synced;
  for (let i = 0; i < 100; i++) {
    await clock.advance(10);
    watches.at(-1)?.push('end');
  }
  assert(watches.length < 12, `${watches.length} watches in a second`);
});

test('a watch that the server should have ended long ago is given up', async (t) => {
  const { clock, informer, watches } = setUp({ items: [], resourceVersion: '7' });
  t.after(() => informer.stop());
  informer.start();
  await informer.synced;
  await clock.advance(0);
  assert.equal(watches[0]!.query.timeoutSeconds, 450);
  await clock.advance(459_000);
  assert.equal(watches.length, 1);
  await clock.advance(1_100);
  assert.equal(watches.length, 2);
});

test('a late handler gets what is there as additions', async (t) => {
  const { informer, describe } = setUp({ items: [pod('a', 3)], resourceVersion: '7' });
  t.after(() => informer.stop());
  informer.start();
  await informer.synced;
  const late: string[] = [];
  informer.onChange((change) => late.push(describe(change)));
  assert.deepEqual(late, ['n/a ->3']);
});

test('a handler that throws is logged, and neither the watch nor the others are disturbed', async (t) => {
  const { clock, informer, watches, taken, logged } = setUp({ items: [pod('a', 3)], resourceVersion: '7' });
  t.after(() => informer.stop());
  informer.onChange(() => {
    throw new Error('a mistake');
  });
  const later: string[] = [];
  informer.onChange(({ key }) => later.push(key));
  informer.start();
  await informer.synced;
  await clock.advance(0);
  watches[0]!.push({ type: 'ADDED', object: pod('b', 8) });
  await clock.advance(0);
  assert.deepEqual(taken(), ['n/a ->3', 'n/b ->8']);
  assert.deepEqual(later, ['n/a', 'n/b']);
  assert.equal(logged.length, 2);
  assert.match(logged[1]!, /A handler failed.*n\/b.*a mistake/);
  assert.equal(watches.length, 1);
});

test('stop leaves no timer, also while it waits for the next attempt', async () => {
  const { clock, informer } = setUp(unreachable('List pods', 'connect ECONNREFUSED'));
  informer.start();
  await clock.advance(50);
  assert.notEqual(clock.pendingTimers, 0);
  await informer.stop();
  assert.equal(clock.pendingTimers, 0);
});

test('the cache and its indexes equal the server after any sequence of events and relists', async () => {
  const action = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    kind: fc.constantFrom('put', 'delete', 'relist'),
    app: fc.constantFrom('x', 'y'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
      const server = new Map<string, Pod>();
      const list = { items: [] as Pod[], resourceVersion: '1' };
      const { clock, informer, watches, logged } = setUp(list);
      const mirror = new Map<string, Pod>();
      informer.onChange(({ key, before, after }) => {
        assert.equal(mirror.get(key), before);
        if (after) mirror.set(key, after);
        else mirror.delete(key);
      });
      informer.start();
      await clock.advance(0);
      let version = 1;
      for (const { name, kind, app } of actions) {
        version++;
        const known = server.get(name);
        const object = pod(name, version, { app }, known?.metadata.uid ?? `${name}${version}`);
        if (kind === 'relist') {
          Object.assign(list, { items: [...server.values()], resourceVersion: String(version) });
          watches.at(-1)!.push(expired);
        } else if (kind === 'put') {
          server.set(name, object);
          watches.at(-1)!.push({ type: known ? 'MODIFIED' : 'ADDED', object });
        } else if (server.delete(name)) {
          watches.at(-1)!.push({ type: 'DELETED', object });
        }
        await clock.advance(2000);
      }
      const byName = (objects: Iterable<Pod>) =>
        [...objects].map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`).sort();
      assert.deepEqual(byName(informer.list()), byName(server.values()));
      assert.deepEqual(byName(mirror.values()), byName(server.values()));
      assert.deepEqual(logged, []);
      for (const app of ['x', 'y']) {
        const expected = [...server.values()].filter(({ metadata }) => metadata.labels?.app === app);
        assert.deepEqual(byName(informer.byIndex('app', app)), byName(expected));
      }
      await informer.stop();
    }),
    { numRuns: 60 },
  );
});

const identityOf = ({ metadata: { uid, resourceVersion } }: Pod) => ({ metadata: { uid, resourceVersion } }) as Pod;

test('who retains little is told all of what is new, and no more than that of what was there', async (t) => {
  const { clock, informer, watches } = setUpWith(
    { retain: identityOf },
    { items: [pod('a', 3), pod('b', 4)], resourceVersion: '5' },
  );
  t.after(() => informer.stop());
  const told: unknown[] = [];
  informer.onChange(({ key, before, after }) => told.push([key, before, after?.spec.dnsPolicy]));
  informer.start();
  await informer.synced;
  await clock.advance(0);
  watches[0]!.push({ type: 'MODIFIED', object: pod('a', 6) }, { type: 'DELETED', object: pod('b', 7) });
  await clock.advance(0);
  assert.deepEqual(told, [
    ['n/a', undefined, 'ClusterFirst'],
    ['n/b', undefined, 'ClusterFirst'],
    ['n/a', { metadata: { uid: 'a', resourceVersion: '3' } }, 'ClusterFirst'],
    ['n/b', { metadata: { uid: 'b', resourceVersion: '4' } }, undefined],
  ]);
  assert.deepEqual([...informer.list()], [{ metadata: { uid: 'a', resourceVersion: '6' } }]);
});

test('a second list in pages: what a first page began and another began anew is not there', async (t) => {
  const pages = [
    [true, [pod('a', 3), pod('gone', 8)]],
    [true, [pod('a', 3)]],
    [false, [pod('c', 9)]],
  ] as const;
  const first = { items: [pod('a', 3), pod('b', 4)], resourceVersion: '5' };
  const { clock, informer, watches, taken } = setUpWith({ retain: identityOf, pages }, first, {
    items: [],
    resourceVersion: '9',
  });
  t.after(() => informer.stop());
  informer.start();
  await informer.synced;
  await clock.advance(0);
  taken();
  watches[0]!.push(expired);
  await clock.advance(0);
  assert.deepEqual(taken(), ['n/gone ->8', 'n/c ->9', 'n/b 4>-', 'n/gone 8>-']);
});
