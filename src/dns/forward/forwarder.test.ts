import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { answerTo, fakeUpstream, type UpstreamQuestion } from '../testing/fake-upstream.ts';
import {
  bad,
  closedPort,
  fails,
  forwarding,
  good,
  letTimeOut,
  passTime,
  silent,
  wanted,
} from '../testing/forwarding.ts';
import { decode, zoneLines } from '../testing/stub-client.ts';
import { until } from '../testing/until.ts';
import type { ForwardError } from './errors.ts';
import type { ForwardingOptions } from './options.ts';
import { createPolicy } from './policy.ts';
import { socketAddressText } from './upstreams.ts';

test('a question goes to the first resolver, with EDNS, a random id and a random port', async (t) => {
  const [first, second] = [await fakeUpstream(t, good), await fakeUpstream(t, good)];
  const asked = forwarding(t, [first, second]);
  for (let round = 0; round < 8; round++) assert.deepEqual(await asked.lines(), wanted);
  assert.equal(second.questions.length, 0);
  assert.equal(first.questions[0]?.decoded.additionals?.[0]?.type, 'OPT');
  assert.ok(new Set(first.questions.map(({ decoded }) => decoded.id)).size > 4);
  assert.ok(new Set(first.questions.map(({ fromPort }) => fromPort)).size > 1);
});

test('policies say who is asked first, and everybody comes in turn', async (t) => {
  const shares = async (policy: ForwardingOptions['policy']) => {
    const upstreams = [await fakeUpstream(t, good), await fakeUpstream(t, good), await fakeUpstream(t, good)];
    const asked = forwarding(t, upstreams, { policy });
    for (let round = 0; round < 9; round++) await asked.lines();
    return upstreams.map(({ questions }) => questions.length);
  };
  assert.deepEqual(await shares('sequential'), [9, 0, 0]);
  assert.deepEqual(await shares('round_robin'), [3, 3, 3]);
  assert.deepEqual(
    createPolicy('random', () => 0)(['a', 'b', 'c', 'd']),
    ['b', 'c', 'd', 'a'],
    'a whole permutation, from the given numbers',
  );
  const orders = new Set<string>();
  for (let round = 0; round < 500; round++) orders.add(createPolicy('random', Math.random)(['a', 'b', 'c']).join(''));
  assert.equal(orders.size, 6);
});

test('a resolver that loses the first datagram is asked again', async (t) => {
  let lost = 0;
  const upstream = await fakeUpstream(t, (question) => (lost++ === 0 ? undefined : good(question)));
  const { lines, clock } = forwarding(t, [upstream]);
  const answered = lines();
  await letTimeOut(clock, upstream, 1);
  assert.deepEqual(await passTime(clock, answered, 1), wanted);
});

test('a silent resolver costs one wait, then it is asked last until a health check is answered', async (t) => {
  let isAlive = false;
  const dead = await fakeUpstream(t, (question) => isAlive && good(question));
  const other = await fakeUpstream(t, good);
  const { lines, clock, books } = forwarding(t, [dead, other]);
  const first = lines();
  await letTimeOut(clock, dead, 1);
  assert.deepEqual(await first, wanted);
  for (let round = 1; round < 5; round++) assert.deepEqual(await lines(), wanted);
  assert.deepEqual([dead.questions.length, other.questions.length], [1, 5]);
  await until(() => dead.checks.length === 1);
  // Checked again half a second after each check has failed, a second long each.
  for (let checks = 2; checks <= 4; checks++) {
    await clock.advance(1500);
    await until(() => dead.checks.length === checks);
  }
  assert.equal(books.of(socketAddressText(dead)).failedChecks, 3);
  isAlive = true;
  await clock.advance(1500);
  await until(() => dead.checks.length === 5);
  await until(() => clock.pendingTimers === 0);
  await lines();
  assert.equal(dead.questions.length, 2);
  assert.equal(dead.checks.length, 5, 'no more checks than needed');
});

