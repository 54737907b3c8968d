import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { MemoryFile } from './memory-file.ts';
import { runTool } from './tools.ts';

function filled(name: string, ...texts: string[]): MemoryFile {
  const file = new MemoryFile(name);
  for (const text of texts) file.write(text);
  return file;
}

test('A tool reads what was written, from the beginning, short pieces and long ones', () => {
  const texts = ['first\n', 'é'.repeat(50_000), '\n', ...Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`)];
  const file = filled('a', ...texts);
  assert.equal(file.length, Buffer.byteLength(texts.join('')));
  assert.equal(runTool('cat', [], { input: file }), texts.join(''));
  assert.equal(file.text(), texts.join(''));
  file.close();
});

test('One is added to another', () => {
  const [one, other] = [filled('one', 'a\n'), filled('other', 'x'.repeat(200_000), '\n')];
  one.append(other);
  one.write('end\n');
  assert.equal(one.text(), `a\n${'x'.repeat(200_000)}\nend\n`);
  for (const file of [one, other]) file.close();
});

test('Nothing is left of it when it is closed', () => {
  const file = filled('gone', 'a');
  file.close();
  assert.equal(existsSync(`/proc/self/fd/${file.descriptor}`), false);
});
