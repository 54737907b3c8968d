import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import dnsPacket, { type OptAnswer } from 'dns-packet';
import { TcpFrames, tcpFrame } from './tcp-frames.ts';
import { dig, withoutDig } from './testing/answer-table.ts';
import { clusterServer } from './testing/cluster-server.ts';
import { answerTo } from './testing/fake-upstream.ts';
import { clusterYaml } from './testing/fixture.ts';
import { type Decoded, decode, encodeQuestion, exchangeTcp, exchangeUdp } from './testing/stub-client.ts';

const web = 'web.default.svc.cluster.local';
const many = 'many.default.svc.cluster.local';

/** A headless Service with 300 endpoints beside the fixture: 4,800 bytes of A records. */
const manyYaml = `${clusterYaml}---
kind: Service
metadata: { namespace: default, name: many }
spec: { type: ClusterIP, clusterIP: None, ports: [{ name: p, port: 1, protocol: TCP }] }
---
kind: EndpointSlice
metadata: { namespace: default, name: many-1, labels: { kubernetes.io/service-name: many } }
ports: [{ name: p, port: 1, protocol: TCP }]
endpoints: [${Array.from({ length: 300 }, (_, index) => `{ addresses: [10.245.${index >> 8}.${index & 255}] }`).join(', ')}]
`;

interface Edns {
  readonly payloadBytes?: number;
  readonly flags?: number;
  readonly version?: number;
  readonly options?: readonly object[];
}

const optRecord = ({ payloadBytes = 1232, flags = 0, version = 0, options = [] }: Edns) =>
  ({
    type: 'OPT',
    name: '.',
    udpPayloadSize: payloadBytes,
    ednsVersion: version,
    flags,
    options,
  }) as unknown as OptAnswer;

const question = (name: string, type: string, edns?: Edns): Buffer =>
  dnsPacket.encode({
    type: 'query',
    id: 7,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name, type: type as 'A', class: 'IN' }],
    ...(edns && { additionals: [optRecord(edns)] }),
  });

const optOf = ({ additionals }: Decoded) =>
  additionals?.find((record): record is OptAnswer => record.type === 'OPT') as
    | (OptAnswer & { readonly ednsVersion: number; readonly extendedRcode: number; readonly flag_do: boolean })
    | undefined;

/** The same question over UDP and over TCP. */
async function bothWays(at: Parameters<typeof exchangeUdp>[0], packet: Buffer): Promise<[string, Buffer][]> {
  return [
    ['UDP', await exchangeUdp(at, packet)],
    ['TCP', (await exchangeTcp(at, packet))[0]!],
  ];
}

test('an answer is as large as its client takes it, and whole over TCP', { skip: withoutDig }, async (t) => {
  const { at } = await clusterServer(t, { yaml: manyYaml });
  const table: [string, Edns | undefined, number][] = [
    ['without EDNS', undefined, 512],
    ['EDNS 512', { payloadBytes: 512 }, 512],
    ['EDNS less than it may say', { payloadBytes: 100 }, 512],
    ['EDNS 900', { payloadBytes: 900 }, 900],
    ['EDNS more than passes a path in one piece', { payloadBytes: 65_535 }, 1232],
  ];
  for (const [title, edns, mostBytes] of table) {
    const [[, overUdp], [, overTcp]] = (await bothWays(at, question(many, 'A', edns))) as [
      [string, Buffer],
      [string, Buffer],
    ];
    assert.ok(overUdp.length <= mostBytes && overUdp.length > mostBytes - 16 - 17, `${title}: ${overUdp.length} bytes`);
    assert.equal(decode(overUdp).flag_tc, true, title);
    assert.equal(optOf(decode(overUdp))?.udpPayloadSize, edns && 1232, title);
    assert.equal(decode(overTcp).answers?.length, 300, title);
    assert.equal(decode(overTcp).flag_tc, false, title);
  }
  const cut = await dig(at, '+ignore', '+bufsize=700', many);
  assert.match(cut, /flags: qr aa tc rd ra;/);
  assert.match(cut, /MSG SIZE {2}rcvd: 6[7-9]\d\n|MSG SIZE {2}rcvd: 700\n/);
  const whole = await dig(at, many);
  assert.match(whole, /Truncated, retrying in TCP mode/);
  assert.match(whole, /ANSWER: 300,/);
});