test('health checks ask what the options say, and take any answer for a sign of life', async (t) => {
  const refusing = await fakeUpstream(t, ({ reply, decoded, packet }) => {
    if (decoded.questions![0]!.type !== 'NS') return;
    const answer = Buffer.from(packet);
    answer.writeUInt16BE(0x8005, 2);
    reply(answer);
  });
  const healthCheck = { intervalMs: 100, recursionDesired: false, domain: 'health.example.org' };
  const { ask, clock } = forwarding(t, [refusing], { healthCheck, maxConnectAttempts: 1 });
  const failed = assert.rejects(ask(), fails('unanswered', /no answer/));
  await letTimeOut(clock, refusing, 1);
  await failed;
  await until(() => refusing.questions.length === 2);
  const [question] = refusing.questions[1]!.decoded.questions!;
  assert.deepEqual([question!.name, question!.type], ['health.example.org', 'NS']);
  assert.equal(refusing.questions[1]!.decoded.flags! & 0x0100, 0);
  await until(() => clock.pendingTimers === 0);
  assert.equal(refusing.questions.length, 2, 'well: not checked any more');
});

test('without max_fails there are no checks, and every question finds out anew', async (t) => {
  const [dead, alive] = [await fakeUpstream(t, silent), await fakeUpstream(t, good)];
  const { lines, clock } = forwarding(t, [dead, alive], { maxFails: 0 });
  for (let round = 1; round <= 2; round++) {
    const answered = lines();
    await letTimeOut(clock, dead, round);
    assert.deepEqual(await answered, wanted);
  }
  assert.equal(dead.checks.length, 0);
});

test('a closed port is noticed at once', async (t) => {
  const alive = await fakeUpstream(t, good);
  // The clock stands still: no timeout can be what leads to the second one.
  assert.deepEqual(await forwarding(t, [await closedPort(), alive]).lines(), wanted);
});

test('a resolver that restarts meanwhile answers late, but it does', async (t) => {
  const upstream = await fakeUpstream(t, good);
  const { lines, clock } = forwarding(t, [upstream]);
  assert.deepEqual(await lines(), wanted);
  await upstream.stop();
  const answered = lines();
  await clock.advance(20);
  await upstream.start();
  assert.deepEqual(await passTime(clock, answered, 1), wanted);
});

test('when all are down one of them is asked, or none with failfast; both are counted', async (t) => {
  const dead = await closedPort();
  const untilDown = async (options: Partial<ForwardingOptions>) => {
    const asked = forwarding(t, [dead], options);
    await assert.rejects(passTime(asked.clock, asked.ask()), fails('unanswered', /ECONNREFUSED/));
    while (asked.books.of(socketAddressText(dead)).failedChecks < 3) await passTime(asked.clock, wait(5));
    const before = asked.books.brokenChecks;
    await assert.rejects(asked.ask(), fails('unanswered', /^Forward DNS query: all upstream resolvers are down/));
    assert.equal(asked.books.brokenChecks, before + 1);
    return asked.books.of(socketAddressText(dead)).misses.udp;
  };
  // Whether it was asked a last time shows in how many sockets have been opened.
  const asked = await untilDown({ maxConnectAttempts: 1 });
  const spared = await untilDown({ maxConnectAttempts: 1, failfastAllUnhealthy: true });
  assert.deepEqual([asked, spared], [2, 1]);
});

test('max_connect_attempts ends it early', async (t) => {
  const dead = [await closedPort(), await closedPort(), await closedPort()];
  const { ask, books } = forwarding(t, dead, { maxConnectAttempts: 2 });
  await assert.rejects(ask(), fails('unanswered', /ECONNREFUSED/));
  assert.deepEqual(
    dead.map((each) => books.of(socketAddressText(each)).misses.udp),
    [1, 1, 0],
  );
});

test('answers with a code of failover lead to the next resolver; if all have one, the last is the answer', async (t) => {
  const failover = [2, 4, 5];
  for (const rcode of failover) {
    const [refusing, alive] = [await fakeUpstream(t, bad(rcode)), await fakeUpstream(t, good)];
    assert.deepEqual(await forwarding(t, [refusing, alive], { failover }).lines(), wanted);
  }
  const [one, two] = [await fakeUpstream(t, bad(5)), await fakeUpstream(t, bad(2))];
  assert.equal((await forwarding(t, [one, two], { failover }).ask()).rcode, 2);
  assert.deepEqual([one.questions.length, two.questions.length], [1, 1]);
  assert.equal((await forwarding(t, [one, two]).ask()).rcode, 5, 'by default every answer is one');
});

