import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Endpoint } from './model.ts';
import { assignSlots } from './slots.ts';

const endpoints = (names: string): Endpoint[] =>
  [...names].map((name) => ({ address: `10.0.0.${name.charCodeAt(0)}`, port: 80, local: false }));
const names = (list: readonly Endpoint[]) =>
  list.map(({ address }) => String.fromCharCode(Number(address.split('.')[3]))).join('');

test('An endpoint keeps its slot for as few slot changes as possible', async (t) => {
  const cases: [before: string, wanted: string, after: string][] = [
    ['', '', ''],
    ['', 'abc', 'abc'],
    ['abc', 'cba', 'abc'],
    ['abc', 'abcd', 'abcd'],
    ['abc', 'ab', 'ab'],
    ['abc', 'bc', 'cb'],
    ['abc', 'bcd', 'dbc'],
    ['abcd', 'd', 'd'],
    ['abcd', 'bd', 'db'],
    ['abcd', 'xy', 'xy'],
    ['ab', 'xyz', 'xyz'],
    ['abc', '', ''],
  ];
  for (const [before, wanted, after] of cases) {
    await t.test(`${before || 'none'} then ${wanted || 'none'}`, () => {
      assert.equal(names(assignSlots(endpoints(before), endpoints(wanted))), after);
    });
  }
});

test('Slots hold exactly the wanted endpoints, and no more of them change than must', () => {
  const some = fc.uniqueArray(fc.constantFrom(...'abcdefghij'), { maxLength: 10 }).map((list) => list.join(''));
  fc.assert(
    fc.property(some, some, (before, wanted) => {
      const after = names(assignSlots(endpoints(before), endpoints(wanted)));
      assert.deepEqual([...after].sort(), [...wanted].sort());
      const changed = [...after].filter((name, slot) => before[slot] !== name).length;
      // Each newcomer takes a slot; each survivor behind the new end has to move.
      const newcomers = [...wanted].filter((name) => !before.includes(name)).length;
      const behind = [...before.slice(wanted.length)].filter((name) => wanted.includes(name)).length;
      assert.equal(changed, newcomers + behind);
    }),
  );
});
