import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { mainFile } from './testing/server-process.ts';

test('whoever reads no more of a help text is told nothing further', async () => {
  const child = spawn(process.execPath, [mainFile, 'proxy', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  assert.deepEqual([said, code], ['', 0]);
});
