import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, type FakeUpstream, fakeUpstream, type UpstreamQuestion } from '../testing/fake-upstream.ts';
import { answerMs, fails, forwarding, good, passTime, silent, wanted } from '../testing/forwarding.ts';
import { until } from '../testing/until.ts';
import { socketAddressText } from './upstreams.ts';

/** A resolver that answers when the test lets it. */
async function holding(t: Parameters<typeof fakeUpstream>[0]) {
  const held: UpstreamQuestion[] = [];
  const upstream = await fakeUpstream(t, (question) => void held.push(question));
  return { upstream, held };
}

test('a client that came over TCP is asked for over TCP, on one connection that is kept', async (t) => {
  const upstream = await fakeUpstream(t, good);
  const { lines, books } = forwarding(t, [upstream]);
  for (let round = 0; round < 5; round++) assert.deepEqual(await lines(true), wanted);
  assert.ok(upstream.questions.every(({ overTcp }) => overTcp));
  assert.equal(upstream.connections, 1);
  const { hits, misses } = books.of(socketAddressText(upstream));
  assert.deepEqual([hits.tcp, misses.tcp], [4, 1]);
});

test('force_tcp and prefer_udp decide whatever the client came by', async (t) => {
  const upstream = await fakeUpstream(t, good);
  const forced = forwarding(t, [upstream], { forceTcp: true, preferUdp: true });
  const preferred = forwarding(t, [upstream], { preferUdp: true });
  for (const overTcp of [false, true]) {
    await forced.lines(overTcp);
    await preferred.lines(overTcp);
  }
  assert.deepEqual(
    upstream.questions.map(({ overTcp }) => overTcp),
    [true, false, true, false],
  );
});

test('questions share connections, eight on each, and their answers come in any order', async (t) => {
  const { upstream, held } = await holding(t);
  const { lines } = forwarding(t, [upstream]);
  const asked = Array.from({ length: 20 }, () => lines(true));
  await until(() => held.length === 20);
  assert.equal(upstream.connections, 3);
  assert.equal(new Set(held.map(({ connection, decoded }) => `${connection} ${decoded.id}`)).size, 20);
  for (const question of held.toReversed()) good(question);
  for (const answered of asked) assert.deepEqual(await answered, wanted);
});

test('an idle connection is kept as long as expire says, and no more of them than max_idle_conns', async (t) => {
  const { upstream, held } = await holding(t);
  const burst = async (asked: ReturnType<typeof forwarding>) => {
    held.length = 0;
    const all = Array.from({ length: 20 }, () => asked.lines(true));
    await until(() => held.length === 20);
    for (const question of held) good(question);
    await Promise.all(all);
  };
  const unlimited = forwarding(t, [upstream], { expireMs: 3000 });
  await burst(unlimited);
  assert.equal(upstream.openConnections, 3);
  await unlimited.clock.advance(2999);
  assert.equal(upstream.openConnections, 3);
  await unlimited.clock.advance(1);
  await until(() => upstream.openConnections === 0);
  const limited = forwarding(t, [upstream], { maxIdleConnections: 2 });
  await burst(limited);
  await until(() => upstream.openConnections === 2);
  limited.stop();
  await until(() => upstream.openConnections === 0);
  await burst(forwarding(t, [upstream], { expireMs: 0 }));
  await until(() => upstream.openConnections === 0);
});

test('a connection that is older than max_age is not asked on', async (t) => {
  const upstream = await fakeUpstream(t, good);
  const { lines, clock } = forwarding(t, [upstream], { expireMs: 10_000, maxAgeMs: 15_000 });
  for (const passMs of [0, 9000, 5999, 1]) {
    await clock.advance(passMs);
    await lines(true);
  }
  assert.deepEqual(
    upstream.questions.map(({ connection }) => connection),
    [1, 1, 1, 2],
  );
});

