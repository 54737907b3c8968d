import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTimeOf } from './processes.ts';

test('The start time is found behind a name that looks like more fields', () => {
  const tail = Array.from({ length: 30 }, (_, i) => (i === 18 ? '987654321012' : String(i))).join(' ');
  assert.equal(startTimeOf(`42 (a) R 1 (b c) S ${tail}\n`), 987654321012n);
});
