import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeMessages, encodeMessage, MalformedError, MessageBatch, type NetlinkMessage } from '../netlink/mod.ts';
import { formatIp } from '../rtnetlink/mod.ts';
import {
  decodeFlow,
  decodeFlowCount,
  encodeAddFlow,
  encodeCountFlows,
  encodeDeleteFlow,
  encodeDeleteFlows,
  encodeDumpFlows,
  encodeGetFlow,
  Family,
  type Flow,
  type FlowFilter,
  IpProtocol,
  matchesFilter,
} from './mod.ts';

function encoded(encode: (batch: MessageBatch) => void): NetlinkMessage {
  const batch = new MessageBatch();
  encode(batch);
  return decodeMessages(batch.finish())[0]!;
}

const plain = (hex: string) => hex.replaceAll(/\s/g, '');
const message = (hex: string): NetlinkMessage =>
  decodeMessages(
    encodeMessage({ type: 0x100, flags: 2, sequence: 1, portId: 1, payload: Buffer.from(plain(hex), 'hex') }),
  )[0]!;

const dns: Flow = {
  family: Family.ipv4,
  original: {
    source: '10.1.0.2',
    destination: '10.96.0.10',
    protocol: IpProtocol.udp,
    sourcePort: 4660,
    destinationPort: 53,
  },
  reply: {
    source: '10.244.0.3',
    destination: '10.1.0.2',
    protocol: IpProtocol.udp,
    sourcePort: 5353,
    destinationPort: 4660,
  },
  status: 0x1a8,
  timeoutSeconds: 30,
  id: 0x01020304,
};
const original = `3400 0180  1400 0180  0800 0100 0a010002  0800 0200 0a60000a
  1c00 0280  0500 0100 11000000  0600 0200 12340000  0600 0300 00350000`;

const filter: FlowFilter = {
  family: Family.ipv4,
  original: { destination: '10.96.0.10', protocol: IpProtocol.udp, destinationPort: 53 },
  reply: { source: '10.244.0.3' },
};
const filterBytes = `02000000
  2400 0180  0c00 0180  0800 0200 0a60000a  1400 0280  0500 0100 11000000  0600 0300 00350000
  1000 0280  0c00 0180  0800 0100 0af40003
  1400 1980  0800 0100 2a000000  0800 0200 01000000`;

const requests: {
  name: string;
  encode: (batch: MessageBatch) => void;
  type: number;
  flags: number;
  payload: string;
}[] = [
  {
    name: 'one flow asked for',
    encode: (batch) => encodeGetFlow(batch, dns),
    type: 0x101,
    flags: 0x1,
    payload: `02000000 ${original}`,
  },
  {
    name: 'one flow deleted, in a zone',
    encode: (batch) => encodeDeleteFlow(batch, { ...dns, zone: 7 }),
    type: 0x102,
    flags: 0x1,
    payload: `02000000 ${original}  0600 1200 00070000  0800 0c00 01020304`,
  },
  {
    name: 'flows listed by a filter',
    encode: (batch) => encodeDumpFlows(batch, filter),
    type: 0x101,
    flags: 0x301,
    payload: filterBytes,
  },
  {
    name: 'flows deleted by a filter',
    encode: (batch) => encodeDeleteFlows(batch, filter),
    type: 0x102,
    flags: 0x1,
    payload: filterBytes,
  },
  {
    name: 'flows listed by status, mark and zone',
    encode: (batch) =>
      encodeDumpFlows(batch, {
        family: Family.ipv6,
        status: { value: 0, mask: 0x20 },
        mark: { value: 1, mask: 3 },
        zone: 9,
      }),
    type: 0x101,
    flags: 0x301,
    payload: `0a000000 0800 0300 00000000  0800 1a00 00000020  0800 0800 00000001  0800 1500 00000003  0600 1200 00090000`,
  },
  {
    name: 'IPv6 addresses of a tuple',
    encode: (batch) =>
      encodeDumpFlows(batch, { family: Family.ipv6, reply: { source: 'fd00::1', destination: 'fd00::2' } }),
    type: 0x101,
    flags: 0x301,
    payload: `0a000000 3000 0280 2c00 0180 1400 0300 fd000000000000000000000000000001 1400 0400 fd000000000000000000000000000002
      0c00 1980 0800 0200 03000000`,
  },
];

for (const { name, encode, type, flags, payload } of requests) {
  test(`Bytes of ${name}`, () => {
    const sent = encoded(encode);
    assert.equal(sent.payload.toString('hex'), plain(payload));
    assert.deepEqual([sent.type, sent.flags], [type, flags]);
  });
}

