import assert from 'node:assert/strict';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import { MalformedMessageError } from './errors.ts';
import { encodeName } from './name.ts';
import { parseQuery } from './query.ts';
import { answersQuestion, encodeRelayed, encodeUpstreamQuery, readUpstreamAnswer } from './relay.ts';
import type { Transport } from './response.ts';

const udp: Transport = { kind: 'udp', maxUdpBytes: 1232 };
const question = Buffer.concat([encodeName('www.example.com'), Buffer.from('00010001', 'hex')]);
const opt = { type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] } as unknown as dnsPacket.OptAnswer;

function upstreamAnswer(shape: Partial<dnsPacket.Packet> & { count?: number } = {}): Buffer {
  const { count = 1, ...rest } = shape;
  return dnsPacket.encode({
    type: 'response',
    id: 77,
    flags: dnsPacket.RECURSION_AVAILABLE | dnsPacket.AUTHENTIC_DATA,
    questions: [{ name: 'www.example.com', type: 'A', class: 'IN' }],
    answers: Array.from({ length: count }, (_, index) => ({
      name: 'www.example.com',
      type: 'A' as const,
      ttl: 60,
      class: 'IN' as const,
      data: `192.0.2.${index}`,
    })),
    additionals: [opt],
    ...rest,
  });
}

function clientQuery(options: { edns?: number; flags?: number } = {}): Buffer {
  const own = { ...opt, udpPayloadSize: options.edns } as unknown as dnsPacket.OptAnswer;
  return dnsPacket.encode({
    type: 'query',
    id: 4711,
    flags: options.flags ?? dnsPacket.RECURSION_DESIRED,
    questions: [{ name: 'WWW.Example.com', type: 'A', class: 'IN' }],
    ...(options.edns && { additionals: [own] }),
  });
}

const relay = (packet: Buffer, message: Buffer, transport = udp) => {
  const bytes = encodeRelayed(packet, parseQuery(packet)!, readUpstreamAnswer(message), transport);
  return { bytes, decoded: dnsPacket.decode(bytes) as dnsPacket.DecodedPacket & Record<string, unknown> };
};

test('a question goes out with our id, the flags that travel, and EDNS of our own', () => {
  const flags = 0x0100 | 0x0010 | 0x7800 | 0x8000;
  const packet = encodeUpstreamQuery({ question, flags, dnssecOk: true }, 0xbeef, {
    withEdns: true,
    payloadBytes: 1232,
  });
  assert.equal(
    packet.toString('hex'),
    `beef0110000100000000000103777777076578616d706c6503636f6d00000100010000290 4d0000080000000`.replace(' ', ''),
  );
  const plain = encodeUpstreamQuery({ question, flags, dnssecOk: true }, 1, { withEdns: false, payloadBytes: 1232 });
  assert.equal(plain.length, 12 + question.length);
});

test('only an answer to this question with this id counts', () => {
  const answer = upstreamAnswer();
  const changed = (at: number, value: number) => Buffer.from(answer).fill(value, at, at + 1);
  const table: [string, Uint8Array, boolean][] = [
    ['the answer', answer, true],
    ['the name in another case', changed(13, 0x57), true],
    ['another id', changed(1, 78), false],
    ['a query', changed(2, 0x01), false],
    ['another opcode', changed(2, 0x88), false],
    ['another name', changed(13, 0x78), false],
    ['another type', changed(12 + question.length - 3, 28), false],
    ['another class', changed(12 + question.length - 1, 3), false],
    ['two questions', changed(5, 2), false],
    ['cut in the question', answer.subarray(0, 20), false],
    ['no bytes', answer.subarray(0, 0), false],
    ['a bare FORMERR', Buffer.from('004d80010000000000000000', 'hex'), true],
    ['a bare NOERROR', Buffer.from('004d80000000000000000000', 'hex'), false],
  ];
  for (const [title, message, expected] of table) assert.equal(answersQuestion(message, 77, question), expected, title);
});

test('the OPT record stays between the resolver and us', () => {
  const read = readUpstreamAnswer(upstreamAnswer());
  assert.equal(read.hadEdns, true);
  assert.deepEqual(dnsPacket.decode(Buffer.from(read.message)).additionals, []);
  const host = { name: 'ns.example.com', type: 'A', ttl: 60, class: 'IN', data: '192.0.2.9' } as const;
  const behind = readUpstreamAnswer(upstreamAnswer({ additionals: [host, opt] }));
  assert.equal(dnsPacket.decode(Buffer.from(behind.message)).additionals?.length, 1);
  const before = readUpstreamAnswer(upstreamAnswer({ additionals: [opt, host] }));
  assert.equal(dnsPacket.decode(Buffer.from(before.message)).additionals?.length, 0, 'what follows it goes with it');
});

test('malformed answers are refused', () => {
  const answer = upstreamAnswer();
  for (let length = 12 + question.length; length < answer.length; length++) {
    assert.throws(() => readUpstreamAnswer(answer.subarray(0, length)), MalformedMessageError, `cut to ${length}`);
  }
});

test('the client sees its id, its spelling and its flags', () => {
  const { decoded } = relay(clientQuery(), upstreamAnswer());
  assert.equal(decoded.id, 4711);
  assert.equal(decoded.questions?.[0]?.name, 'WWW.Example.com');
  assert.equal(decoded.answers?.length, 1);
  assert.deepEqual(decoded.additionals, []);
  assert.equal(decoded.flag_ra, true);
  assert.equal(decoded.flag_aa, false);
  assert.equal(decoded.flag_ad, false, 'not asked for');
  const asked = relay(clientQuery({ flags: dnsPacket.RECURSION_DESIRED | dnsPacket.AUTHENTIC_DATA }), upstreamAnswer());
  assert.equal(asked.decoded.flag_ad, true);
});

test('an answer is cut to what the client takes', () => {
  const table: [Buffer, number, number, boolean][] = [
    [clientQuery(), 10, 512, false],
    [clientQuery(), 100, 512, true],
    [clientQuery({ edns: 1232 }), 100, 1232, true],
    [clientQuery({ edns: 4096 }), 30, 1232, false],
  ];
  for (const [packet, count, limit, truncated] of table) {
    const { bytes, decoded } = relay(packet, upstreamAnswer({ count }));
    assert.ok(bytes.length <= limit);
    assert.equal(decoded.flag_tc, truncated);
    assert.equal(decoded.answers!.length === count, !truncated);
  }
});

test('a bare refusal becomes an answer to the question', () => {
  const { decoded } = relay(clientQuery({ edns: 1232 }), Buffer.from('004d80010000000000000000', 'hex'));
  assert.equal(decoded.rcode, 'FORMERR');
  assert.equal(decoded.questions?.length, 1);
  assert.equal(decoded.additionals?.length, 1);
});
