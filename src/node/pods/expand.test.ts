import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expand } from './expand.ts';

const variables = { A: 'one', B: '$(A)', EMPTY: '' };

// The cases of third_party/forked/golang/expansion/expand_test.go, as facts.
for (const [text, expected] of [
  ['$(A)', 'one'],
  ['x$(A)y$(A)z', 'xoneyonez'],
  ['$(B)', '$(A)'],
  ['$(EMPTY)', ''],
  ['$(UNKNOWN)', '$(UNKNOWN)'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$one'],
  ['$$$$(A)', '$$(A)'],
  ['$A', '$A'],
  ['$', '$'],
  ['$(A', '$(A'],
  ['$(constructor)', '$(constructor)'],
  ['$(A)$', 'one$'],
] as const) {
  test(`${JSON.stringify(text)} expands to ${JSON.stringify(expected)}`, () => {
    assert.equal(expand(text, variables), expected);
  });
}
