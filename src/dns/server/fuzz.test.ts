import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answersQuestion, parseQuery, readUpstreamAnswer, type Transport } from '../../wire/dns/mod.ts';
import { clusterResponder, someClient } from '../testing/cluster-responder.ts';
import { decode, encodeQuestion } from '../testing/stub-client.ts';

const rounds = 200_000;
const udp: Transport = { kind: 'udp', maxUdpBytes: 1232 };

/** A small generator with a seed, so that a failure can be had again. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
}

function mutate(source: Uint8Array, random: (below: number) => number): Buffer {
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

const seeds: Buffer[] = [
  ['web.default.svc.cluster.local', 'A'],
  ['db.default.svc.cluster.local', 'A'],
  ['_pg._tcp.db.default.svc.cluster.local', 'SRV'],
  ['alias.default.svc.cluster.local', 'A'],
  ['10.1.244.10.in-addr.arpa', 'PTR'],
  ['10-244-1-5.default.pod.cluster.local', 'A'],
  ['gone.default.svc.cluster.local', 'AAAA'],
  ['cluster.local', 'SOA'],
  ['www.example.com', 'A'],
].flatMap(([name = '', type = '']) => [
  encodeQuestion({ name, type }),
  encodeQuestion({ name, type, ednsBytes: 4096 }),
]);

test(`${rounds} mutated queries: no failure, nothing larger than allowed, nothing that answers an answer`, async () => {
  const responder = clusterResponder();
  const random = randomFrom(20_260_101);
  const counts = { dropped: 0, rejected: 0, answered: 0, later: 0 };
  const pending: Promise<unknown>[] = [];
  for (let round = 0; round < rounds; round++) {
    const packet = mutate(seeds[random(seeds.length)]!, random);
    const query = parseQuery(packet);
    const limit = query?.edns ? Math.min(1232, query.edns.payloadBytes) : 512;
    const check = (reply: Buffer | undefined) => {
      if (!reply) {
        assert.ok(packet.length < 12 || (packet[2]! & 0x80) !== 0);
        counts.dropped++;
        return;
      }
      assert.ok(reply.length <= limit, `${reply.length} bytes for ${packet.toString('hex')}`);
      assert.equal(reply.readUInt16BE(0), packet.readUInt16BE(0));
      assert.equal(reply[2]! & 0x80, 0x80);
      if (reply.length === 12) counts.rejected++;
      else counts.answered++;
    };
    const reply = responder.respond(packet, udp, someClient);
    if (!(reply instanceof Promise)) check(reply);
    else {
      counts.later++;
      pending.push(reply.then(check));
    }
    if (pending.length === 1000) await Promise.all(pending.splice(0));
  }
  await Promise.all(pending);
  for (const [kind, count] of Object.entries(counts)) assert.ok(count > rounds / 1000, `${kind}: ${count}`);
});

test('random bytes get at most a header back', async () => {
  const responder = clusterResponder();
  const random = randomFrom(7);
  for (let round = 0; round < 20_000; round++) {
    const packet = Buffer.from(Array.from({ length: random(64) }, () => random(256)));
    const reply = await responder.respond(packet, udp, someClient);
    assert.ok((reply?.length ?? 0) <= Math.max(12, packet.length + 11), packet.toString('hex'));
  }
});

test('whatever a resolver sends is read as an answer or refused as malformed', () => {
  const random = randomFrom(11);
  const question = Buffer.from('076578616d706c6503636f6d0000010001', 'hex');
  const record = 'c00c00010001000000050004c0000201';
  const answer = Buffer.from(
    `00018180000100020000000107${question.toString('hex').slice(2)}${record}${record}0000290 4d0000000000000`.replace(
      ' ',
      '',
    ),
    'hex',
  );
  assert.ok(answersQuestion(answer, 1, question));
  let read = 0;
  let refused = 0;
  for (let round = 0; round < 50_000; round++) {
    const message = mutate(answer, random);
    if (!answersQuestion(message, 1, question)) continue;
    try {
      readUpstreamAnswer(message);
      read++;
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'malformed');
      refused++;
    }
  }
  assert.ok(read > 1000 && refused > 1000, `${read} read, ${refused} refused`);
});

test('what is answered can be read by another library', () => {
  const responder = clusterResponder();
  for (const seed of seeds) {
    const reply = responder.respond(seed, udp, someClient);
    if (reply instanceof Buffer) decode(reply);
  }
});
