import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { encodeName, headerFlags } from '../../wire/dns/mod.ts';
import { answerTo, type FakeUpstream, fakeUpstream, type UpstreamQuestion } from '../testing/fake-upstream.ts';
import { decode, zoneLines } from '../testing/stub-client.ts';
import { until } from '../testing/until.ts';
import { ForwardError } from './errors.ts';
import { Forwarder, type ForwarderOptions } from './forwarder.ts';
import type { SocketAddress } from './upstreams.ts';

const query = {
  question: Buffer.concat([encodeName('www.example.com'), Buffer.from('00010001', 'hex')]),
  flags: headerFlags.recursionDesired,
  dnssecOk: false,
};
const good = (question: UpstreamQuestion) => question.reply(answerTo(question, { addresses: ['192.0.2.1'] }));
const bad = (rcode: number) => (question: UpstreamQuestion) => question.reply(answerTo(question, { rcode }));
const silent = () => {};

const forwarder = (upstreams: readonly SocketAddress[], options: Partial<ForwarderOptions> = {}) =>
  new Forwarder({
    clock: new ManualClock(),
    log: silentLogger,
    upstreams: () => upstreams,
    attemptTimeoutsMs: [60, 60, 60],
    ...options,
  });

const linesOf = async (from: Forwarder) => zoneLines(decode((await from.ask(query)).message as Buffer).answers);
/** Lets the attempt fail that brought the upstream its `questions`th question. */
async function letTimeOut(clock: ManualClock, upstream: FakeUpstream, questions: number): Promise<void> {
  await until(() => upstream.questions.length === questions);
  await clock.advance(60);
}

const wanted = ['www.example.com. 60 IN A 192.0.2.1'];

test('a question goes to the first resolver, with EDNS, a random id and a random port', async (t) => {
  const [first, second] = [await fakeUpstream(t, good), await fakeUpstream(t, good)];
  const asked = forwarder([first, second]);
  for (let round = 0; round < 8; round++) assert.deepEqual(await linesOf(asked), wanted);
  assert.equal(second.questions.length, 0);
  assert.equal(first.questions[0]?.decoded.additionals?.[0]?.type, 'OPT');
  assert.ok(new Set(first.questions.map(({ decoded }) => decoded.id)).size > 4);
  assert.ok(new Set(first.questions.map(({ fromPort }) => fromPort)).size > 1);
});

test('a resolver that loses the first datagram is asked again', async (t) => {
  let lost = 0;
  const upstream = await fakeUpstream(t, (question) => (lost++ === 0 ? undefined : good(question)));
  const clock = new ManualClock();
  const answered = linesOf(forwarder([upstream], { clock }));
  await letTimeOut(clock, upstream, 1);
  assert.deepEqual(await answered, wanted);
  assert.equal(upstream.questions.length, 2);
});

test('a silent resolver costs one wait, then it is asked last for a while', async (t) => {
  const [dead, alive] = [await fakeUpstream(t, silent), await fakeUpstream(t, good)];
  const clock = new ManualClock();
  const asked = forwarder([dead, alive], { clock });
  const first = linesOf(asked);
  await letTimeOut(clock, dead, 1);
  assert.deepEqual(await first, wanted);
  for (let round = 1; round < 5; round++) assert.deepEqual(await linesOf(asked), wanted);
  assert.equal(dead.questions.length, 1);
  assert.equal(alive.questions.length, 5);
});

test('a distrusted resolver is asked first again after five seconds', async (t) => {
  const clock = new ManualClock();
  const [first, second] = [await fakeUpstream(t, silent), await fakeUpstream(t, good)];
  const asked = forwarder([first, second], { clock });
  const answered = asked.ask(query);
  await until(() => first.questions.length > 0);
  await clock.advance(60);
  await answered;
  await clock.advance(4900);
  await asked.ask(query);
  assert.equal(first.questions.length, 1);
  await clock.advance(200);
  const late = asked.ask(query);
  await until(() => first.questions.length > 1);
  await clock.advance(60);
  await late;
  assert.equal(first.questions.length, 2);
});

test('a closed port is noticed at once', async (t) => {
  const gone = createSocket('udp4');
  await new Promise<void>((resolve) => gone.bind(0, '127.0.0.1', resolve));
  const closed = { address: '127.0.0.1', port: gone.address().port };
  await new Promise<void>((resolve) => gone.close(resolve));
  const alive = await fakeUpstream(t, good);
  // The clock stands still: no timeout can be what leads to the second one.
  assert.deepEqual(await linesOf(forwarder([closed, alive])), wanted);
});

test('refusals lead to the next resolver; if all refuse, the first refusal is the answer', async (t) => {
  for (const rcode of [2, 4, 5]) {
    const [refusing, alive] = [await fakeUpstream(t, bad(rcode)), await fakeUpstream(t, good)];
    assert.deepEqual(await linesOf(forwarder([refusing, alive])), wanted);
  }
  const [one, two] = [await fakeUpstream(t, bad(5)), await fakeUpstream(t, bad(2))];
  assert.equal((await forwarder([one, two]).ask(query)).rcode, 5);
  assert.deepEqual([one.questions.length, two.questions.length], [1, 1]);
});

