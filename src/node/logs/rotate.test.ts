import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { liveOffset, rotatedSegments, rotateLog } from './rotate.ts';

function createLog(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 't-node-log-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const log = path.join(folder, '0.log');
  writeFileSync(log, '');
  return log;
}

/** All that is kept of the log, oldest first. */
function readAll(log: string): string {
  const segments = rotatedSegments(log);
  const start = liveOffset(segments);
  const live = Buffer.alloc(statSync(log).size - start);
  const fd = openSync(log, 'r');
  readSync(fd, live, 0, live.length, start);
  closeSync(fd);
  return segments.map(({ file }) => readFileSync(file, 'utf8')).join('') + live.toString();
}

const lines = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => `line ${first + index}\n`).join('');

/** Of the file's contents on the disk. */
const allocatedBytes = (file: string) => 512 * statSync(file).blocks;

test('A log below the limit is left alone', (t) => {
  const log = createLog(t);
  appendFileSync(log, lines(0, 10));
  assert.equal(rotateLog(log, { maxBytes: 1000, maxFiles: 3 }), false);
  assert.deepEqual(readdirSync(path.dirname(log)), ['0.log']);
});

test('Rotation cuts at a line end, gives the blocks back, and goes on where it was', (t) => {
  const log = createLog(t);
  appendFileSync(log, `${lines(0, 10_000)}half a`);
  assert.equal(rotateLog(log, { maxBytes: 10_000, maxFiles: 3 }), true);
  const [segment] = rotatedSegments(log);
  assert.equal(readFileSync(segment!.file, 'utf8'), lines(0, 10_000));
  assert.ok(allocatedBytes(log) <= 8192, `${allocatedBytes(log)} bytes are still allocated`);
  appendFileSync(log, ' line\n');
  assert.equal(readAll(log), `${lines(0, 10_000)}half a line\n`);
  assert.equal(rotateLog(log, { maxBytes: 10_000, maxFiles: 3 }), false);
});

test('As many files are kept as asked for, the newest', (t) => {
  const log = createLog(t);
  for (let round = 0; round < 6; round++) {
    appendFileSync(log, lines(round * 1000, 1000));
    rotateLog(log, { maxBytes: 1000, maxFiles: 3 });
  }
  assert.equal(rotatedSegments(log).length, 2);
  assert.equal(readAll(log), lines(4000, 2000));
});

test('A line longer than everything is cut rather than kept for ever', (t) => {
  const log = createLog(t);
  appendFileSync(log, 'x'.repeat(200_000));
  assert.equal(rotateLog(log, { maxBytes: 1000, maxFiles: 3 }), true);
  assert.equal(readAll(log), 'x'.repeat(200_000));
});

test('A crash between copy and hole neither loses nor doubles a line', (t) => {
  const log = createLog(t);
  appendFileSync(log, lines(0, 1000));
  // What a rotation leaves that died before its rename, and one that died before its hole.
  writeFileSync(`${log}.000000000000.tmp`, 'half');
  writeFileSync(`${log}.000000000000`, lines(0, 500));
  appendFileSync(log, lines(1000, 1000));
  assert.equal(rotateLog(log, { maxBytes: 1000, maxFiles: 5 }), true);
  assert.equal(readAll(log), lines(0, 2000));
});

test('A program that writes all the while loses no line', async (t) => {
  const log = createLog(t);
  const output = openSync(log, 'a');
  const script = 'i=0; while [ $i -lt 30000 ]; do echo "line $i"; i=$((i+1)); done';
  const writer = spawn('sh', ['-c', script], { stdio: ['ignore', output, output] });
  closeSync(output);
  const ended = once(writer, 'exit');
  let rotations = 0;
  while (writer.exitCode === null) {
    if (rotateLog(log, { maxBytes: 20_000, maxFiles: 1000 })) rotations++;
    await turn();
  }
  await ended;
  assert.ok(rotations > 3, `${rotations} rotations`);
  assert.equal(readAll(log), lines(0, 30_000));
});
