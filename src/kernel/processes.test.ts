import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { isRunning, processStartTime, startTimeOf } from './processes.ts';

test('The start time is found behind a name that looks like more fields', () => {
  const tail = Array.from({ length: 30 }, (_, i) => (i === 18 ? '987654321012' : String(i))).join(' ');
  assert.equal(startTimeOf(`42 (a) R 1 (b c) S ${tail}\n`), 987654321012n);
});

test('a process that has ended is not running, though nobody has reaped it yet', async (t) => {
  // The shell becomes a program that does not wait for the child that it has started.
  const parent = spawn('sh', ['-c', 'sleep infinity & echo $!; exec sleep infinity'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => parent.kill('SIGKILL'));
  const [line] = await once(createInterface({ input: parent.stdout }), 'line');
  const child = Number(line);
  t.after(() => spawnSync('kill', ['-9', line]));
  const startTime = processStartTime(child);
  assert.equal(isRunning(child, startTime), true);
  assert.equal(isRunning(child, startTime + 1n), false);
  process.kill(child, 'SIGKILL');
  while (isRunning(child, startTime)) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(processStartTime(child), startTime);
});
