import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MalformedMessageError } from './errors.ts';
import {
  encodeName,
  expandName,
  isWithin,
  keyOf,
  keyText,
  labelsOf,
  nameKey,
  nameText,
  plainNameEnd,
  skipName,
  wireOf,
} from './name.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('names have these bytes', () => {
  const table: [string, string][] = [
    ['', '00'],
    ['.', '00'],
    ['a', '01 61 00'],
    ['Web.default.', '03 576562 07 64656661756c74 00'],
    ['a\\.b.c', '03 612e62 01 63 00'],
    ['a\\032b', '03 612062 00'],
    ['\\255', '01 ff 00'],
    ['_http._tcp', '05 5f68747470 04 5f746370 00'],
  ];
  for (const [text, bytes] of table) assert.deepEqual(Buffer.from(encodeName(text)), hex(bytes), text);
});

test('names that DNS cannot carry are refused, with the place', () => {
  const table: [string, RegExp][] = [
    ['a..b', /a label is empty/],
    ['.a', /a label is empty/],
    ['a'.repeat(64), /a label is longer than 63 bytes/],
    [`${'a'.repeat(63)}.`.repeat(4), /the name is longer than 255 bytes/],
  ];
  for (const [text, message] of table) {
    assert.throws(
      () => encodeName(text),
      (error) => error instanceof MalformedMessageError && message.test(error.message),
    );
  }
  assert.equal(encodeName(`${'a'.repeat(63)}.`.repeat(3) + 'a'.repeat(61)).length, 255);
});

const labelBytes = fc.uint8Array({ minLength: 1, maxLength: 20 });
const wireName = fc
  .array(labelBytes, { maxLength: 8 })
  .map((labels) =>
    Buffer.concat([...labels.flatMap((label) => [Uint8Array.of(label.length), label]), Uint8Array.of(0)]),
  );

test('any name survives text and back', () => {
  fc.assert(fc.property(wireName, (wire) => assert.deepEqual(Buffer.from(encodeName(nameText(wire))), wire)));
});

test('a key is the name without case, and keeps its bytes', () => {
  fc.assert(
    fc.property(wireName, (wire) => {
      const key = nameKey(wire);
      assert.equal(nameKey(wireOf(key)), key);
      assert.equal(
        labelsOf(key).reduce((sum, label) => sum + label.length + 1, 1),
        wire.length,
      );
    }),
  );
  assert.equal(keyOf('WEB.Default'), keyOf('web.default.'));
  assert.notEqual(keyOf('a\\.b'), keyOf('a.b'));
  assert.deepEqual(labelsOf(keyOf('WEB.Default')), ['web', 'default']);
});

test('a name is within a zone label by label', () => {
  const table: [string, string, boolean][] = [
    ['web.default.svc.cluster.local', 'cluster.local', true],
    ['cluster.local', 'CLUSTER.local', true],
    ['web.mycluster.local', 'cluster.local', false],
    ['local', 'cluster.local', false],
    ['example.com', '.', true],
    // The key of `cluster.local` is in this one's bytes, but not at the beginning of a label.
    ['a\\007cluster\\005local', 'cluster.local', false],
  ];
  for (const [name, zone, within] of table) assert.equal(isWithin(keyOf(name), keyOf(zone)), within, name);
});

test('compressed names expand; pointers may only lead back', () => {
  // 0: example.com  13: www + pointer to 0  19: pointer to 13
  const message = hex('07 6578616d706c65 03 636f6d 00  03 777777 c000  c00d');
  assert.equal(nameText(expandName(message, 0)), 'example.com');
  assert.equal(nameText(expandName(message, 13)), 'www.example.com');
  assert.equal(nameText(expandName(message, 19)), 'www.example.com');
  assert.deepEqual([skipName(message, 0), skipName(message, 13), skipName(message, 19)], [13, 19, 21]);
  assert.equal(plainNameEnd(message, 0), 13);
  assert.equal(plainNameEnd(message, 13), -1, 'a question holds no pointer');
});

test('malformed names are refused', () => {
  const table: [string, string, number][] = [
    ['points at itself', 'c000', 0],
    ['points ahead', 'c002 00', 0],
    ['two pointers in a circle', 'c002 c000', 2],
    ['a label, then back to itself', '01 61 c000', 0],
    ['runs over the end', '05 6161', 0],
    ['no end', '01 61', 0],
    ['half a pointer', '00 c0', 1],
    ['a label of kind 01', '41 00', 0],
    ['a label of kind 10', '81 00', 0],
    ['begins behind the end', '00', 7],
  ];
  for (const [title, bytes, start] of table) {
    assert.throws(() => expandName(hex(bytes), start), MalformedMessageError, title);
  }
  assert.equal(skipName(hex('05 6161'), 0), -1);
  assert.equal(skipName(hex('00 c0'), 1), -1);
  assert.equal(skipName(hex('41 00'), 0), -1);
  const long = Buffer.alloc(300, hex('01 61'));
  assert.throws(() => expandName(Buffer.concat([long, hex('00')]), 0), /longer than 255/);
  assert.equal(plainNameEnd(Buffer.concat([long, hex('00')]), 0), -1);
});

test('the text of a key has its final dot, and escapes for what is no plain character', () => {
  for (const text of [
    '.',
    'web.default.svc.cluster.local.',
    '_http._tcp.a.',
    'a\\.b.c.',
    'sp\\032ace.x.',
    'back\\\\slash.',
  ]) {
    assert.equal(keyText(keyOf(text)), text);
  }
  assert.equal(keyText(keyOf('WEB.Default')), 'web.default.');
});

test('the text of any key leads back to it', () => {
  const label = fc.uint8Array({ minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(label, { maxLength: 6 }), (labels) => {
      const key = nameKey(Uint8Array.from([...labels.flatMap((bytes) => [bytes.length, ...bytes]), 0]));
      assert.equal(keyOf(keyText(key)), key);
    }),
  );
});

test('the key of a text is the same by the short way as by the long one, and what is no name is none', () => {
  const texts = [
    '.',
    'a',
    'a.',
    'a.b.c',
    'web.default.svc.cluster.local.',
    '_x._tcp.y',
    'A.b',
    'a\\.b',
    'x'.repeat(63),
  ];
  for (const text of texts) assert.equal(keyOf(text), nameKey(encodeName(text)), text);
  const parts = fc.array(fc.constantFrom('a', '.', '..', 'x'.repeat(63), '-', 'B', '\\', ' '), { maxLength: 8 });
  const attempt = (read: () => string) => {
    try {
      return read();
    } catch (error) {
      assert.ok(error instanceof MalformedMessageError);
      return undefined;
    }
  };
  fc.assert(
    fc.property(parts, (words) => {
      const text = words.join('');
      assert.equal(
        attempt(() => keyOf(text)),
        attempt(() => nameKey(encodeName(text))),
        text,
      );
    }),
  );
});
