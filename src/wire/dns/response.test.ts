import assert from 'node:assert/strict';
import { test } from 'node:test';
import dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { extendedErrors, responseCodes } from './constants.ts';
import { encodeName } from './name.ts';
import { parseQuery } from './query.ts';
import {
  addressRecord,
  anyRefusal,
  cnameRecord,
  encodeAddress,
  mapMessage,
  nsRecord,
  ptrRecord,
  type ResourceRecord,
  readRecord,
  soaRecord,
  srvRecord,
  txtRecord,
} from './records.ts';
import { encodeRejection, encodeResponse, type Response, type Transport } from './response.ts';
import { encodeReadyAnswer } from './sections.ts';

const udp: Transport = { kind: 'udp', maxUdpBytes: 1232 };
const tcp: Transport = { kind: 'tcp', maxUdpBytes: 1232 };
const name = 'web.default.svc.cluster.local';

function ask(options: { name?: string; edns?: number; type?: string } = {}): Buffer {
  const opt = { type: 'OPT', name: '.', udpPayloadSize: options.edns, flags: dnsPacket.DNSSEC_OK, options: [] };
  return dnsPacket.encode({
    type: 'query',
    id: 0x1234,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name: options.name ?? name, type: (options.type ?? 'A') as 'A', class: 'IN' }],
    ...(options.edns && { additionals: [opt as unknown as dnsPacket.OptAnswer] }),
  });
}

function respond(packet: Buffer, response: Partial<Response>, transport = udp) {
  const whole = { rcode: 0, authoritative: true, recursionAvailable: true, ...response };
  const bytes = encodeResponse(packet, parseQuery(packet)!, whole, transport);
  // dns-packet's types leave out what it decodes from the flags.
  return { bytes, decoded: dnsPacket.decode(bytes) as dnsPacket.DecodedPacket & { rcode: string; flag_tc: boolean } };
}

const addresses = (count: number): ResourceRecord[] =>
  Array.from({ length: count }, (_, index) =>
    addressRecord(encodeName(name), Uint8Array.of(10, 0, index >> 8, index & 255), 5),
  );
const ready = (answers: ResourceRecord[], additionals: ResourceRecord[] = []) =>
  encodeReadyAnswer(encodeName(name), answers, additionals);

test('an answer has these bytes', () => {
  const packet = ask({ name: 'wEb.default.svc.cluster.local' });
  const { bytes } = respond(packet, {
    answer: ready([addressRecord(encodeName(name), Uint8Array.of(10, 96, 0, 1), 5)]),
  });
  const expected = [
    '1234 8580 0001 0001 0000 0000',
    '03 774562 07 64656661756c74 03 737663 07 636c7573746572 05 6c6f63616c 00 0001 0001',
    'c00c 0001 0001 00000005 0004 0a600001',
  ];
  assert.equal(bytes.toString('hex'), expected.join('').replaceAll(' ', ''));
});

test('a rejection is a header and nothing else', () => {
  const packet = Buffer.from('abcd29100001000000000000', 'hex');
  assert.equal(encodeRejection(parseQuery(packet)!).toString('hex'), 'abcda9140000000000000000');
});

test('EDNS brings size, DO and the extended error; without it a client gets none of them', () => {
  const error = { code: extendedErrors.NotReady, text: 'not yet' };
  const { decoded } = respond(ask({ edns: 4096 }), { rcode: responseCodes.ServFail, error });
  const opt = decoded.additionals![0] as dnsPacket.OptAnswer & { udpPayloadSize: number };
  assert.equal(opt.udpPayloadSize, 1232);
  assert.equal(opt.flags, dnsPacket.DNSSEC_OK);
  const option = opt.options[0] as unknown as { code: number; data: Buffer };
  assert.equal(option.code, 15);
  assert.equal(option.data.toString('latin1'), '\x00\x0enot yet');
  assert.deepEqual(respond(ask(), { rcode: responseCodes.ServFail, error }).decoded.additionals, []);
});

test('BADVERS is split between the header and the OPT record', () => {
  const { bytes } = respond(ask({ edns: 1232 }), { rcode: responseCodes.BadVers });
  assert.equal(bytes[3]! & 0xf, 0);
  assert.equal(bytes[bytes.length - 6], 1);
});

test('what does not fit is left out whole, with TC when answers are missing', () => {
  const roomFor = (limit: number, opt: number) => Math.floor((limit - 12 - 35 - opt) / 16);
  const table: [string, Buffer, Transport, number, number, boolean][] = [
    ['512 bytes hold 29 addresses', ask(), udp, 29, 29, false],
    ['the 30th sets TC', ask(), udp, 30, roomFor(512, 0), true],
    ['EDNS 4096 is cut to what we send', ask({ edns: 4096 }), udp, 500, roomFor(1232, 11), true],
    ['EDNS 600', ask({ edns: 600 }), udp, 500, roomFor(600, 11), true],
    ['TCP takes them all', ask(), tcp, 500, 500, false],
    ['even TCP ends at 65535', ask(), tcp, 5000, roomFor(65_535, 0), true],
  ];
  for (const [title, packet, transport, given, expected, truncated] of table) {
    const { decoded } = respond(packet, { answer: ready(addresses(given)) }, transport);
    assert.equal(decoded.answers?.length, expected, title);
    assert.equal(decoded.flag_tc, truncated, title);
  }
});

test('additional records are left out silently, and before the client must ask again', () => {
  const target = encodeName(`db-0.${name}`);
  const srv = srvRecord(encodeName(name), { priority: 0, weight: 100, port: 80, target }, 5);
  const many = addresses(60).map((record) => ({ ...record, name: target }));
  const { bytes, decoded } = respond(ask({ type: 'SRV' }), { answer: ready([srv], many) });
  assert.equal(decoded.flag_tc, false);
  assert.equal(decoded.answers?.length, 1);
  assert.ok(decoded.additionals!.length > 10 && decoded.additionals!.length < 60);
  assert.ok(bytes.length <= 512);
});

