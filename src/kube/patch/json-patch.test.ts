import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyJsonPatch } from './json-patch.ts';
import { formatPointer, parsePointer } from './json-pointer.ts';

/** RFC 6902, appendix A, and what else the operations promise. */
const applied: [string, unknown, unknown[], unknown][] = [
  ['A.1 add a member', { foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { baz: 'qux', foo: 'bar' }],
  [
    'A.2 add an element',
    { foo: ['bar', 'baz'] },
    [{ op: 'add', path: '/foo/1', value: 'qux' }],
    { foo: ['bar', 'qux', 'baz'] },
  ],
  ['A.3 remove a member', { baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
  [
    'A.4 remove an element',
    { foo: ['bar', 'qux', 'baz'] },
    [{ op: 'remove', path: '/foo/1' }],
    { foo: ['bar', 'baz'] },
  ],
  [
    'A.5 replace a value',
    { baz: 'qux', foo: 'bar' },
    [{ op: 'replace', path: '/baz', value: 'boo' }],
    { baz: 'boo', foo: 'bar' },
  ],
  [
    'A.6 move a value',
    { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
    [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
    { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
  ],
  [
    'A.7 move an element',
    { foo: ['all', 'grass', 'cows', 'eat'] },
    [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
    { foo: ['all', 'cows', 'eat', 'grass'] },
  ],
  [
    'A.8 test a value',
    { baz: 'qux', foo: ['a', 2, 'c'] },
    [
      { op: 'test', path: '/baz', value: 'qux' },
      { op: 'test', path: '/foo/1', value: 2 },
    ],
    { baz: 'qux', foo: ['a', 2, 'c'] },
  ],
  [
    'A.10 add a nested object',
    { foo: 'bar' },
    [{ op: 'add', path: '/child', value: { grandchild: {} } }],
    { foo: 'bar', child: { grandchild: {} } },
  ],
  [
    'A.11 ignore unknown members',
    { foo: 'bar' },
    [{ op: 'add', path: '/baz', value: 'qux', xyz: 123 }],
    { foo: 'bar', baz: 'qux' },
  ],
  ['A.14 escapes', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
  ['A.16 add to the end', { foo: ['bar'] }, [{ op: 'add', path: '/foo/-', value: ['abc'] }], { foo: ['bar', ['abc']] }],
  ['replace the whole', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
  [
    'copy',
    { a: { b: 1 } },
    [
      { op: 'copy', from: '/a', path: '/c' },
      { op: 'replace', path: '/c/b', value: 2 },
    ],
    { a: { b: 1 }, c: { b: 2 } },
  ],
  [
    'null is a value',
    { a: 1 },
    [
      { op: 'replace', path: '/a', value: null },
      { op: 'test', path: '/a', value: null },
    ],
    { a: null },
  ],
  ['move onto itself', { a: 1 }, [{ op: 'move', from: '/a', path: '/a' }], { a: 1 }],
];
for (const [name, document, operations, expected] of applied) {
  test(`JSON patch: ${name}`, () => {
    const before = structuredClone(document);
    assert.deepEqual(applyJsonPatch(document, operations), expected);
    assert.deepEqual(document, before);
  });
}

const refused: [string, unknown, unknown, 'malformed' | 'unprocessable', string][] = [
  [
    'A.9 a test that fails',
    { baz: 'qux' },
    [{ op: 'test', path: '/baz', value: 'bar' }],
    'unprocessable',
    'testing value /baz failed',
  ],
  [
    'A.12 no parent',
    { foo: 'bar' },
    [{ op: 'add', path: '/baz/bat', value: 1 }],
    'unprocessable',
    'add operation does not apply: /baz: no such value',
  ],
  [
    'A.15 types differ',
    { '/': 9, '~1': 10 },
    [{ op: 'test', path: '/~01', value: '10' }],
    'unprocessable',
    'testing value /~01 failed',
  ],
  [
    'an index beyond the end',
    { a: [1] },
    [{ op: 'add', path: '/a/2', value: 1 }],
    'unprocessable',
    "add operation does not apply: /a/2: index is beyond the array's 1 items",
  ],
  [
    'a leading zero',
    { a: [1, 2] },
    [{ op: 'replace', path: '/a/01', value: 1 }],
    'unprocessable',
    'replace operation does not apply: /a/01: no such value',
  ],
  [
    'remove what is not there',
    {},
    [{ op: 'remove', path: '/a' }],
    'unprocessable',
    'remove operation does not apply: /a: no such value',
  ],
  [
    'move into itself',
    { a: { b: 1 } },
    [{ op: 'move', from: '/a', path: '/a/b' }],
    'unprocessable',
    'move operation does not apply: /a/b: a value cannot be moved into itself',
  ],
  [
    'an inherited member',
    {},
    [{ op: 'remove', path: '/constructor' }],
    'unprocessable',
    'remove operation does not apply: /constructor: no such value',
  ],
  [
    'the prototype',
    {},
    [{ op: 'add', path: '/__proto__', value: {} }],
    'unprocessable',
    'add operation does not apply: /__proto__: the name is not allowed',
  ],
  ['no list', {}, {}, 'malformed', 'a JSON patch must be an array of operations'],
  ['no object', {}, [1], 'malformed', 'each operation of a JSON patch must be an object'],
  ['an unknown verb', {}, [{ op: 'spam', path: '/' }], 'malformed', 'unexpected kind of operation: "spam"'],
  ['no path', {}, [{ op: 'remove' }], 'malformed', 'operation remove missing "path" field'],
  ['no value', {}, [{ op: 'add', path: '/a' }], 'malformed', 'operation add missing "value" field'],
  [
    'a path without a slash',
    {},
    [{ op: 'add', path: 'a', value: 1 }],
    'malformed',
    'JSON pointer "a" must begin with \'/\'',
  ],
];
for (const [name, document, operations, code, detail] of refused) {
  test(`JSON patch refuses ${name}`, () => {
    assert.throws(() => applyJsonPatch(document, operations), { code, detail });
  });
}

test('all operations apply or none does', () => {
  const document = { a: [1] };
  const operations = [
    { op: 'add', path: '/a/-', value: 2 },
    { op: 'remove', path: '/b' },
  ];
  assert.throws(() => applyJsonPatch(document, operations));
  assert.deepEqual(document, { a: [1] });
});

test('a pointer survives writing and reading', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (tokens) => assert.deepEqual(parsePointer(formatPointer(tokens)), tokens)),
  );
});
