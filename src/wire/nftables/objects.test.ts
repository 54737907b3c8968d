import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AttributeWriter, MalformedError } from '../netlink/mod.ts';
import { decodeElements, encodeElement } from './elements.ts';
import type { Expression } from './expressions.ts';
import {
  type Chain,
  decodeChain,
  decodeRule,
  decodeSet,
  decodeTable,
  encodeChain,
  encodeRule,
  encodeSet,
  encodeTable,
  type SetDefinition,
} from './objects.ts';
import { encodeSetNotes } from './set-notes.ts';
import { formatExpression } from './text.ts';

/** A message's payload: struct nfgenmsg and what `fill` writes. */
function payload(fill: (writer: AttributeWriter) => void): Buffer {
  const writer = new AttributeWriter();
  writer.appendU32(2);
  fill(writer);
  return Buffer.from(writer.written());
}

const attributesHex = (fill: (writer: AttributeWriter) => void) => payload(fill).subarray(4).toString('hex');
const spaced = (text: string) => text.replaceAll(/\s/g, '');

/** Each expression, the bytes of its NFTA_EXPR_DATA, and how it reads. Bytes as libnftnl writes them. */
const expressions: [Expression, name: string, data: string, text: string][] = [
  [
    { kind: 'payload', base: 'network', offset: 16, length: 4, register: 8 },
    'payload',
    '08000100 00000008 08000200 00000001 08000300 00000010 08000400 00000004',
    'reg 8 = 4b of network header at 16',
  ],
  [
    { kind: 'meta', key: 'l4proto', register: 9 },
    'meta',
    '08000100 00000009 08000200 00000010',
    'reg 9 = meta l4proto',
  ],
  [{ kind: 'meta-set', key: 'mark', source: 8 }, 'meta', '08000200 00000003 08000300 00000008', 'meta mark = reg 8'],
  [{ kind: 'conntrack', key: 'state', register: 8 }, 'ct', '08000100 00000008 08000200 00000000', 'reg 8 = ct state'],
  [
    { kind: 'fib-daddr-type', register: 8 },
    'fib',
    '08000100 00000008 08000200 00000003 08000300 00000002',
    'reg 8 = fib daddr type',
  ],
  [
    { kind: 'fib-saddr-type', register: 8 },
    'fib',
    '08000100 00000008 08000200 00000003 08000300 00000001',
    'reg 8 = fib saddr type',
  ],
  [
    { kind: 'immediate', register: 14, value: '00000000' },
    'immediate',
    '08000100 0000000e 0c000280 08000100 00000000',
    'reg 14 = 0x00000000',
  ],
  [
    { kind: 'verdict', verdict: { kind: 'goto', chain: 'pick' } },
    'immediate',
    '08000100 00000000 1c000280 18000280 08000100 fffffffc 09000200 7069636b00 000000',
    'goto pick',
  ],
  [
    { kind: 'verdict', verdict: { kind: 'drop' } },
    'immediate',
    '08000100 00000000 10000280 0c000280 08000100 00000000',
    'drop',
  ],
  [
    { kind: 'bitwise', source: 8, register: 8, mask: 'ffff0000', xor: '00000000' },
    'bitwise',
    '08000100 00000008 08000200 00000008 08000300 00000004 0c000480 08000100 ffff0000 0c000580 08000100 00000000',
    'reg 8 = reg 8 & 0xffff0000 ^ 0x00000000',
  ],
  [
    { kind: 'compare', source: 8, operator: '!=', value: '06' },
    'cmp',
    '08000100 00000008 08000200 00000001 0c000380 05000100 06000000',
    'reg 8 != 0x06',
  ],
  [{ kind: 'lookup', set: 'ips', source: 8 }, 'lookup', '08000100 69707300 08000200 00000008', 'reg 8 in @ips'],
  [
    { kind: 'lookup', set: 'ips', source: 8, register: 12 },
    'lookup',
    '08000100 69707300 08000200 00000008 08000300 0000000c',
    'reg 12 = value of reg 8 in @ips',
  ],
  [
    { kind: 'lookup', set: 'ips', source: 12, register: 'verdict' },
    'lookup',
    '08000100 69707300 08000200 0000000c 08000300 00000000',
    'verdict of reg 12 in @ips',
  ],
  [
    { kind: 'lookup', set: 'ips', source: 8, inverted: true },
    'lookup',
    '08000100 69707300 08000200 00000008 08000500 00000001',
    'reg 8 not in @ips',
  ],
  [
    { kind: 'random', modulus: 3, register: 14 },
    'numgen',
    '08000100 0000000e 08000200 00000003 08000300 00000001 08000400 00000000',
    'reg 14 = random mod 3',
  ],
  [
    { kind: 'random', modulus: 1, offset: 5, register: 14 },
    'numgen',
    '08000100 0000000e 08000200 00000001 08000300 00000001 08000400 00000005',
    'reg 14 = random mod 1 offset 5',
  ],
  [
    { kind: 'dynamic', operation: 'update', set: 'ips', source: 8, timeoutMs: 10_000 },
    'dynset',
    '08000100 69707300 08000300 00000001 08000400 00000008 0c000600 0000000000002710',
    'update reg 8 in @ips for 10000 ms',
  ],
  [
    { kind: 'dynamic', operation: 'delete', set: 'ips', source: 8 },
    'dynset',
    '08000100 69707300 08000300 00000002 08000400 00000008',
    'delete reg 8 in @ips',
  ],
  [
    { kind: 'dnat', family: 2, address: 16, port: 17 },
    'nat',
    '08000100 00000001 08000200 00000002 08000300 00000010 08000500 00000011',
    'dnat to reg 16 port reg 17',
  ],
  [{ kind: 'masquerade', flags: 16 }, 'masq', '08000100 00000010', 'masquerade flags 0x10'],
  [{ kind: 'reject', with: 'tcp-reset' }, 'reject', '08000100 00000001', 'reject with tcp reset'],
  [
    { kind: 'reject', with: 'icmp', code: 3 },
    'reject',
    '08000100 00000000 05000200 03000000',
    'reject with icmp code 3',
  ],
];

