import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTable } from './table.ts';

test('columns line up and lines do not end in spaces', () => {
  assert.equal(
    formatTable(
      ['NAME', 'AGE'],
      [
        ['hostnames', '5s'],
        ['a', ''],
      ],
    ),
    'NAME        AGE\nhostnames   5s\na\n',
  );
});
