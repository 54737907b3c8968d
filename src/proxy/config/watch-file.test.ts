import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ManualClock, systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { watchFile } from './watch-file.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'signalbox-watch-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** A ConfigMap's volume: the file is a link through `..data` to the folder of the moment. */
function mountedVolume(t: TestContext) {
  const path = folder(t);
  let version = 0;
  const update = (text: string) => {
    const target = `..v${++version}`;
    mkdirSync(join(path, target));
    writeFileSync(join(path, target, 'config.conf'), text);
    symlinkSync(target, join(path, '..data_tmp'));
    renameSync(join(path, '..data_tmp'), join(path, '..data'));
  };
  update('one');
  symlinkSync('..data/config.conf', join(path, 'config.conf'));
  return { file: join(path, 'config.conf'), update };
}

test('A file in a ConfigMap’s volume is followed over its swings', { timeout: 10_000 }, async (t) => {
  const { file, update } = mountedVolume(t);
  let next = Promise.withResolvers<string>();
  const onChange = (text: string) => next.resolve(text);
  t.after(watchFile(file, { clock: systemClock, log: silentLogger, onChange }));
  for (const text of ['two', 'three']) {
    update(text);
    assert.equal(await next.promise, text);
    next = Promise.withResolvers();
  }
});

test('Without a word from the kernel a change is found by looking, and only a change is told', async (t) => {
  const file = join(folder(t), 'config.conf');
  writeFileSync(file, 'one');
  const clock = new ManualClock();
  const seen: string[] = [];
  const stop = watchFile(file, { clock, log: silentLogger, onChange: (text) => seen.push(text) });
  await clock.advance(60_000);
  assert.deepEqual(seen, []);
  writeFileSync(file, 'two');
  await clock.advance(15_000);
  unlinkSync(file);
  await clock.advance(15_000);
  writeFileSync(file, 'two');
  await clock.advance(15_000);
  assert.deepEqual(seen, ['two']);
  stop();
  assert.equal(clock.pendingTimers, 0);
});