test('A flow as the kernel lists it', () => {
  const listed = `02000000 ${original}
    3400 0280  1400 0180  0800 0100 0af40003  0800 0200 0a010002
    1c00 0280  0500 0100 11000000  0600 0200 14e90000  0600 0300 12340000
    0800 0300 000001a8  0800 0700 0000001e  0800 0800 00000000  0800 0c00 01020304  0800 0b00 00000001`;
  assert.deepEqual(decodeFlow(message(listed)), { ...dns, mark: 0 });
});

test('A protocol without ports has a tuple without them', () => {
  const icmp = original
    .replace('1c00 0280', '0c00 0280')
    .replace('11000000  0600 0200 12340000  0600 0300 00350000', '01000000')
    .replace('3400 0180', '2400 0180');
  const { original: tuple } = decodeFlow(message(`02000000 ${icmp} ${icmp.replace('2400 0180', '2400 0280')}`));
  assert.deepEqual(tuple, { source: '10.1.0.2', destination: '10.96.0.10', protocol: 1 });
});

const malformed: Record<string, string> = {
  'without a header': '0200',
  'of a strange family': `07000000 ${original} ${original.replace('3400 0180', '3400 0280')}`,
  'without tuples': '02000000',
  'without a reply': `02000000 ${original}`,
  'without addresses': `02000000 1000 0180 0c00 0280 0500 0100 11000000`,
  'with a length past the end': '02000000 ff00 0180 1400 0180',
  'with a port of four bytes': `02000000 ${original.replace('0600 0200 12340000', '0800 0200 00001234')}`,
};
for (const [what, hex] of Object.entries(malformed)) {
  test(`A flow ${what} is refused`, () => assert.throws(() => decodeFlow(message(hex)), MalformedError));
}

test('Random bytes decode or are called malformed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      try {
        decodeFlow({ type: 0x100, flags: 0, sequence: 1, portId: 0, payload: Buffer.from(bytes) });
      } catch (error) {
        assert.ok(error instanceof MalformedError);
      }
    }),
  );
});

const number = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
const addressOf = (family: Family) =>
  fc
    .uint8Array({ minLength: family === Family.ipv4 ? 4 : 16, maxLength: family === Family.ipv4 ? 4 : 16 })
    .map(formatIp);
const tupleOf = (family: Family) =>
  fc.record(
    {
      source: addressOf(family),
      destination: addressOf(family),
      protocol: fc.constantFrom(...Object.values(IpProtocol)),
      sourcePort: number(16),
      destinationPort: number(16),
    },
    { noNullPrototype: true },
  );
const flows: fc.Arbitrary<Flow> = fc.constantFrom(...Object.values(Family)).chain((family) =>
  fc.record(
    {
      family: fc.constant(family),
      original: tupleOf(family),
      reply: tupleOf(family),
      status: number(32),
      timeoutSeconds: number(32),
      mark: number(32),
      zone: number(16),
    },
    { requiredKeys: ['family', 'original', 'reply', 'status', 'timeoutSeconds'], noNullPrototype: true },
  ),
);

test('A flow that is written is read as it was', () => {
  fc.assert(
    fc.property(flows, (flow) => assert.deepEqual(decodeFlow(encoded((batch) => encodeAddFlow(batch, flow))), flow)),
  );
});

test('A filter made of a flow’s parts lets it pass, and no flow that differs in one', () => {
  fc.assert(
    fc.property(
      flows,
      fc.subarray(['source', 'destination', 'sourcePort', 'destinationPort'] as const),
      (flow, parts) => {
        const pick = Object.fromEntries(['protocol' as const, ...parts].map((part) => [part, flow.original[part]]));
        const filter = { family: flow.family, original: pick, status: { value: flow.status, mask: 0xffffffff } };
        assert.ok(matchesFilter(filter, flow));
        assert.ok(!matchesFilter(filter, { ...flow, status: (flow.status ^ 8) >>> 0 }));
        for (const part of parts) {
          const other = {
            ...flow,
            original: { ...flow.original, [part]: part.endsWith('Port') ? flow.original.sourcePort! ^ 0x10000 : 'x' },
          };
          assert.ok(!matchesFilter(filter, other));
        }
      },
    ),
  );
});

test('Ports without a protocol and deletions without any address are mistakes of ours', () => {
  const without = { family: Family.ipv4, original: { destinationPort: 53 } };
  assert.throws(() => encoded((batch) => encodeDumpFlows(batch, without)), /names their protocol/);
  assert.throws(() => encoded((batch) => encodeDeleteFlows(batch, { family: Family.ipv4 })), /would empty the table/);
});

test('The number of flows is asked for and read', () => {
  const asked = encoded(encodeCountFlows);
  assert.deepEqual([asked.type, asked.payload.toString('hex')], [0x105, '00000000']);
  assert.equal(decodeFlowCount(message('00000000 0800 0100 0001e240')), 123_456);
  assert.throws(() => decodeFlowCount(message('00000000')), MalformedError);
});
