import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from './log.ts';

const lines: string[] = [];
const options = { now: () => 0, write: (line: string) => lines.push(line) };

test('text lines are logfmt: quoted where a value holds a space, a quote or nothing', () => {
  lines.length = 0;
  createLogger(options)
    .with({ component: 'proxy' })
    .info('Synced', { services: 3, names: ['a', 'b'], empty: '', error: new Error('no "x"') });
  assert.deepEqual(lines, [
    '1970-01-01T00:00:00.000Z INFO  Synced component=proxy services=3 names="[\\"a\\",\\"b\\"]" empty="" error="no \\"x\\""\n',
  ]);
});

test('JSON lines hold the same fields', () => {
  lines.length = 0;
  createLogger({ ...options, format: 'json' }).warn('Slow', { ms: 3, error: new Error('gone') });
  assert.deepEqual(JSON.parse(lines[0] ?? ''), {
    time: '1970-01-01T00:00:00.000Z',
    level: 'warn',
    message: 'Slow',
    ms: 3,
    error: 'gone',
  });
});

test('lines below the level are not written', () => {
  lines.length = 0;
  const log = createLogger({ ...options, level: 'warn' });
  log.debug('no');
  log.info('no');
  log.error('yes');
  assert.equal(lines.length, 1);
});