test('DO comes back and changes nothing else: there are no signatures', { skip: withoutDig }, async (t) => {
  const { at } = await clusterServer(t);
  for (const name of [web, 'www.example.com', `gone.${web}`]) {
    for (const [way, message] of await bothWays(at, question(name, 'A', { flags: dnsPacket.DNSSEC_OK }))) {
      const answer = decode(message);
      assert.equal(optOf(answer)?.flag_do, true, `${name} ${way}`);
      const types = [...(answer.answers ?? []), ...(answer.authorities ?? [])].map(({ type }) => type);
      assert.ok(
        types.every((type) => type === 'A' || type === 'SOA'),
        `${name} ${way}: ${types}`,
      );
    }
  }
  const printed = await dig(at, '+dnssec', web);
  assert.match(printed, /EDNS: version: 0, flags: do; udp: 1232/);
  assert.match(printed, /status: NOERROR.*\n;; flags: qr aa rd ra;/);
});

test('options that are unknown here are passed over, none comes back', { skip: withoutDig }, async (t) => {
  const { at } = await clusterServer(t);
  const options = [
    { code: 3, data: Buffer.alloc(0) },
    { code: 8, data: Buffer.from('000118000a0102', 'hex') },
    { code: 10, data: Buffer.from('0123456789abcdef', 'hex') },
    { code: 12, data: Buffer.alloc(100) },
    { code: 65_001, data: Buffer.from('ff', 'hex') },
  ];
  for (const [way, message] of await bothWays(at, question(web, 'A', { options }))) {
    const answer = decode(message);
    assert.equal(answer.answers?.length, 1, way);
    assert.deepEqual(optOf(answer)?.options, [], way);
  }
  const printed = await dig(
    at,
    '+nsid',
    '+subnet=192.0.2.0/24',
    '+cookie=0123456789abcdef',
    '+ednsopt=65001:ff',
    '+nocmd',
    web,
  );
  assert.match(printed, /status: NOERROR/);
  assert.match(printed, /\nweb\.default\.svc\.cluster\.local\. 5\s+IN\s+A\s+10\.96\.1\.1\n/);
  assert.doesNotMatch(printed, /NSID|CLIENT-SUBNET|OPT=65001|malformed/i);
});

test('another version of EDNS gets BADVERS and ours (RFC 6891)', { skip: withoutDig }, async (t) => {
  const { at } = await clusterServer(t);
  for (const [way, message] of await bothWays(at, question(web, 'A', { version: 1 }))) {
    const answer = decode(message);
    const opt = optOf(answer);
    assert.deepEqual([answer.rcode, opt?.extendedRcode, opt?.ednsVersion], ['NOERROR', 1, 0], way);
    assert.deepEqual(answer.answers, [], way);
  }
  assert.match(await dig(at, '+edns=1', '+noednsnegotiation', web), /status: BADVERS,[\s\S]*EDNS: version: 0/);
});

/** Header fields and question of a query as bytes, for what no library would write. */
const raw = (flags: string, type: string, klass: string) =>
  Buffer.from(`0007${flags}00010000000000000377777707657861${'6d706c65'}03636f6d00${type}${klass}`, 'hex');

