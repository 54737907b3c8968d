import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { afterRestart, type BackOff, mayRestartAtMs } from './back-off.ts';

/** A container that ends as soon as it has been started: the pauses between its ends and its starts, in seconds. */
function pauses(count: number, runsMs = 0): number[] {
  let backOff: BackOff | undefined;
  let nowMs = 0;
  return Array.from({ length: count }, () => {
    const endedMs = nowMs + runsMs;
    nowMs = mayRestartAtMs(backOff, endedMs);
    backOff = afterRestart(backOff, endedMs, nowMs);
    return (nowMs - endedMs) / 1000;
  });
}

test('The pauses double from 10 s to 5 min; the first restart has none', () => {
  assert.deepEqual(pauses(9), [0, 10, 20, 40, 80, 160, 300, 300, 300]);
});

test('A container that ran for more than ten minutes begins anew', () => {
  assert.deepEqual(pauses(3, 600_001), [0, 0, 0]);
  assert.deepEqual(pauses(3, 600_000), [0, 10, 20]);
});

test('Law: a restart never comes before the end, nor more than 5 min after it', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1_000_000 }), { maxLength: 30 }), (runs) => {
      let backOff: BackOff | undefined;
      let nowMs = 0;
      for (const runMs of runs) {
        const endedMs = nowMs + runMs;
        nowMs = mayRestartAtMs(backOff, endedMs);
        assert.ok(nowMs >= endedMs && nowMs <= endedMs + 300_000);
        backOff = afterRestart(backOff, endedMs, nowMs);
      }
    }),
  );
});
