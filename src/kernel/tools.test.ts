import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runTool, ToolError } from './tools.ts';

test('A tool gets its input, and what it prints comes back', () => {
  assert.equal(runTool('cat', ['-'], { input: 'a line\n' }), 'a line\n');
});

test('A tool that ends badly says how, and keeps what it said', () => {
  assert.throws(
    () => runTool('sh', ['-c', 'echo line 2 failed >&2; exit 3']),
    (error) =>
      error instanceof ToolError &&
      error.code === 'tool' &&
      error.stderr === 'line 2 failed\n' &&
      error.message === 'Run sh -c echo line 2 failed >&2; exit 3: exit code 3: line 2 failed',
  );
  assert.throws(() => runTool('sh', ['-c', 'kill -9 $$']), /ended by SIGKILL/);
});

test('A tool that does not read its input is told by what it said, or by that', () => {
  const input = 'x'.repeat(4 << 20);
  assert.throws(() => runTool('sh', ['-c', 'echo no >&2; exit 3'], { input }), /: exit code 3: no$/);
  assert.throws(
    () => runTool('true', [], { input }),
    (error) =>
      error instanceof ToolError &&
      error.code === 'EPIPE' &&
      error.message === 'Run true: it ended without having read its input',
  );
});

test('A tool that does not end is killed at its deadline', () => {
  assert.throws(
    () => runTool('sleep', ['1000'], { deadlineMs: 50 }),
    (error) =>
      error instanceof ToolError &&
      error.code === 'ETIMEDOUT' &&
      error.message === 'Run sleep 1000: it did not end within 0.05 s and was killed',
  );
});

test('A tool that is not there has the code ENOENT', () => {
  assert.throws(
    () => runTool('no-such-tool-here', []),
    (error) => error instanceof ToolError && error.code === 'ENOENT',
  );
});
