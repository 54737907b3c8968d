import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { destroyAll } from './destroy.ts';
import { createTestNode, markedProcesses } from './runtime/process/harness.ts';

test('An agent on a node of its own: Pods, probes, kill -9, termination, routes, and nothing left', async (t) => {
  const node = createTestNode(t);
  const folder = path.join(node.stateDir, node.name);
  mkdirSync(folder);
  t.after(() => destroyAll(path.join(folder, 'node'), systemClock));
  const address = '198.51.100.1';
  const ip = (...words: string[]) => execFileSync('ip', ['-n', node.name, ...words]);
  ip('link', 'add', 'fabric', 'type', 'bridge');
  ip('address', 'add', `${address}/24`, 'dev', 'fabric');
  ip('link', 'set', 'fabric', 'up');
  const program = path.join(import.meta.dirname, 'agent.scenario.ts');
  const words = [`--net=${node.netns}`, '--', process.execPath, program, folder, address];
  const scenario = spawn('nsenter', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [scenario.stdout, scenario.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const code = await new Promise((resolve) => scenario.on('exit', resolve));
  assert.equal(code, 0, output);
  await destroyAll(path.join(folder, 'node'), systemClock);
  assert.deepEqual(markedProcesses(node.name), []);
});
