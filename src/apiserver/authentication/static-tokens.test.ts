import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStaticTokens } from './static-tokens.ts';

const read = (text: string) => Object.fromEntries(readStaticTokens(text, 'tokens.csv'));
const authenticated = 'system:authenticated';

test('a line is token, user, uid and groups', () => {
  assert.deepEqual(read('abc,jane,7,"devs, ops"\n\n# nobody\nxyz,joe\ne,"a ""b""",,one\n'), {
    abc: { name: 'jane', uid: '7', groups: ['devs', 'ops', authenticated] },
    xyz: { name: 'joe', groups: [authenticated] },
    e: { name: 'a "b"', groups: ['one', authenticated] },
  });
});

test('a line without a user, and a token given twice, are refused by their number', () => {
  assert.throws(() => read('abc,jane\nxyz'), /Read line 2 of tokens\.csv: it has no token and user/);
  assert.throws(() => read(',jane'), /line 1/);
  assert.throws(() => read('abc,jane\nabc,joe'), /its token is that of jane, too/);
});
