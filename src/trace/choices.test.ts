import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Choose, everyRun } from './choices.ts';

const evenly = (choose: Choose, count: number) => choose(count, () => 1 / count);

test('Without a choice there is one run, which is certain', () => {
  assert.deepEqual([...everyRun(() => 'done')], [{ probability: 1, result: 'done' }]);
});

test('Every way is run once, with the product of its probabilities', () => {
  const runs = [...everyRun((choose) => (evenly(choose, 2) === 0 ? 'left' : `right ${evenly(choose, 3)}`))];
  assert.deepEqual(
    runs.map(({ result, probability }) => [result, Math.round(probability * 6)]),
    [
      ['left', 3],
      ['right 0', 1],
      ['right 1', 1],
      ['right 2', 1],
    ],
  );
});

test('A way that is never taken is not run', () => {
  const certain = (way: number) => (way === 1 ? 1 : 0);
  assert.deepEqual([...everyRun((choose) => choose(3, certain))], [{ probability: 1, result: 1 }]);
});

test('Whatever is chosen among, the probabilities add up to 1', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 5 }), (counts) => {
      const runs = [...everyRun((choose) => counts.map((count) => evenly(choose, count)).join())];
      assert.equal(new Set(runs.map(({ result }) => result)).size, runs.length);
      const sum = runs.reduce((total, { probability }) => total + probability, 0);
      assert.ok(Math.abs(sum - 1) < 1e-9);
    }),
  );
});
