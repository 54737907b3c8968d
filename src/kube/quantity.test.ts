import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareQuantities, divideQuantity, formatQuantity, isQuantity, parseQuantity } from './quantity.ts';

const canonical: [string | number, string][] = [
  ['1000m', '1'],
  ['1500m', '1500m'],
  ['0.5', '500m'],
  [2, '2'],
  ['1024Ki', '1Mi'],
  ['1.5Gi', '1536Mi'],
  ['1000Ki', '1000Ki'],
  ['0.5Mi', '512Ki'],
  ['100Mi', '100Mi'],
  ['1e3', '1e3'],
  ['12000', '12k'],
  ['-1500m', '-1500m'],
  ['+5', '5'],
  ['.5Ki', '512'],
  ['0Gi', '0'],
  ['1E', '1E'],
  ['0.0000000001', '1n'],
];
for (const [given, text] of canonical) {
  test(`${given} is written ${text}`, () => assert.equal(formatQuantity(given), text));
}

for (const text of ['', 'x', '1x', '1 Gi', '--1', '1.2.3', 'Gi', '1e', 'NaN']) {
  test(`${JSON.stringify(text)} is no quantity`, () => {
    assert.equal(isQuantity(text), false);
    assert.throws(() => parseQuantity(text), { code: 'malformed' });
  });
}

const orders: [string, string, number][] = [
  ['1', '1000m', 0],
  ['1Gi', '1G', 1],
  ['999m', '1', -1],
  ['1Ei', '1E', 1],
  ['-1', '0', -1],
];
for (const [a, b, order] of orders) {
  test(`${a} against ${b} is ${order}`, () => {
    assert.equal(compareQuantities(a, b), order);
    assert.equal(compareQuantities(b, a), -order + 0);
  });
}

const quotients: [string | number, string | number, bigint][] = [
  ['64Mi', '1Mi', 64n],
  ['1500m', 1, 2n],
  ['1500m', '1m', 1500n],
  ['1Ei', 1, 1152921504606846976n],
  ['8Ei', '1m', 9223372036854775808000n],
  ['3', '0', 3n],
  ['1e2', '1k', 1n],
  ['-1500m', 1, -1n],
  [0, '1Gi', 0n],
];
for (const [dividend, divisor, quotient] of quotients) {
  test(`${dividend} in units of ${divisor} is ${quotient}`, () => {
    assert.equal(divideQuantity(dividend, divisor), quotient);
  });
}

const anyQuantity = fc
  .tuple(
    fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }),
    fc.constantFrom('n', 'u', 'm', '', 'k', 'M', 'Ki', 'Mi', 'Gi'),
  )
  .map(([digits, suffix]) => `${digits}${suffix}`);

test('what is written is the same amount, and its own canonical form', () => {
  fc.assert(
    fc.property(anyQuantity, (text) => {
      const written = formatQuantity(text);
      return compareQuantities(written, text) === 0 && formatQuantity(written) === written;
    }),
  );
});

test('comparing is an order', () => {
  fc.assert(
    fc.property(anyQuantity, anyQuantity, anyQuantity, (a, b, c) => {
      assert.equal(compareQuantities(a, b), -compareQuantities(b, a) + 0);
      if (compareQuantities(a, b) <= 0 && compareQuantities(b, c) <= 0) assert.ok(compareQuantities(a, c) <= 0);
    }),
  );
});
