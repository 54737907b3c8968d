import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Attribute, decodeAttributeList, decodeAttributes } from './attributes.ts';
import { attributeLengthLimit } from './constants.ts';
import { AttributeWriter } from './writer.ts';

const cases: { name: string; write: (writer: AttributeWriter) => void; hex: string }[] = [
  { name: 'nothing', write: () => {}, hex: '' },
  { name: 'u8 is padded', write: (w) => w.putU8(1, 0xab), hex: '0500 0100 ab000000' },
  { name: 'u16 in host order', write: (w) => w.putU16(2, 0x1234), hex: '0600 0200 34120000' },
  { name: 'u16 in network order', write: (w) => w.putU16Be(2, 0x1234), hex: '0600 0200 12340000' },
  { name: 'u32 in host order', write: (w) => w.putU32(3, 0xdeadbeef), hex: '0800 0300 efbeadde' },
  { name: 'u32 in network order', write: (w) => w.putU32Be(3, 0xdeadbeef), hex: '0800 0300 deadbeef' },
  { name: 'a negative u32 (NFT_GOTO)', write: (w) => w.putU32Be(1, -4), hex: '0800 0100 fffffffc' },
  { name: 'u64 in host order', write: (w) => w.putU64(4, 0x0102n), hex: '0c00 0400 0201000000000000' },
  { name: 'u64 in network order', write: (w) => w.putU64Be(4, 0x0102n), hex: '0c00 0400 0000000000000102' },
  { name: 'flag', write: (w) => w.putFlag(5), hex: '0400 0500' },
  { name: 'string ends in zero', write: (w) => w.putString(6, 'abc'), hex: '0800 0600 61626300' },
  { name: 'empty string', write: (w) => w.putString(6, ''), hex: '0500 0600 00000000' },
  { name: 'string that is not ASCII', write: (w) => w.putString(6, 'aé'), hex: '0800 0600 61c3a900' },
  { name: 'bytes', write: (w) => w.putBytes(7, Buffer.from([1, 2, 3, 4, 5])), hex: '0900 0700 0102030405000000' },
  {
    name: 'bytes written piece by piece',
    write(w) {
      const start = w.begin(7);
      w.appendU32Be(0x0a000001);
      w.appendU16Be(80);
      w.appendZeros(2);
      w.appendU8(6);
      w.end(start);
    },
    hex: '0d00 0700 0a000001 0050 0000 06000000',
  },
  {
    name: 'nested in nested',
    write: (w) => w.nested(1, (outer) => outer.nested(2, (inner) => inner.putU8(3, 9))),
    hex: '1000 0180 0c00 0280 0500 0300 09000000',
  },
  { name: 'empty nested', write: (w) => w.nested(1, () => {}), hex: '0400 0180' },
];

for (const { name, write, hex } of cases) {
  test(`Attribute bytes: ${name}`, () => {
    const writer = new AttributeWriter();
    write(writer);
    assert.equal(writer.written().toString('hex'), hex.replaceAll(' ', ''));
  });
}

test('An attribute of the greatest length is written, one byte more is refused', () => {
  const payload = Buffer.alloc(attributeLengthLimit - 4, 1);
  const writer = new AttributeWriter();
  writer.putBytes(1, payload);
  assert.deepEqual(decodeAttributes(writer.written()).bytes(1), payload);
  assert.throws(() => new AttributeWriter().putBytes(1, Buffer.alloc(attributeLengthLimit - 3)), /longer than nla_len/);
  const nested = new AttributeWriter();
  const start = nested.beginNested(1);
  nested.appendZeros(attributeLengthLimit - 3);
  assert.throws(() => nested.end(start), /longer than nla_len/);
});

test('Padding is zero after a text that turned out not to be ASCII was taken back', () => {
  const writer = new AttributeWriter();
  writer.appendText('xxxxxxxx\u00e9');
  writer.appendZeros(4);
  assert.equal(writer.written().toString('latin1'), `xxxxxxxx\u00c3\u00a9\0\0\0\0`);
});

interface Tree {
  type: number;
  children?: Tree[];
  data?: Uint8Array;
}

const plain = { noNullPrototype: true };

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.record({ type: fc.integer({ min: 1, max: 0x3fff }), data: fc.uint8Array({ maxLength: 100 }) }, plain),
    fc.record({ type: fc.integer({ min: 1, max: 0x3fff }), children: fc.array(tie('tree'), { maxLength: 4 }) }, plain),
  ),
}));

function write(writer: AttributeWriter, trees: readonly Tree[]): void {
  for (const { type, data, children } of trees) {
    if (data) writer.putBytes(type, data);
    else writer.nested(type, (inner) => write(inner, children ?? []));
  }
}

const read = (attributes: readonly Attribute[]): Tree[] =>
  attributes.map(({ type, nested, data }) =>
    nested ? { type, children: read(decodeAttributeList(data)) } : { type, data: new Uint8Array(data) },
  );

test('Whatever is written is read back, at every depth, from a buffer that had to grow', () => {
  fc.assert(
    fc.property(fc.array(tree, { maxLength: 8 }), (trees) => {
      const writer = new AttributeWriter(64);
      write(writer, trees);
      assert.equal(writer.length % 4, 0);
      assert.deepEqual(read(decodeAttributeList(writer.written())), trees);
    }),
  );
});

test('Random bytes are either refused as malformed or survive decoding, encoding and decoding', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      let first: Attribute[];
      try {
        first = decodeAttributeList(Buffer.from(bytes));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'malformed');
        return;
      }
      const writer = new AttributeWriter();
      for (const { type, nested, networkOrder, data } of first) {
        writer.putBytes(type | (nested ? 0x8000 : 0) | (networkOrder ? 0x4000 : 0), data);
      }
      assert.deepEqual(decodeAttributeList(writer.written()), first);
    }),
    { numRuns: 500 },
  );
});
