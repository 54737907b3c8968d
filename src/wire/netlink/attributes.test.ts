import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAttributeList, decodeAttributes } from './attributes.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

const malformed = [
  { name: 'a header cut off', bytes: '0800', state: '2 stray bytes at offset 0' },
  { name: 'a length below its own header', bytes: '03000100', state: 'length 3 at offset 0, where 4 bytes are left' },
  { name: 'a length of zero', bytes: '00000100', state: 'length 0 at offset 0, where 4 bytes are left' },
  { name: 'a length past the end', bytes: '09000100 01020304', state: 'length 9 at offset 0, where 8 bytes are left' },
  { name: 'stray bytes at the end', bytes: '05000100 01000000 0000', state: '2 stray bytes at offset 8' },
  {
    name: 'the second one wrong',
    bytes: '04000100 ffff0200',
    state: 'length 65535 at offset 4, where 4 bytes are left',
  },
];

for (const { name, bytes, state } of malformed) {
  test(`Malformed attributes: ${name}`, () => {
    assert.throws(() => decodeAttributes(hex(bytes)), {
      name: 'MalformedError',
      code: 'malformed',
      message: `Decode netlink attributes: ${state}`,
    });
  });
}

test('The last attribute may lack its padding', () => {
  assert.equal(decodeAttributes(hex('0500 0100 2a')).u8(1), 42);
});

test('Flags are told apart from the type', () => {
  const [first, second] = decodeAttributeList(hex('0400 01c0 0400 0140'));
  assert.deepEqual([first?.type, first?.nested, first?.networkOrder], [1, true, true]);
  assert.deepEqual([second?.type, second?.nested, second?.networkOrder], [1, false, true]);
});

test('Every getter reads its own size and order', () => {
  const attributes = decodeAttributes(
    hex('0500 0100 ff000000  0600 0200 01020000  0800 0300 01020304  0c00 0400 0102030405060708  0800 0500 feffffff'),
  );
  assert.equal(attributes.u8(1), 255);
  assert.equal(attributes.u16(2), 0x0201);
  assert.equal(attributes.u16Be(2), 0x0102);
  assert.equal(attributes.u32(3), 0x04030201);
  assert.equal(attributes.u32Be(3), 0x01020304);
  assert.equal(attributes.u64(4), 0x0807060504030201n);
  assert.equal(attributes.u64Be(4), 0x0102030405060708n);
  assert.equal(attributes.i32(5), -2);
  assert.deepEqual(attributes.types(), [1, 2, 3, 4, 5]);
});

test('A value of another size is malformed, an absent one undefined', () => {
  const attributes = decodeAttributes(hex('0600 0700 01020000'));
  assert.throws(() => attributes.u32(7), {
    message: 'Decode netlink attributes: attribute 7 has 2 bytes instead of 4',
  });
  assert.equal(attributes.u32(8), undefined);
  assert.equal(attributes.string(8), undefined);
  assert.equal(attributes.nested(8), undefined);
  assert.deepEqual(attributes.list(8), []);
  assert.equal(attributes.has(8), false);
});

test('Strings end at the first zero or at the end', () => {
  const attributes = decodeAttributes(hex('0800 0100 61620063  0600 0200 61620000  0400 0300'));
  assert.equal(attributes.string(1), 'ab');
  assert.equal(attributes.string(2), 'ab');
  assert.equal(attributes.string(3), '');
});

test('The last of two attributes of one type counts, a list keeps both', () => {
  const bytes = hex('1400 0180 0800 0100 01000000 0800 0100 02000000');
  assert.equal(decodeAttributes(bytes).nested(1)?.u32(1), 2);
  assert.deepEqual(
    decodeAttributes(bytes)
      .list(1)
      .map(({ data }) => data.readUInt32LE()),
    [1, 2],
  );
});