test('opcodes, classes and types that are not served are refused in so many words (RFC 8906)', {
  skip: withoutDig,
}, async (t) => {
  const { at } = await clusterServer(t);
  const table: [string, Buffer, string][] = [
    ['IQUERY', raw('0800', '0001', '0001'), 'NOTIMP'],
    ['STATUS', raw('1000', '0001', '0001'), 'NOTIMP'],
    ['NOTIFY', raw('2000', '0006', '0001'), 'NOTIMP'],
    ['UPDATE', raw('2800', '0006', '0001'), 'NOTIMP'],
    ['opcode 15', raw('7800', '0001', '0001'), 'NOTIMP'],
    ['class CHAOS', raw('0100', '0010', '0003'), 'REFUSED'],
    ['class HESIOD', raw('0100', '0001', '0004'), 'REFUSED'],
    ['class ANY', raw('0100', '0001', '00ff'), 'REFUSED'],
    ['TSIG', raw('0100', '00fa', '0001'), 'NOTIMP'],
    ['type 0', raw('0100', '0000', '0001'), 'FORMERR'],
    ['AXFR', raw('0100', '00fc', '0001'), 'REFUSED'],
    ['IXFR', raw('0100', '00fb', '0001'), 'REFUSED'],
  ];
  for (const [title, packet, rcode] of table) {
    for (const [way, message] of await bothWays(at, packet)) {
      assert.equal(decode(message).rcode, rcode, `${title} ${way}`);
      assert.equal(message.readUInt16BE(0), 7, `${title} ${way}`);
      assert.ok(message.length <= packet.length, `${title} ${way}: no larger than the question`);
    }
  }
  const asked: [string[], RegExp][] = [
    [['+opcode=2', web], /opcode: STATUS, status: NOTIMP/],
    [['+opcode=5', web], /opcode: UPDATE, status: NOTIMP/],
    [['-c', 'CH', 'version.bind', 'TXT'], /status: REFUSED/],
    [['-t', 'TYPE65280', web], /status: NOERROR,.*\n.*ANSWER: 0, AUTHORITY: 1/],
    [['+tcp', 'cluster.local', 'AXFR'], /Transfer failed/],
  ];
  for (const [words, wanted] of asked) assert.match(await dig(at, ...words), wanted, words.join(' '));
});

test('ANY is refused with one small record, also for what others would be asked about (RFC 8482)', {
  skip: withoutDig,
}, async (t) => {
  let asked = 0;
  const { at } = await clusterServer(t, { upstream: () => void asked++ });
  for (const name of [web, 'db.default.svc.cluster.local', 'www.example.com']) {
    for (const over of ['+notcp', '+tcp']) {
      const printed = await dig(at, over, name, 'ANY');
      assert.match(printed, /ANSWER: 1,/, `${name} ${over}`);
      assert.match(printed, /\sIN\s+HINFO\s+"RFC8482" ""/, `${name} ${over}`);
    }
  }
  assert.equal(asked, 0);
});

test('questions on one connection are answered as their answers come, not in their order (RFC 7766)', async (t) => {
  const names = ['slow.example', web, 'slower.example', 'db.default.svc.cluster.local', 'slowest.example'];
  const held: (() => void)[] = [];
  const order: number[] = [];
  let released = 0;
  // The last one that waits for the resolver is let go first, the next one when that answer has come.
  const letGo = () => {
    if (held.length < 3 || order.length !== 2 + released || released === 3) return;
    held[2 - released++]!();
  };
  const { at } = await clusterServer(t, {
    upstream: (asked) => {
      held.push(() => asked.reply(answerTo(asked, { addresses: ['192.0.2.1'] })));
      letGo();
    },
  });
  const socket = connect(at.port, at.address);
  t.after(() => socket.destroy());
  socket.write(Buffer.concat(names.map((name, id) => tcpFrame(encodeQuestion({ name, type: 'A', id })))));
  const frames = new TcpFrames();
  for await (const chunk of socket) {
    frames.push(chunk);
    for (let message = frames.next(); message; message = frames.next()) {
      order.push(message.readUInt16BE(0));
      letGo();
    }
    if (order.length === names.length) break;
  }
  const askedInOrder = held.length === 3 && order.slice(0, 2).join() === '1,3';
  assert.ok(askedInOrder, `the cluster's own first: ${order}`);
  assert.deepEqual(order.slice(2).toSorted(), [0, 2, 4]);
  assert.equal(released, 3);
});

test('dig asks two questions on one connection', { skip: withoutDig }, async (t) => {
  const { at } = await clusterServer(t);
  const printed = await dig(at, '+tcp', '+keepopen', '+short', web, 'kubernetes.default.svc.cluster.local');
  assert.equal(printed, '10.96.1.1\n10.96.0.1\n');
});
