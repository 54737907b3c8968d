import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

test('signalbox dns --conf ends with one error and code 1 when what it forwards comes back', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-loop-'));
  t.after(() => rmSync(folder, { recursive: true }));
  // Addresses of loopback that only this process has.
  const [one, other] = [81, 82].map((net) => `127.${net}.${(process.pid >> 8) & 255}.${process.pid & 255}`);
  const corefile = join(folder, 'Corefile');
  const blocks = [
    `.:53 {\n bind ${one}\n errors\n health ${one}:8080 {\n lameduck 60s\n }\n loop\n cache\n forward . ${other}\n}\n`,
    `.:53 {\n bind ${other}\n forward . ${one}\n}\n`,
  ];
  writeFileSync(corefile, blocks.join(''));
  const child = spawn(join(root, 'bin', 'signalbox'), ['dns', '-conf', corefile, '-quiet'], { stdio: 'pipe' });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, 'exit');
  assert.equal(code, 1, said);
  const errors = said.split('\n').filter((line) => line.startsWith('error: '));
  assert.equal(errors.length, 1, said);
  assert.match(errors[0]!, /^error: Look for forwarding loops: what is forwarded for \. comes back from 127\.0\.0\.1 /);
  assert.match(errors[0]!, /forward to resolvers that do not ask this server/);
});