test('a connection that the resolver closes, idle or in the middle, costs nobody an answer', async (t) => {
  let behave: (question: UpstreamQuestion) => void = good;
  const upstream = await fakeUpstream(t, (question) => behave(question));
  const { lines } = forwarding(t, [upstream]);
  await lines(true);
  upstream.questions[0]!.hangUp();
  await until(() => upstream.openConnections === 0);
  assert.deepEqual(await lines(true), wanted);
  // Now with questions under way: they are asked again, on a new connection.
  behave = (question) => {
    if (question.connection > 2) good(question);
    else if (upstream.questions.filter(({ connection }) => connection === 2).length === 6) question.hangUp();
  };
  const asked = Array.from({ length: 5 }, () => lines(true));
  for (const answered of asked) assert.deepEqual(await answered, wanted);
  assert.equal(upstream.connections, 3, 'they share the new one');
  assert.equal(upstream.checks.length, 0, 'nobody doubts it');
});

test('a resolver that closes every connection is at fault, and the next one is asked', async (t) => {
  const broken = await fakeUpstream(t, (question) => question.hangUp());
  const other = await fakeUpstream(t, good);
  const { lines } = forwarding(t, [broken, other]);
  assert.deepEqual(await lines(true), wanted);
  assert.equal(broken.questions.length, 1);
});

test('a resolver that restarts keeps its questions waiting, not failing', async (t) => {
  const { upstream, held } = await holding(t);
  const { lines, clock } = forwarding(t, [upstream]);
  const asked = Array.from({ length: 12 }, () => lines(true));
  await until(() => held.length === 12);
  for (const question of held.splice(0)) good(question);
  await Promise.all(asked);
  const meanwhile = Array.from({ length: 12 }, () => lines(true));
  await until(() => held.length === 12);
  await upstream.stop();
  await clock.advance(20);
  held.length = 0;
  await upstream.start();
  const replies = setInterval(() => {
    for (const question of held.splice(0)) good(question);
  }, 1);
  t.after(() => clearInterval(replies));
  for (const answered of meanwhile) assert.deepEqual(await passTime(clock, answered, 1), wanted);
});

test('nobody waits on a connection that has gone silent', async (t) => {
  const isStuck = ({ connection, decoded }: UpstreamQuestion) =>
    connection === 1 && decoded.questions![0]!.type === 'A';
  const half: FakeUpstream = await fakeUpstream(t, (question) => {
    if (!isStuck(question) || half.questions.length === 1) good(question);
  });
  const { lines, clock } = forwarding(t, [half]);
  await lines(true);
  const stuck = lines(true);
  await until(() => half.questions.length === 2);
  await clock.advance(answerMs);
  // The first connection is not asked on again, by this question or by another one.
  assert.deepEqual(await lines(true), wanted);
  assert.deepEqual(await passTime(clock, stuck, 1), wanted);
  assert.deepEqual(new Set(half.questions.slice(2).map(({ connection }) => connection > 1)), new Set([true]));
  await until(() => half.openConnections === 1);
});

test('over TCP too, only an answer to the question is one', async (t) => {
  const liar = await fakeUpstream(t, (question) => {
    question.reply(answerTo(question, { id: (question.decoded.id! + 1) & 0xffff, addresses: ['6.6.6.6'] }));
    question.reply(Buffer.alloc(1));
    good(question);
  });
  assert.deepEqual(await forwarding(t, [liar]).lines(true), wanted);
  const stranger = await fakeUpstream(t, (question) => question.reply(answerTo(question, { name: 'www.evil.com' })));
  const asked = forwarding(t, [stranger], { maxConnectAttempts: 1 });
  await assert.rejects(asked.ask(true), fails('unanswered', /a wrong answer over TCP/));
});

test('with force_tcp health is checked over TCP', async (t) => {
  const dead = await fakeUpstream(t, silent);
  const { ask, clock } = forwarding(t, [dead], { forceTcp: true, maxConnectAttempts: 1 });
  const failed = assert.rejects(ask(), fails('unanswered', /no answer/));
  await until(() => dead.questions.length === 1);
  await clock.advance(answerMs);
  await failed;
  await until(() => dead.checks.length === 1);
  assert.equal(dead.checks[0]!.overTcp, true);
});