for (const [expression, name, data, text] of expressions) {
  test(`Expression: ${text}`, () => {
    const encoded = payload((writer) => encodeRule(writer, 't', { chain: 'c', expressions: [expression] }));
    const nameHex = Buffer.from(`${name}\0`).toString('hex');
    assert.ok(encoded.toString('hex').includes(nameHex));
    assert.ok(encoded.toString('hex').endsWith(spaced(data)), encoded.toString('hex'));
    assert.deepEqual(decodeRule(encoded), { table: 't', chain: 'c', expressions: [expression] });
    assert.equal(formatExpression(expression), text);
  });
}

test('The kernel’s 16-byte register names read as the 4-byte ones', () => {
  // NFT_REG_1 to NFT_REG_4 are where NFT_REG32_00, 04, 08 and 12 start.
  for (const [said, meant] of [
    [1, 8],
    [2, 12],
    [3, 16],
    [4, 20],
    [9, 9],
  ] as const) {
    const encoded = payload((writer) =>
      encodeRule(writer, 't', { chain: 'c', expressions: [{ kind: 'meta', key: 'mark', register: said }] }),
    );
    assert.deepEqual(decodeRule(encoded).expressions, [{ kind: 'meta', key: 'mark', register: meant }]);
  }
});

test('An expression that we do not write is named, not guessed at', () => {
  const encoded = payload((writer) => encodeRule(writer, 't', { chain: 'c', expressions: [expressions[0]![0]] }));
  const renamed = Buffer.from(encoded.toString('latin1').replace('payload', 'paXload'), 'latin1');
  assert.deepEqual(decodeRule(renamed).expressions, [{ kind: 'foreign', name: 'paXload' }]);
  assert.throws(() =>
    payload((w) => encodeRule(w, 't', { chain: 'c', expressions: [{ kind: 'foreign', name: 'x' }] })),
  );
});

test('Table: the name, and the comment where nft keeps it', () => {
  const table = { name: 't', comment: 'hi' };
  assert.equal(
    attributesHex((w) => encodeTable(w, table)),
    spaced('0600 0100 7400 0000  0900 0600 00 03 686900 000000'),
  );
  assert.deepEqual(decodeTable(payload((w) => encodeTable(w, table))), table);
  assert.deepEqual(decodeTable(payload((w) => encodeTable(w, { name: 't' }))), { name: 't' });
});

