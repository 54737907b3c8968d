import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { ManualClock, sleep, systemClock } from './clock.ts';

test('a manual clock runs what falls due, in order of time, and nothing later', async () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  clock.schedule(20, () => seen.push(`b@${clock.monotonicMs()}`));
  clock.schedule(10, () => {
    seen.push(`a@${clock.monotonicMs()}`);
    clock.schedule(5, () => seen.push(`c@${clock.monotonicMs()}`));
  });
  clock.schedule(31, () => seen.push('late'));
  await clock.advance(30);
  assert.deepEqual(seen, ['a@10', 'c@15', 'b@20']);
  assert.equal(clock.pendingTimers, 1);
});

test('a jump of the wall clock leaves intervals alone', async () => {
  const clock = new ManualClock(1000);
  clock.jump(-500);
  assert.equal(clock.now(), 500);
  assert.equal(clock.monotonicMs(), 0);
});

test('a cancelled callback is never called', async () => {
  const clock = new ManualClock();
  let calls = 0;
  const cancel = clock.schedule(1, () => calls++);
  cancel();
  await clock.advance(10);
  assert.equal(calls, 0);
});

test('sleep ends at once when its signal aborts, and leaves no timer', async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const sleeping = sleep(clock, 1000, controller.signal);
  controller.abort();
  await sleeping;
  assert.equal(clock.pendingTimers, 0);
  await sleep(clock, 1000, controller.signal);
});

test('the system clock takes delays longer than setTimeout can hold', () => {
  const cancel = systemClock.schedule(2 ** 40, () => assert.fail('called at once'));
  cancel();
});

test("every process reads the same monotonic clock: the machine's", () => {
  const program = `import(${JSON.stringify(import.meta.resolve('./clock.ts'))}).then(({ systemClock }) => console.log(systemClock.monotonicMs()))`;
  const beforeMs = systemClock.monotonicMs();
  const elsewhereMs = Number(execFileSync(process.execPath, ['--eval', program], { encoding: 'utf8' }));
  assert.ok(beforeMs < elsewhereMs && elsewhereMs < systemClock.monotonicMs());
  assert.ok(beforeMs > performance.now() + 1000, 'it counts from before this process');
});
