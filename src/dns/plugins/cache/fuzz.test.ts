import assert from 'node:assert/strict';
import { test } from 'node:test';
import dnsPacket, { type Packet, type Answer as PacketRecord } from 'dns-packet';
import { ManualClock } from '../../../base/clock.ts';
import { safeUdpBytes } from '../../../wire/dns/mod.ts';
import { compose, nobodyAnswers } from '../../chain/mod.ts';
import { outgoing } from '../../forward/exchange.ts';
import { ForwardError } from '../../forward/mod.ts';
import { Responder } from '../../server/mod.ts';
import { someClient } from '../../testing/cluster-responder.ts';
import { mutate, randomFrom } from '../../testing/mutations.ts';
import { encodeQuestion } from '../../testing/stub-client.ts';
import { createRelayPlugin } from '../relay.ts';
import { createCachePlugin } from './cache.ts';

const rounds = 30_000;

/** What a resolver may say, before it is damaged on the way. */
function answersTo(name: string): Buffer[] {
  const base: Packet = { type: 'response', id: 1, questions: [{ name, type: 'A', class: 'IN' }] };
  const a: PacketRecord = { name, type: 'A', ttl: 60, class: 'IN', data: '192.0.2.1' };
  const alias: PacketRecord = { name, type: 'CNAME', ttl: 60, class: 'IN', data: 'cdn.example.net' };
  const target: PacketRecord = { ...a, name: 'cdn.example.net' };
  const data = { mname: 'ns.example', rname: 'h.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 30 };
  const soa: PacketRecord = { name: 'example', type: 'SOA', ttl: 60, class: 'IN', data };
  return [
    dnsPacket.encode({ ...base, answers: [a, { ...a, data: '192.0.2.2' }] }),
    dnsPacket.encode({ ...base, answers: [alias, target] }),
    dnsPacket.encode({ ...base, flags: 3, authorities: [soa] }),
    dnsPacket.encode({ ...base, authorities: [soa] }),
    dnsPacket.encode({ ...base, flags: 2 }),
  ];
}

test(`${rounds} damaged answers, some of them kept: every client gets a whole answer to its question`, async () => {
  const random = randomFrom(20_261_128);
  const clock = new ManualClock();
  const forwarder = {
    ask: async (query: Parameters<typeof outgoing>[0]) => {
      const said = answersTo('www.example');
      const message = mutate(said[random(said.length)]!, random);
      const answer = outgoing(query, true).accept(message, 1);
      if (!answer) throw new ForwardError('unanswered', 'a wrong answer');
      return answer;
    },
  };
  const options = { prefetch: { amount: 1 }, serveStale: { durationMs: 5000 }, success: { minTtlSeconds: 0 } };
  const { plugin, totals } = createCachePlugin(options, { clock });
  const responder = new Responder(compose([plugin, createRelayPlugin({ forwarder })], nobodyAnswers));
  const packet = encodeQuestion({ name: 'www.example', type: 'A', ednsBytes: 1232 });
  for (let round = 0; round < rounds; round++) {
    const reply = await responder.respond(packet, { kind: 'udp', maxUdpBytes: safeUdpBytes }, someClient);
    assert.ok(reply && reply.length <= safeUdpBytes);
    assert.deepEqual([reply.readUInt16BE(0), reply.readUInt16BE(4)], [packet.readUInt16BE(0), 1]);
    assert.deepEqual(reply.subarray(12, 12 + 17), packet.subarray(12, 12 + 17), 'the question as it was asked');
    if (round % 3 === 0) await clock.advance(random(20_000));
  }
  const { hits, misses, servedStale } = totals;
  for (const count of [hits.success, hits.denial, misses, servedStale]) assert.ok(count > 100, JSON.stringify(totals));
});