test('no such name is an answer like any other', async (t) => {
  const [first, second] = [await fakeUpstream(t, bad(3)), await fakeUpstream(t, good)];
  assert.equal((await forwarder([first, second]).ask(query)).rcode, 3);
  assert.equal(second.questions.length, 0);
});

test('lies are passed over until the truth comes', async (t) => {
  const liar = await fakeUpstream(t, (question) => {
    const id = (question.decoded.id! + 1) & 0xffff;
    question.reply(answerTo(question, { id, addresses: ['6.6.6.6'] }));
    question.reply(answerTo(question, { name: 'www.evil.com', addresses: ['6.6.6.6'] }));
    question.reply(question.packet);
    question.reply(Buffer.from('junk'));
    question.reply(answerTo(question, { addresses: ['6.6.6.6'] }).subarray(0, 50));
    good(question);
  });
  const asked = forwarder([liar]);
  assert.deepEqual(await linesOf(asked), wanted);
});

test('a resolver behind a flood of lies is asked over TCP', async (t) => {
  const flooded = await fakeUpstream(t, (question) => {
    if (question.overTcp) return good(question);
    for (let lie = 1; lie <= 20; lie++) {
      const id = (question.decoded.id! + lie) & 0xffff;
      question.reply(answerTo(question, { id, addresses: ['6.6.6.6'] }));
    }
  });
  assert.deepEqual(await linesOf(forwarder([flooded])), wanted);
  assert.deepEqual(
    flooded.questions.map(({ overTcp }) => overTcp),
    [false, true],
  );
});

test('an answer from another address does not reach us', async (t) => {
  const spoofer = createSocket('udp4');
  t.after(() => spoofer.close());
  await new Promise<void>((resolve) => spoofer.bind(0, '127.0.0.1', resolve));
  const sent = Promise.withResolvers<void>();
  const upstream = await fakeUpstream(t, (question) => {
    const lie = answerTo(question, { addresses: ['6.6.6.6'] });
    spoofer.send(lie, question.fromPort, '127.0.0.1', () => {
      good(question);
      sent.resolve();
    });
  });
  assert.deepEqual(await linesOf(forwarder([upstream])), wanted);
  await sent.promise;
});

test('what does not fit a datagram is fetched over TCP; if that fails, what fitted is the answer', async (t) => {
  const addresses = ['192.0.2.1'];
  const both = await fakeUpstream(t, (question) =>
    question.overTcp ? good(question) : question.reply(answerTo(question, { truncated: true })),
  );
  const answer = await forwarder([both]).ask(query);
  assert.equal(answer.truncated, false);
  assert.deepEqual(zoneLines(decode(answer.message as Buffer).answers), wanted);
  const udpOnly = await fakeUpstream(t, (question) =>
    question.overTcp ? undefined : question.reply(answerTo(question, { truncated: true, addresses })),
  );
  const clock = new ManualClock();
  const cut = forwarder([udpOnly], { clock }).ask(query);
  await letTimeOut(clock, udpOnly, 2);
  assert.equal((await cut).truncated, true);
});

test('a resolver from before EDNS is asked again without it', async (t) => {
  const old = await fakeUpstream(t, (question) => {
    if (question.decoded.additionals?.length) question.reply(answerTo(question, { rcode: 1, withOpt: false }));
    else question.reply(answerTo(question, { addresses: ['192.0.2.1'], withOpt: false }));
  });
  assert.deepEqual(await linesOf(forwarder([old])), wanted);
});

const fails = (code: string, state: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ForwardError);
  assert.equal(error.code, code);
  assert.match(error.message, state);
  return true;
};

test('no answer from anybody fails with what each of them did', async (t) => {
  const dead = await fakeUpstream(t, silent);
  const clock = new ManualClock();
  const asked = forwarder([dead], { clock });
  const failed = assert.rejects(asked.ask(query), fails('unanswered', /^Forward DNS query: .*no answer in 60 ms/));
  for (const questions of [1, 2, 3]) await letTimeOut(clock, dead, questions);
  await failed;
  assert.equal(dead.questions.length, 3);
  await assert.rejects(forwarder([]).ask(query), fails('no-upstream', /no upstream resolver is known/));
});

test('more questions than allowed fail at once, and the others go on', async (t) => {
  const held: UpstreamQuestion[] = [];
  const slow = await fakeUpstream(t, (question) => held.push(question));
  const asked = forwarder([slow], { maxConcurrent: 2 });
  const allowed = [asked.ask(query), asked.ask(query)];
  await assert.rejects(asked.ask(query), fails('overloaded', /2 questions .* are under way already/));
  await until(() => held.length === 2);
  for (const question of held) good(question);
  await Promise.all(allowed);
  const again = asked.ask(query);
  await until(() => held.length === 3);
  good(held[2]!);
  await again;
});

test('stopping ends what is under way and takes nothing more', async (t) => {
  const dead = await fakeUpstream(t, silent);
  const clock = new ManualClock();
  const asked = forwarder([dead], { clock });
  const underWay = assert.rejects(asked.ask(query), fails('stopped', /the server stops/));
  await until(() => dead.questions.length > 0);
  asked.stop();
  await underWay;
  await assert.rejects(asked.ask(query), fails('stopped', /the server stops/));
  assert.equal(clock.pendingTimers, 0);
});
