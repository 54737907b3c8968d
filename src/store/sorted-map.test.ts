import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SortedMap } from './sorted-map.ts';

const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'é', '🚦'), maxLength: 6 });

test('keeps what a plain map keeps, in order, across many chunks', () => {
  // So many sequential keys, and random ones among them, that chunks are halved and emptied.
  const change = fc.record({ key: fc.oneof(key, fc.nat(3000).map(String)), isDeletion: fc.boolean() });
  const law = fc.property(
    fc.array(change, { maxLength: 50 }),
    key,
    key,
    fc.nat(700),
    (changes, prefix, after, limit) => {
      const map = new SortedMap<string>();
      const plain = new Map<string, string>();
      const change = (key: string, isDeletion: boolean) => {
        for (const each of [map, plain]) isDeletion ? each.delete(key) : each.set(key, key);
      };
      for (let i = 0; i < 1500; i++) change(String(i), false);
      for (let i = 300; i < 1200; i++) change(String(i), true);
      for (const { key, isDeletion } of changes) change(key, isDeletion);
      const sorted = [...plain.keys()].sort();
      assert.equal(map.size, plain.size);
      for (const [prefixOf, afterOf] of [
        [prefix, after],
        ['1', ''],
        ['', after],
        ['1', '12'],
      ] as const) {
        const expected = sorted.filter((key) => key.startsWith(prefixOf) && (afterOf === '' || key > afterOf));
        const { values, remaining } = map.slice(prefixOf, afterOf, limit);
        assert.deepEqual(values, expected.slice(0, limit));
        assert.equal(remaining, expected.length - values.length);
        assert.deepEqual(map.slice(prefixOf, afterOf).values, expected);
      }
      for (const { key } of changes) assert.equal(map.get(key), plain.get(key));
    },
  );
  fc.assert(law, { numRuns: 100 });
});
