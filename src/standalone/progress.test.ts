import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { createProgress } from './progress.ts';

function record(isTTY: boolean, environment = {}) {
  const written: string[] = [];
  const clock = new ManualClock();
  return {
    clock,
    written,
    progress: createProgress({ isTTY, write: (text) => written.push(text) }, clock, environment),
  };
}

test('without a terminal there is a line for each step, and neither colour nor rewriting', async () => {
  const { clock, written, progress } = record(false);
  await progress.step('Start', () => clock.advance(1500));
  await assert.rejects(
    progress.step('Stop', () => Promise.reject(new Error('no'))),
    /no/,
  );
  progress.failed('It works', 'it does not');
  assert.deepEqual(written, ['✓ Start (1.5 s)\n', '✗ Stop (0.0 s)\n', '✗ It works\n  it does not\n']);
});

test('on a terminal a step is seen while it runs; NO_COLOR is heeded', async () => {
  const { written, progress } = record(true, { NO_COLOR: '1' });
  await progress.step('Start', () => {});
  assert.deepEqual(written, ['… Start', '\r\x1b[K✓ Start (0.0 s)\n']);
});
