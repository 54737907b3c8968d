import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import type { SocketAddress } from '../forward/mod.ts';
import { LoopError } from '../plugins/loop.ts';
import { corefilePath, corefileServer, ownLoopback } from '../testing/corefile-server.ts';
import { answerTo, type FakeUpstream, fakeUpstream, type UpstreamQuestion } from '../testing/fake-upstream.ts';
import { passTime } from '../testing/forwarding.ts';
import { encodeQuestion, exchangeUdp } from '../testing/stub-client.ts';
import { until } from '../testing/until.ts';

type Served = Awaited<ReturnType<typeof corefileServer>>;

const block = (...lines: string[]) => `.:0 {\n bind 127.0.0.1\n ${lines.join('\n ')}\n}\n`;
const placeOf = ({ address, port }: FakeUpstream) => `${address}:${port}`;
const denying = (question: UpstreamQuestion) => question.reply(answerTo(question, { rcode: 3 }));
const isProbe = ({ decoded }: UpstreamQuestion) => decoded.questions![0]!.type === 'HINFO';

/** A resolver that asks us what it is asked, as one on the node does that has our address in its resolv.conf. */
async function loopingUpstream(t: TestContext) {
  let back: SocketAddress | undefined;
  const waiting = new Map<number, UpstreamQuestion>();
  const upstream = await fakeUpstream(t, (question) => {
    waiting.set(question.packet.readUInt16BE(0), question);
    if (back) socket.send(question.packet, back.port, back.address);
  });
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  socket.on('message', (answer) => waiting.get(answer.readUInt16BE(0))?.reply(answer));
  const closeLoop = ({ server }: Served) => {
    back = server.addresses[0];
  };
  return { upstream, closeLoop };
}

const foundIn = ({ server }: Served) => assert.rejects(server.failed, LoopError);

/** Whether a loop has been found by now. */
async function hasFailed({ server }: Served): Promise<boolean> {
  const notYet = Symbol('not yet');
  const outcome = await Promise.race([server.failed.catch(() => 'failed'), Promise.resolve(notYet)]);
  return outcome !== notYet;
}

for (const [title, lines] of [
  ['', []],
  [', with a cache', ['cache 30']],
  [', with names rewritten', ['rewrite name exact www.example.org www.example.com', 'cache']],
] as const) {
  test(`what comes back from another resolver is a loop${title}`, async (t) => {
    const { upstream, closeLoop } = await loopingUpstream(t);
    const served = await corefileServer(t, block('loop', `forward . ${placeOf(upstream)}`, ...lines));
    closeLoop(served);
    await assert.rejects(served.server.failed, (error) => {
      assert.ok(error instanceof LoopError);
      assert.match(
        error.message,
        /^Look for forwarding loops: what is forwarded for \. comes back from 127\.0\.0\.1 \(the question HINFO \d+\.\d+\.\); forward to resolvers that do not ask this server\. .*resolvConf/,
      );
      return true;
    });
    assert.ok(upstream.questions.filter(isProbe).length < 5, 'the question of the loop itself does not go round');
  });
}

test('a zone of its own that loops is found, and the one to blame is named', async (t) => {
  const { upstream, closeLoop } = await loopingUpstream(t);
  const other = await fakeUpstream(t, denying);
  const served = await corefileServer(
    t,
    block('loop', `forward corp.example ${placeOf(upstream)}`, `forward . ${placeOf(other)}`),
  );
  closeLoop(served);
  await assert.rejects(
    served.server.failed,
    /what is forwarded for corp\.example comes back .*HINFO \d+\.\d+\.corp\.example\./,
  );
  assert.ok(other.questions.every((question) => !question.decoded.questions![0]!.name.endsWith('corp.example')));
});

test('two blocks of one server, or two servers, that forward to each other are a loop', async (t) => {
  const [one, other] = [71, 72].map((net) => ownLoopback.replace('127.53', `127.${net}`));
  const served = await corefileServer(
    t,
    `.:53 {\n bind ${one}\n loop\n forward . ${other}\n}\n.:53 {\n bind ${other}\n forward . ${one}\n}\n`,
  );
  await foundIn(served);
  const [first, second] = [
    await corefileServer(t, block('loop', 'forward . /nonexistent')),
    await corefileServer(t, block('forward . /nonexistent')),
  ];
  const placeOfServer = ({ server }: Served) => `127.0.0.1:${server.addresses[0]!.port}`;
  second.texts[corefilePath] = block(`forward . ${placeOfServer(first)}`);
  await second.server.reload();
  first.texts[corefilePath] = block('loop', `forward . ${placeOfServer(second)}`);
  await first.server.reload();
  await foundIn(first);
});

