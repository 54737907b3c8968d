import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answersQuestion, readUpstreamAnswer, type Transport } from '../../wire/dns/mod.ts';
import { clusterResponder, someClient } from '../testing/cluster-responder.ts';
import { mutate, questions, randomFrom, sendMutations } from '../testing/mutations.ts';
import { decode } from '../testing/stub-client.ts';

const rounds = 200_000;
const udp: Transport = { kind: 'udp', maxUdpBytes: 1232 };

test(`${rounds} mutated queries: no failure, nothing larger than allowed, nothing that answers an answer`, async () => {
  const counts = await sendMutations(clusterResponder(), { rounds, seed: 20_260_101, transport: udp });
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
  for (const question of questions) {
    const reply = responder.respond(question, udp, someClient);
    if (reply instanceof Buffer) decode(reply);
  }
});