test('a long explanation gives way to the records', () => {
  const error = { code: extendedErrors.Other, text: 'x'.repeat(600) };
  const { bytes, decoded } = respond(ask({ edns: 512 }), { answer: ready(addresses(20)), error });
  assert.equal(decoded.answers?.length, 20);
  assert.ok(bytes.length <= 512);
});

test('addresses take turns, cut or not', () => {
  const answer = ready(addresses(3));
  const first = () => (respond(ask(), { answer }).decoded.answers![0] as dnsPacket.StringAnswer).data;
  assert.deepEqual([first(), first(), first(), first()], ['10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.0']);
  const many = ready(addresses(40));
  const cut = Array.from({ length: 40 }, () => respond(ask(), { answer: many }).decoded.answers!);
  const given = new Set(cut.flat().map((record) => (record as dnsPacket.StringAnswer).data));
  assert.equal(given.size, 40, 'each of them comes first once');
});

test('every kind of record is read by dns-packet as it was meant', () => {
  const owner = encodeName(name);
  const target = encodeName('a.b.cluster.local');
  const soa = {
    primary: encodeName('ns.dns.cluster.local'),
    mailbox: encodeName('hostmaster.cluster.local'),
    serial: 4_000_000_000,
    refreshSeconds: 1,
    retrySeconds: 2,
    expireSeconds: 3,
    negativeTtlSeconds: 4,
  };
  const table: [ResourceRecord, unknown][] = [
    [addressRecord(owner, encodeAddress('192.0.2.1')!, 5), '192.0.2.1'],
    [addressRecord(owner, encodeAddress('2001:db8::1')!, 5), '2001:db8::1'],
    [
      srvRecord(owner, { priority: 1, weight: 2, port: 65_535, target }, 5),
      { priority: 1, weight: 2, port: 65_535, target: 'a.b.cluster.local' },
    ],
    [ptrRecord(owner, target, 5), 'a.b.cluster.local'],
    [cnameRecord(owner, target, 5), 'a.b.cluster.local'],
    [nsRecord(owner, target, 5), 'a.b.cluster.local'],
    [txtRecord(owner, '1.1.0', 5), [Buffer.from('1.1.0')]],
    [anyRefusal(owner, 5), { cpu: 'RFC8482', os: '' }],
    [
      soaRecord(owner, soa, 5),
      {
        mname: 'ns.dns.cluster.local',
        rname: 'hostmaster.cluster.local',
        serial: 4_000_000_000,
        refresh: 1,
        retry: 2,
        expire: 3,
        minimum: 4,
      },
    ],
  ];
  for (const [record, data] of table) {
    const { decoded } = respond(ask(), { answer: ready([record]) });
    assert.deepEqual((decoded.answers![0] as dnsPacket.StringAnswer).data, data);
    assert.equal(decoded.answers![0]!.name, name);
  }
});

test('records read back from a message are the records that were written', () => {
  const label = fc.stringMatching(/^[a-z0-9-]{1,12}$/);
  const wire = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => encodeName(labels.join('.')));
  const record: fc.Arbitrary<ResourceRecord> = fc.oneof(
    fc
      .tuple(wire, fc.uint8Array({ minLength: 4, maxLength: 4 }))
      .map(([owner, bytes]) => addressRecord(owner, bytes, 5)),
    fc
      .tuple(wire, fc.uint8Array({ minLength: 16, maxLength: 16 }))
      .map(([owner, bytes]) => addressRecord(owner, bytes, 5)),
    fc.tuple(wire, wire).map(([owner, target]) => ptrRecord(owner, target, 77)),
    fc.tuple(wire, wire).map(([owner, target]) => cnameRecord(owner, target, 0)),
    fc
      .tuple(wire, wire)
      .map(([owner, target]) => srvRecord(owner, { priority: 1, weight: 2, port: 3, target }, 4_294_967_295)),
  );
  const plain = (one: ResourceRecord) => ({ ...one, name: [...one.name], data: [...one.data] });
  fc.assert(
    fc.property(
      wire,
      fc.array(record, { maxLength: 20 }),
      fc.array(record, { maxLength: 5 }),
      (owner, answers, more) => {
        const question = Buffer.concat([
          Buffer.from('12340100000100000000 0000'.replace(' ', ''), 'hex'),
          owner,
          Buffer.from('00010001', 'hex'),
        ]);
        const answer = encodeReadyAnswer(owner, answers, more);
        const whole = { rcode: 0, authoritative: true, recursionAvailable: true, answer: { ...answer, turnBytes: 0 } };
        const message = encodeResponse(question, parseQuery(question)!, whole, tcp);
        const map = mapMessage(message);
        assert.deepEqual(
          map.answers.map((place) => plain(readRecord(message, place))),
          answers.map(plain),
        );
        assert.deepEqual(
          map.additionals.map((place) => plain(readRecord(message, place))),
          more.map(plain),
        );
        dnsPacket.decode(message);
      },
    ),
  );
});

test('addresses have these bytes', () => {
  assert.deepEqual(encodeAddress('10.96.0.1'), Uint8Array.of(10, 96, 0, 1));
  assert.deepEqual(
    encodeAddress('::1'),
    Uint8Array.from({ length: 16 }, (_, index) => Number(index === 15)),
  );
  for (const text of ['10.96.0', '10.96.0.256', '10.096.0.1', 'web', '', 'fd00::1::2']) {
    assert.equal(encodeAddress(text), undefined, text);
  }
});