test('blocks of one server may forward to each other where nothing comes back', async (t) => {
  const [front, behind] = [73, 74].map((net) => ownLoopback.replace('127.53', `127.${net}`));
  const upstream = await fakeUpstream(t, (question) =>
    question.reply(answerTo(question, { addresses: ['192.0.2.1'] })),
  );
  const served = await corefileServer(
    t,
    `.:53 {\n bind ${front}\n loop\n forward . ${behind}\n}\n.:53 {\n bind ${behind}\n loop\n forward . ${placeOf(upstream)}\n}\n`,
  );
  assert.equal((await served.ask('www.example.org')).answers?.length, 1);
  await until(() => upstream.questions.filter(isProbe).length === 2);
  assert.equal(await hasFailed(served), false);
});

test('a server that can only ask itself says so at once', async (t) => {
  const served = await corefileServer(t, block('whoami'));
  const own = `127.0.0.1:${served.server.addresses[0]!.port}`;
  served.texts[corefilePath] = block('loop', `forward . ${own}`);
  await served.server.reload();
  await assert.rejects(served.server.failed, /: forward \. 127\.0\.0\.1:\d+ names nobody but this server itself; /);
});

test('where nothing comes back one question is all, and its name means nothing any more soon after', async (t) => {
  const upstream = await fakeUpstream(t, denying);
  const clock = new ManualClock();
  const served = await corefileServer(t, block('loop', 'cache', `forward . ${placeOf(upstream)}`), { clock });
  await until(() => upstream.questions.length === 1);
  const { name, type } = upstream.questions[0]!.decoded.questions![0]!;
  assert.equal(type, 'HINFO');
  assert.match(name, /^\d+\.\d+$/);
  await until(() => served.server.metrics.forwards.of(placeOf(upstream)).seconds.size > 0);
  await clock.advance(2000);
  // Whoever has seen it cannot end the server with it.
  await exchangeUdp(served.server.addresses[0]!, encodeQuestion({ name, type: 'HINFO' }));
  assert.equal(await hasFailed(served), false);
  await clock.advance(60_000);
  assert.equal(upstream.questions.filter(isProbe).length, 2, 'the probe, and the stranger who repeats it');
});

test('a resolver that is away at first, for long, is found to loop when it has come', async (t) => {
  const { upstream, closeLoop } = await loopingUpstream(t);
  await upstream.stop();
  const clock = new ManualClock();
  const served = await corefileServer(t, block('loop', `forward . ${placeOf(upstream)}`), { clock });
  closeLoop(served);
  await passTime(clock, new Promise<void>((resolve) => clock.schedule(120_000, resolve)), 500);
  assert.equal(await hasFailed(served), false);
  await upstream.start();
  await passTime(
    clock,
    served.server.failed.catch(() => {}),
  );
  await foundIn(served);
});

test('a resolver that is slow is waited for', async (t) => {
  const held: UpstreamQuestion[] = [];
  const slow = await fakeUpstream(t, (question) => void held.push(question));
  const clock = new ManualClock();
  const served = await corefileServer(t, block('loop', `forward . ${placeOf(slow)}`), { clock });
  await passTime(clock, new Promise<void>((resolve) => clock.schedule(20_000, resolve)), 100);
  assert.ok(held.filter(isProbe).length > 3);
  // Only now it does what it was asked for first.
  const [first] = held;
  void exchangeUdp(served.server.addresses[0]!, first!.packet);
  await foundIn(served);
});

test('without the directive no such question goes out', async (t) => {
  const upstream = await fakeUpstream(t, denying);
  const { ask } = await corefileServer(t, block(`forward . ${placeOf(upstream)}`));
  await ask('www.example.org');
  assert.equal(upstream.questions.length, 1);
});
