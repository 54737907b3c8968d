import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { editScript } from './edit-script.ts';

/** What the kernel makes of a script: insertions where they belong, then the removals. */
function applied(before: readonly string[], after: readonly string[]): string[] {
  const { removals, insertions } = editScript(before, after);
  const removed = new Set(removals);
  const list = before.map((text) => ({ text, stays: !removed.has(text) }));
  for (const { insert, before: anchor } of insertions) {
    const at = anchor === undefined ? list.length : list.findIndex(({ text, stays }) => stays && text === anchor);
    assert.ok(at >= 0, `${anchor} is not there to insert before`);
    list.splice(at, 0, { text: after[insert]!, stays: true });
  }
  return list.filter(({ stays }) => stays).map(({ text }) => text);
}

const list = fc.uniqueArray(fc.constantFrom(...'abcdefghij'));

test('A script makes of any list any other', () => {
  fc.assert(fc.property(list, list, (before, after) => assert.deepEqual(applied(before, after), after)));
});

test('Single places cost single steps', () => {
  const steps = (before: string, after: string) => {
    const { removals, insertions } = editScript([...before], [...after]);
    return [removals.length, insertions.length];
  };
  assert.deepEqual(steps('abcdef', 'abcdef'), [0, 0]);
  assert.deepEqual(steps('abcdef', 'abXdef'), [1, 1]);
  assert.deepEqual(steps('abcdef', 'Xabcdef'), [0, 1]);
  assert.deepEqual(steps('abcdef', 'bcdef'), [1, 0]);
  assert.deepEqual(steps('abcdef', 'abcdefX'), [0, 1]);
});
