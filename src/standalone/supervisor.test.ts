import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/log.ts';
import { supervise } from './supervisor.ts';

test('a process that ends is started again, and its output is kept in order', async (t) => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'signalbox-supervisor-'));
  const logFile = path.join(directory, 'log');
  const reasons: string[] = [];
  const twice = Promise.withResolvers<void>();
  const supervised = supervise(
    { name: 'echo', command: '/bin/sh', args: ['-c', 'echo "$WORD"; exit 3'], environment: { WORD: 'hello' }, logFile },
    systemClock,
    silentLogger,
    (reason) => {
      reasons.push(reason);
      if (reasons.length === 2) twice.resolve();
    },
  );
  t.after(() => {
    supervised.stop();
    rmSync(directory, { recursive: true });
  });
  await twice.promise;
  supervised.stop();
  assert.deepEqual(reasons, ['exit code 3', 'exit code 3']);
  assert.equal(supervised.starts, 2);
  assert.equal(readFileSync(logFile, 'utf8'), 'hello\nhello\n');
});

test('a command that does not exist is reported, not thrown', async (t) => {
  const failed = Promise.withResolvers<string>();
  const supervised = supervise(
    { name: 'none', command: '/nonexistent', args: [], environment: {}, logFile: '/dev/null' },
    systemClock,
    silentLogger,
    failed.resolve,
  );
  t.after(() => supervised.stop());
  assert.match(await failed.promise, /ENOENT/);
});
