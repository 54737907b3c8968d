import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  cnameRecord,
  encodeReadyAnswer,
  encodeSections,
  mapMessage,
  ptrRecord,
  type ResourceRecord,
  readRecord,
  responseCodes,
  soaRecord,
  srvRecord,
  wireOf,
} from '../../../wire/dns/mod.ts';
import { compose, type Handler, innerQuestion, messageOf } from '../../chain/mod.ts';
import { Responder } from '../../server/mod.ts';
import { createRewritePlugin, type RewriteOptions } from './mod.ts';

/** Any name that DNS can carry, whatever its bytes; those of dots, backslashes and capitals more often than by chance. */
const label = fc.array(fc.oneof(fc.constantFrom(0x2e, 0x5c, 0x41, 0x61, 0x30), fc.integer({ min: 0, max: 255 })), {
  minLength: 1,
  maxLength: 20,
});
const wireName = fc
  .array(fc.oneof(label, fc.constantFrom([...Buffer.from('old')], [...Buffer.from('test')])), { maxLength: 9 })
  .map((labels) => Uint8Array.from([...labels.flatMap((bytes) => [bytes.length, ...bytes]), 0]));

const word = fc.constantFrom(
  'old.test',
  'new.example',
  '.test',
  'a',
  'old',
  '.',
  '(.*)',
  '(.*)\\.test',
  '{1}.x',
  '{0}',
);
const name = word.filter((text) => !/[({]/.test(text));
const expression = fc.constantFrom('(.*)', '(.*)\\.test', '(a*)*(.*)', '^old', 'new\\.example\\.$');
const replacement = fc.constantFrom('{1}.x', '{0}', 'new.example', `${'b.'.repeat(100)}{1}`);
const answer = fc.record({
  auto: fc.boolean(),
  rules: fc.array(
    fc.record({ of: fc.constantFrom('name' as const, 'value' as const), from: expression, to: replacement }),
    { maxLength: 2 },
  ),
});
const plain = fc.constantFrom('exact' as const, 'prefix' as const, 'suffix' as const, 'substring' as const);
const rule: fc.Arbitrary<RewriteOptions> = fc.oneof(
  fc.record({ last: fc.boolean(), field: fc.constant('name' as const), match: plain, from: name, to: name, answer }),
  fc.record({
    last: fc.boolean(),
    field: fc.constant('name' as const),
    match: fc.constant('regex' as const),
    from: expression,
    to: replacement,
    answer,
  }),
  fc.record({
    last: fc.boolean(),
    field: fc.constant('ttl' as const),
    match: plain,
    name,
    leastSeconds: fc.constant(5),
    mostSeconds: fc.constant(9),
  }),
  fc.record({ last: fc.boolean(), field: fc.constant('type' as const), from: fc.constant(1), to: fc.constant(28) }),
);

const recordOf = (owner: Uint8Array, target: Uint8Array, kind: number): ResourceRecord =>
  [
    cnameRecord(owner, target, 60),
    ptrRecord(owner, target, 60),
    srvRecord(owner, { priority: 1, weight: 2, port: 3, target }, 60),
    soaRecord(
      owner,
      {
        primary: target,
        mailbox: owner,
        serial: 1,
        refreshSeconds: 2,
        retrySeconds: 3,
        expireSeconds: 4,
        negativeTtlSeconds: 5,
      },
      60,
    ),
  ][kind % 4]!;

const records = fc.array(fc.tuple(wireName, wireName, fc.nat()), { maxLength: 6 });

/** Answers with these records, behind the question that it is asked: as ready bytes, or as another resolver would. */
const answering =
  (found: readonly ResourceRecord[], isRelayed: boolean): Handler =>
  (question) => {
    const owner = wireOf(question.query.key);
    const sections = encodeSections(owner, { answers: found, authorities: found, additionals: found });
    const { authorities, ...ready } = sections;
    const response = { rcode: responseCodes.NoError, authoritative: true, recursionAvailable: true };
    const kept = { kind: 'ready', response: { ...response, answer: ready, authorities } } as const;
    if (!isRelayed) return kept;
    const message = messageOf({ ...question, query: { ...question.query, edns: undefined } }, kept);
    return { kind: 'relayed', upstream: { message, rcode: 0, truncated: false, hadEdns: false } };
  };

test('whatever names, rules and records there are: an answer to the question as it was asked, all of it readable', () => {
  const client = { address: '127.0.0.1', port: 40_000 };
  const transport = { kind: 'tcp', maxUdpBytes: 1232 } as const;
  const outer = innerQuestion({ query: { flags: 0 }, client } as never, Uint8Array.of(0), 1);
  fc.assert(
    fc.property(
      wireName,
      fc.array(rule, { minLength: 1, maxLength: 4 }),
      records,
      fc.boolean(),
      (asked, rules, drawn, isRelayed) => {
        const found = drawn.map(([owner, target, kind]) => recordOf(owner, target, kind));
        const question = innerQuestion(outer, asked, 1);
        const responder = new Responder(compose([createRewritePlugin(rules)], answering(found, isRelayed)));
        for (let round = 0; round < 2; round++) {
          const reply = responder.respond(question.packet, transport, client);
          assert.ok(reply instanceof Buffer);
          const end = question.query.questionEnd;
          assert.deepEqual(reply.subarray(12, end), Buffer.from(question.packet.subarray(12, end)));
          const { answers, authorities, additionals } = mapMessage(reply);
          const isGiven = (reply[3]! & 0xf) === responseCodes.NoError;
          if (isGiven) assert.equal(answers.length, found.length);
          for (const place of [...answers, ...authorities, ...additionals]) readRecord(reply, place);
        }
      },
    ),
    { numRuns: 3000, seed: 20_261_128 },
  );
});

test('an answer that is ready and has nothing else is the same the second time', () => {
  const owner = Buffer.from('\x03new\x07example\0', 'latin1');
  const ready = encodeReadyAnswer(owner, [cnameRecord(owner, Buffer.from('\x01x\x03new\x07example\0', 'latin1'), 60)]);
  const response = { rcode: responseCodes.NoError, authoritative: true, recursionAvailable: true, answer: ready };
  const rules: RewriteOptions[] = [
    {
      last: true,
      field: 'name',
      match: 'exact',
      from: 'old.test',
      to: 'new.example',
      answer: { auto: true, rules: [] },
    },
  ];
  const head = compose([createRewritePlugin(rules)], () => ({ kind: 'ready', response }));
  const client = { address: '127.0.0.1', port: 40_000 };
  const outer = { query: { flags: 0 }, client } as never;
  const question = innerQuestion(outer, Buffer.from('\x03Old\x04test\0', 'latin1'), 5);
  const [first, second] = [head(question), head(question)];
  assert.equal(first, second, 'it is made once');
});
