import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { raiseFileLimit } from './limits.ts';

const limits = () => {
  const [, soft, hard] = /Max open files\s+(\d+)\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))!;
  return { soft: Number(soft), hard: Number(hard) };
};

test('The limit of open files goes as far up as it may, never down, and is told', () => {
  const before = limits();
  assert.equal(raiseFileLimit(10), before.soft);
  const raised = raiseFileLimit(before.hard + 1000);
  assert.ok(raised === before.hard || raised === before.hard + 1000);
  assert.equal(limits().soft, raised);
  assert.equal(raiseFileLimit(10), raised);
});
