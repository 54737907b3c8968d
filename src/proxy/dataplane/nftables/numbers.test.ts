import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Endpoint } from '../../plan/mod.ts';
import { assignNumbers, drawnRows, type Rows } from './numbers.ts';

const endpoint = (number: number): Endpoint => ({ address: `10.0.0.${number}`, port: 80, local: false });
const text = (rows: Rows): string => rows.map((one) => one?.address.split('.').at(-1) ?? '-').join(' ');
const endpoints = (...numbers: number[]) => numbers.map(endpoint);

for (const [before, wanted, after] of [
  ['', [1, 2, 3], '1 2 3'],
  ['1 2 3', [3, 2, 1], '1 2 3'],
  ['1 2 3', [1, 3], '1 - 3'],
  ['1 2 3', [1, 2], '1 2'],
  ['1 - 3', [1, 3, 4], '1 4 3'],
  ['1 2 3 4', [4, 5], '5 - - 4'],
  ['1 2 3 4 5', [5], '5'],
  ['1 2 3', [], ''],
] as const) {
  test(`Numbers ${before || '(none)'} for ${wanted.join(', ') || 'nobody'} become ${after || '(none)'}`, () => {
    const rows = before.split(' ').flatMap((one) => (one === '' ? [] : [one === '-' ? undefined : endpoint(+one)]));
    assert.equal(text(assignNumbers(rows, endpoints(...wanted))), after);
  });
}

test('Whoever stays keeps the number, unless most numbers are nobody’s; at most half of them ever are', () => {
  const wanted = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 30 });
  fc.assert(
    fc.property(fc.array(wanted, { minLength: 1, maxLength: 10 }), (history) => {
      let rows: Rows = [];
      for (const numbers of history) {
        const before = rows;
        rows = assignNumbers(before, endpoints(...numbers));
        const seated = rows.flatMap((one) => (one ? [one.address] : []));
        assert.deepEqual(
          seated.sort(),
          endpoints(...numbers)
            .map(({ address }) => address)
            .sort(),
        );
        assert.ok(rows.length <= 2 * numbers.length);
        assert.notEqual(rows.length > 0 && rows.at(-1) === undefined, true);
        const survivors = before.filter((one) => one && seated.includes(one.address)).length;
        const highest = before.findLastIndex((one) => one && seated.includes(one.address)) + 1;
        if (Math.max(highest, numbers.length) > 2 * numbers.length) continue;
        const kept = before.filter((one, i) => one && rows[i]?.address === one.address).length;
        assert.equal(kept, survivors);
      }
    }),
  );
});

test('Rules draw from exactly the rows of a small Service, and from an eighth more of a large one at most', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20_000 }), (rows) => {
      const drawn = drawnRows(rows);
      assert.ok(drawn >= rows && drawn <= rows * 1.125 && (rows > 16 || drawn === rows));
    }),
  );
});
