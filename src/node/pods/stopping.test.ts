import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, sleep } from '../../base/clock.ts';
import { Stopping } from './stopping.ts';

function setUp(graceMs: number, hookMs?: number) {
  const clock = new ManualClock();
  const seen: string[] = [];
  const note = (what: string) => () => {
    seen.push(`${what} at ${clock.monotonicMs() / 1000}`);
  };
  const hook = (timeoutMs: number, signal: AbortSignal) => sleep(clock, Math.min(hookMs ?? 0, timeoutMs), signal);
  const stopping = new Stopping({
    clock,
    graceMs,
    ...(hookMs === undefined ? {} : { hook }),
    terminate: note('term'),
    kill: note('kill'),
  });
  return { clock, seen, stopping };
}

test('SIGTERM at once, SIGKILL when the grace period is over', async () => {
  const { clock, seen } = setUp(30_000);
  await clock.advance(60_000);
  assert.deepEqual(seen, ['term at 0', 'kill at 30']);
});

test('A grace period of nothing is SIGKILL', async () => {
  const { clock, seen } = setUp(0);
  await clock.advance(60_000);
  assert.deepEqual(seen, ['kill at 0']);
});

test('The hook’s time counts', async () => {
  const { clock, seen } = setUp(30_000, 10_000);
  await clock.advance(60_000);
  assert.deepEqual(seen, ['term at 10', 'kill at 30']);
});

test('A hook that uses up everything leaves two seconds for SIGTERM', async () => {
  const { clock, seen } = setUp(10_000, 3_600_000);
  await clock.advance(60_000);
  assert.deepEqual(seen, ['term at 10', 'kill at 12']);
});

test('A shorter grace period cuts the hook and the wait; a longer one changes nothing', async () => {
  const { clock, seen, stopping } = setUp(30_000, 20_000);
  await clock.advance(5000);
  stopping.hurry(60_000);
  stopping.hurry(1000);
  await clock.advance(60_000);
  assert.deepEqual(seen, ['term at 5', 'kill at 6']);
});

test('A container that has ended gets no further signal', async () => {
  const { clock, seen, stopping } = setUp(30_000);
  await clock.advance(1000);
  stopping.done();
  stopping.hurry(0);
  await clock.advance(60_000);
  assert.deepEqual(seen, ['term at 0']);
  assert.equal(clock.pendingTimers, 0);
});
