import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { destroyAll } from './destroy.ts';
import { removeAccountMountPoint } from './mod.ts';
import { createTestNode, markedProcesses } from './runtime/process/harness.ts';

test('An agent on a node of its own: Pods, probes, kill -9, termination, routes, and nothing left', async (t) => {
  const node = createTestNode(t);
  const folder = mkdtempSync(path.join(tmpdir(), 't-node-agent-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const address = '198.51.100.1';
  const ip = (...words: string[]) => execFileSync('ip', ['-n', node.name, ...words]);
  ip('link', 'add', 'fabric', 'type', 'bridge');
  ip('address', 'add', `${address}/24`, 'dev', 'fabric');
  ip('link', 'set', 'fabric', 'up');
  const program = path.join(import.meta.dirname, 'testing', 'programs', 'agent-scenario.ts');
  const words = [`--net=${node.netns}`, '--', process.execPath, program];
  const scenario = spawn('nsenter', [...words, folder, node.stateDir, node.name, address], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [scenario.stdout, scenario.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  t.after(() => scenario.kill('SIGKILL'));
  const code = await new Promise((resolve) => scenario.on('exit', resolve));
  assert.equal(code, 0, output);
  await destroyAll(node.stateDir, systemClock);
  assert.deepEqual(markedProcesses(node.name), []);
  removeAccountMountPoint();
});