test('Chain: with a hook, type and signed priority, or without', () => {
  const base: Chain = { name: 'c', base: { type: 'nat', hook: 'output', priority: -100 } };
  assert.equal(
    attributesHex((w) => encodeChain(w, 't', base)),
    spaced(
      '0600 0100 7400 0000  0600 0300 6300 0000  1400 0480 08000100 00000003 08000200 ffffff9c  0800 0700 6e617400',
    ),
  );
  assert.deepEqual(decodeChain(payload((w) => encodeChain(w, 't', base))), { table: 't', ...base });
  assert.deepEqual(decodeChain(payload((w) => encodeChain(w, 't', { name: 'c' }))), { table: 't', name: 'c' });
});

test('Set: a plain one, a map, a map to verdicts, one with notes, one that packets fill', () => {
  const sets: SetDefinition[] = [
    { name: 's', keyType: 7, keyLength: 4 },
    { name: 's', keyType: 7, keyLength: 4, data: { type: 13, length: 8 } },
    { name: 's', keyType: 7, keyLength: 4, data: 'verdict' },
    { name: 's', keyType: 7, keyLength: 4, notes: '0703616200' },
    { name: 's', keyType: 7, keyLength: 4, dynamic: { size: 1000 } },
  ];
  for (const set of sets) assert.deepEqual(decodeSet(payload((w) => encodeSet(w, 't', set, 1))), { table: 't', set });
  assert.equal(
    attributesHex((w) => encodeSet(w, 't', sets[2]!, 5)),
    spaced(`0600 0100 7400 0000  0600 0200 7300 0000  0800 0300 00000008  0800 0400 00000007  0800 0500 00000004
      0800 0600 ffffff00  0800 0a00 00000005`),
  );
});

/** As nft 1.0.6 writes it for `map … { typeof ip daddr . meta l4proto . th dport . numgen random mod 2 : ip daddr . th dport }`. */
test('The notes of a set are those that nft itself makes', () => {
  assert.equal(encodeSetNotes({ comment: 'abc' }).toString('hex'), spaced('07 04 61626300'));
  const types = {
    key: ['ip daddr', 'meta l4proto', 'th dport', 'numgen random mod 2'],
    data: ['ip daddr', 'th dport'],
  } as const;
  assert.equal(
    encodeSetNotes({ typeof: types }).toString('hex'),
    spaced(`03 60 00040d000000 01 58
      00 14 000407000000 01 0c 00040c000000 01040c000000
      01 0e 000409000000 01 06 000410000000
      02 14 000407000000 01 0c 00040b000000 010402000000
      03 1a 000417000000 01 12 000401000000 010402000000 020400000000
      04 34 00040d000000 01 2c
      00 14 000407000000 01 0c 00040c000000 01040c000000
      01 14 000407000000 01 0c 00040b000000 010402000000`),
  );
});

test('Element: any key and data come back as they went', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 64 }).map((array) => Buffer.from(array));
  const data = fc.oneof(fc.constant(undefined), bytes, fc.constant({ kind: 'jump', chain: 'c' } as const));
  fc.assert(
    fc.property(bytes, data, (key, value) => {
      const element = value === undefined ? { key } : { key, data: value };
      const encoded = payload((writer) => {
        writer.putString(2, 'map');
        writer.nested(3, () => writer.nested(1, () => encodeElement(writer, element)));
      });
      const seen: unknown[] = [];
      decodeElements(encoded, (set, one) => seen.push([set, one]));
      assert.deepEqual(seen, [['map', element]]);
    }),
  );
});

test('Bytes that are no message are refused, never misread or run past', () => {
  const decoders = [
    decodeTable,
    decodeChain,
    decodeRule,
    decodeSet,
    (bytes: Buffer) => decodeElements(bytes, () => {}),
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (array) => {
      for (const decode of decoders) {
        try {
          decode(Buffer.from(array));
        } catch (error) {
          assert.ok(error instanceof MalformedError, String(error));
        }
      }
    }),
    { numRuns: 2000 },
  );
});
