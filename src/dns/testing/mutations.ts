import assert from 'node:assert/strict';
import { parseQuery, recordTypes, type Transport } from '../../wire/dns/mod.ts';
import type { Responder } from '../server/mod.ts';
import { someClient } from './cluster-responder.ts';
import { encodeQuestion } from './stub-client.ts';

/** A small generator with a seed, so that a failure can be had again. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
}

export function mutate(source: Uint8Array, random: (below: number) => number): Buffer {
  let packet = Buffer.from(source);
  for (let changes = 1 + random(4); changes > 0; changes--) {
    const at = random(Math.max(1, packet.length));
    switch (random(5)) {
      case 0:
        packet[at] = random(256);
        break;
      case 1:
        packet[at] = packet[at]! ^ (1 << random(8));
        break;
      case 2:
        packet = packet.subarray(0, at);
        break;
      case 3:
        packet = Buffer.concat([packet.subarray(0, at), packet.subarray(random(at + 1))]);
        break;
      default:
        packet = Buffer.concat([packet, Buffer.from([random(256), random(256), random(256)])]);
    }
  }
  return packet;
}

/** Questions of every kind about the fixture's cluster, with EDNS and without. */
export const questions: readonly Buffer[] = [
  ['web.default.svc.cluster.local', 'A'],
  ['db.default.svc.cluster.local', 'A'],
  ['_pg._tcp.db.default.svc.cluster.local', 'SRV'],
  ['alias.default.svc.cluster.local', 'A'],
  ['10.1.244.10.in-addr.arpa', 'PTR'],
  ['10-244-1-5.default.pod.cluster.local', 'A'],
  ['gone.default.svc.cluster.local', 'AAAA'],
  ['cluster.local', 'SOA'],
  ['db.default.svc.cluster.local', 'ANY'],
  ['cluster.local', 'AXFR'],
  ['www.example.com', 'A'],
].flatMap(([name = '', type = '']) => [
  encodeQuestion({ name, type }),
  encodeQuestion({ name, type, ednsBytes: 4096 }),
]);

export interface MutationCounts {
  /** How many packets got no answer, a header that refuses, an answer, and one only later. */
  readonly dropped: number;
  readonly rejected: number;
  readonly answered: number;
  readonly later: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface MutationOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly transport: Transport;
  readonly progress?: (round: number) => void;
}

/** Sends mutated questions to the rim; throws AssertionError for an answer that must not be. */
export async function sendMutations(responder: Responder, options: MutationOptions): Promise<MutationCounts> {
  const { rounds, transport, progress } = options;
  const random = randomFrom(options.seed);
  const counts = { dropped: 0, rejected: 0, answered: 0, later: 0, bytesIn: 0, bytesOut: 0 };
  const pending: Promise<unknown>[] = [];
  for (let round = 0; round < rounds; round++) {
    const packet = mutate(questions[random(questions.length)]!, random);
    const check = (reply: Buffer | undefined) => {
      counts[checkReply(packet, reply, transport)]++;
      counts.bytesIn += packet.length;
      counts.bytesOut += reply?.length ?? 0;
    };
    const reply = responder.respond(packet, transport, someClient);
    if (reply instanceof Promise) {
      counts.later++;
      pending.push(reply.then(check));
    } else check(reply);
    if (pending.length === 1000) await Promise.all(pending.splice(0));
    if (round % 100_000 === 0) progress?.(round);
  }
  await Promise.all(pending);
  return counts;
}

/** What RFC 6891, RFC 8482 and RFC 8906 allow to be said to this packet. */
function checkReply(
  packet: Buffer,
  reply: Buffer | undefined,
  transport: Transport,
): 'dropped' | 'rejected' | 'answered' {
  const text = `${reply?.toString('hex')} for ${packet.toString('hex')}`;
  if (!reply) {
    assert.ok(packet.length < 12 || (packet[2]! & 0x80) !== 0, `no answer: ${text}`);
    return 'dropped';
  }
  const query = parseQuery(packet);
  const udpBytes = query?.edns ? Math.min(transport.maxUdpBytes, query.edns.payloadBytes) : 512;
  assert.ok(reply.length <= (transport.kind === 'udp' ? udpBytes : 65_535), `too long: ${text}`);
  assert.equal(reply.readUInt16BE(0), packet.readUInt16BE(0), `another id: ${text}`);
  assert.equal(reply[2]! & 0x80, 0x80, `no answer bit: ${text}`);
  if (reply.length === 12) return 'rejected';
  const answers = reply.readUInt16BE(6);
  if (query?.type === recordTypes.ANY) assert.ok(answers <= 1, `more than one record for ANY: ${text}`);
  if (query?.type === recordTypes.AXFR) assert.equal(answers, 0, `a zone in one answer: ${text}`);
  return 'answered';
}