test('no such name is an answer like any other', async (t) => {
  const [first, second] = [await fakeUpstream(t, bad(3)), await fakeUpstream(t, good)];
  assert.equal((await forwarding(t, [first, second], { failover: [2] }).ask()).rcode, 3);
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
  assert.deepEqual(await forwarding(t, [liar]).lines(), wanted);
});

test('a resolver behind a flood of lies is asked over TCP', async (t) => {
  const flooded = await fakeUpstream(t, (question) => {
    if (question.overTcp) return good(question);
    for (let lie = 1; lie <= 20; lie++) {
      const id = (question.decoded.id! + lie) & 0xffff;
      question.reply(answerTo(question, { id, addresses: ['6.6.6.6'] }));
    }
  });
  assert.deepEqual(await forwarding(t, [flooded]).lines(), wanted);
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
  assert.deepEqual(await forwarding(t, [upstream]).lines(), wanted);
  await sent.promise;
});

test('what does not fit a datagram is fetched over TCP; if that fails, what fitted is the answer', async (t) => {
  const addresses = ['192.0.2.1'];
  const both = await fakeUpstream(t, (question) =>
    question.overTcp ? good(question) : question.reply(answerTo(question, { truncated: true })),
  );
  const answer = await forwarding(t, [both]).ask();
  assert.equal(answer.truncated, false);
  assert.deepEqual(zoneLines(decode(answer.message as Buffer).answers), wanted);
  const udpOnly = await fakeUpstream(t, (question) =>
    question.overTcp ? undefined : question.reply(answerTo(question, { truncated: true, addresses })),
  );
  const { ask, clock } = forwarding(t, [udpOnly]);
  const cut = ask();
  await letTimeOut(clock, udpOnly, 2);
  assert.equal((await cut).truncated, true);
});

test('a resolver from before EDNS is asked again without it', async (t) => {
  const old = await fakeUpstream(t, (question) => {
    if (question.decoded.additionals?.length) question.reply(answerTo(question, { rcode: 1, withOpt: false }));
    else question.reply(answerTo(question, { addresses: ['192.0.2.1'], withOpt: false }));
  });
  assert.deepEqual(await forwarding(t, [old]).lines(), wanted);
});

test('no answer from anybody fails before a client gives up, with what each of them did', async (t) => {
  const dead = await fakeUpstream(t, silent);
  const { ask, clock, books } = forwarding(t, [dead], { maxFails: 0 });
  const failed = assert.rejects(ask(), fails('unanswered', /^Forward DNS query: .*no answer in 2000 ms/));
  await passTime(clock, failed);
  assert.equal(books.of(socketAddressText(dead)).misses.udp, 3);
  assert.ok(clock.monotonicMs() < 5000);
  await assert.rejects(forwarding(t, []).ask(), fails('no-upstream', /no upstream resolver is known/));
});

test('more questions than allowed are refused at once and counted, and the others go on', async (t) => {
  const held: UpstreamQuestion[] = [];
  const slow = await fakeUpstream(t, (question) => held.push(question));
  const { ask, books } = forwarding(t, [slow], { maxConcurrent: 2 });
  const allowed = [ask(), ask()];
  await assert.rejects(ask(), (error) => {
    assert.equal((error as ForwardError).rcode, 5);
    return fails('overloaded', /2 questions .* are under way already/)(error);
  });
  assert.equal(books.rejected, 1);
  await until(() => held.length === 2);
  for (const question of held) good(question);
  await Promise.all(allowed);
  const again = ask();
  await until(() => held.length === 3);
  good(held[2]!);
  await again;
});

test('stopping ends what is under way and takes nothing more', async (t) => {
  const dead = await fakeUpstream(t, silent);
  const { ask, stop } = forwarding(t, [dead]);
  for (const overTcp of [false, true]) void ask(overTcp).catch(() => {});
  const underWay = assert.rejects(ask(), fails('stopped', /the server stops/));
  await until(() => dead.questions.length === 3);
  stop();
  await underWay;
  await assert.rejects(ask(), fails('stopped', /the server stops/));
  await until(() => dead.openConnections === 0);
});
