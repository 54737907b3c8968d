import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from './clock.ts';
import { WorkQueue } from './work-queue.ts';

test('a key added twice before its worker starts is worked on once', async () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  const queue = new WorkQueue({ clock, work: async (key) => void seen.push(key) });
  queue.add('a');
  queue.add('b');
  queue.add('a');
  await clock.advance(0);
  assert.deepEqual(seen, ['a', 'b']);
  assert.equal(queue.size, 0);
});

test('a key added while it is worked on is worked on once more, after the worker is done', async () => {
  const clock = new ManualClock();
  const gates: (() => void)[] = [];
  const queue = new WorkQueue({ clock, work: () => new Promise<void>((resolve) => gates.push(resolve)) });
  queue.add('a');
  await clock.advance(0);
  queue.add('a');
  queue.add('a');
  await clock.advance(0);
  assert.equal(gates.length, 1);
  gates[0]!();
  await clock.advance(0);
  assert.equal(gates.length, 2);
  gates[1]!();
  await clock.advance(0);
  assert.equal(gates.length, 2);
});

test('failures back off by doubling up to the longest wait, and success forgets them', async () => {
  const clock = new ManualClock();
  const waits: number[] = [];
  let attempts = 0;
  const queue = new WorkQueue({
    clock,
    longestRetryMs: 20,
    work: async () => {
      attempts++;
      if (attempts !== 5) throw new Error('no');
    },
    onFailure: (_key, _error, _failures, retryMs) => waits.push(retryMs),
  });
  queue.add('a');
  await clock.advance(5 + 10 + 20 + 20);
  assert.deepEqual(waits, [5, 10, 20, 20]);
  assert.equal(attempts, 5);
  queue.add('a');
  await clock.advance(0);
  assert.deepEqual(waits.slice(4), [5]);
});

test('addAfter keeps the earliest of several times', async () => {
  const clock = new ManualClock();
  const times: number[] = [];
  const queue = new WorkQueue({ clock, work: async () => void times.push(clock.monotonicMs()) });
  queue.addAfter('a', 100);
  queue.addAfter('a', 30);
  queue.addAfter('a', 60);
  await clock.advance(200);
  assert.deepEqual(times, [30]);
});

test('stop waits for the worker under way, and leaves no timer', async () => {
  const clock = new ManualClock();
  let finish = () => {};
  const queue = new WorkQueue({ clock, work: () => new Promise<void>((resolve) => (finish = resolve)) });
  queue.add('a');
  await clock.advance(0);
  queue.add('b');
  queue.addAfter('c', 10);
  let stopped = false;
  const stopping = queue.stop().then(() => (stopped = true));
  await clock.advance(0);
  assert.equal(stopped, false);
  finish();
  await stopping;
  assert.equal(clock.pendingTimers, 0);
  assert.equal(queue.size, 0);
});

test('whatever the order of adds, ends and failures: one worker a key, never too many, and no add is lost', async () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    fails: fc.boolean(),
    advanceMs: fc.integer({ min: 0, max: 9 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const clock = new ManualClock();
      const wanted = new Map<string, number>();
      const done = new Map<string, number>();
      const busy = new Set<string>();
      const failing = new Set<string>();
      const queue = new WorkQueue({
        clock,
        workers: 2,
        work: async (key) => {
          assert(!busy.has(key), 'two workers on one key');
          busy.add(key);
          assert(busy.size <= 2, 'too many workers');
          const version = wanted.get(key)!;
          await new Promise<void>((resolve) => void clock.schedule(3, resolve));
          busy.delete(key);
          if (failing.delete(key)) throw new Error('no');
          done.set(key, version);
        },
      });
      for (const [version, { key, fails, advanceMs }] of steps.entries()) {
        wanted.set(key, version);
        if (fails) failing.add(key);
        queue.add(key);
        await clock.advance(advanceMs);
      }
      await clock.advance(10_000);
      assert.deepEqual(done, wanted);
      await queue.stop();
    }),
    { numRuns: 60 },
  );
});
