import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { ManualClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { encodeName, headerFlags } from '../../wire/dns/mod.ts';
import { ForwardError } from '../forward/errors.ts';
import { Forwarding } from '../forward/forwarding.ts';
import { type ForwardingOptions, forwardingDefaults } from '../forward/options.ts';
import { type SocketAddress, socketAddressText } from '../forward/upstreams.ts';
import { ForwardBooks } from '../metrics/forward-books.ts';
import { answerTo, type FakeUpstream, type UpstreamQuestion } from './fake-upstream.ts';
import { decode, zoneLines } from './stub-client.ts';
import { until } from './until.ts';

const query = {
  question: Buffer.concat([encodeName('www.example.com'), Buffer.from('00010001', 'hex')]),
  flags: headerFlags.recursionDesired,
  dnssecOk: false,
};
/** Answers with one address. */
export const good = (question: UpstreamQuestion) => question.reply(answerTo(question, { addresses: ['192.0.2.1'] }));
export const bad = (rcode: number) => (question: UpstreamQuestion) => question.reply(answerTo(question, { rcode }));
export const silent = () => {};
/** What each exchange waits. */
export const answerMs = 2000;
const giveUpMs = 30_000;

/** Stopped with the test, with nothing of it left on the clock. */
export function forwarding(
  t: TestContext,
  upstreams: readonly SocketAddress[],
  options: Partial<ForwardingOptions> = {},
  readFile: (path: string) => string = () => '',
) {
  const clock = new ManualClock();
  const books = new ForwardBooks();
  const to = upstreams.map(socketAddressText);
  const made = new Forwarding(
    { ...forwardingDefaults, policy: 'sequential', to, ...options },
    { clock, log: silentLogger, random: () => 0.5, ownAddresses: () => [], books, readFile },
  );
  const start = () => made.start();
  const stop = () => made.stop();
  t.after(async () => {
    stop();
    await clock.advance(0);
    assert.equal(clock.pendingTimers, 0);
  });
  const ask = (overTcp = false) => made.forwarder.ask(query, overTcp);
  const lines = async (overTcp = false) => zoneLines(decode((await ask(overTcp)).message as Buffer).answers);
  return { start, ask, lines, clock, books, stop };
}

/** Lets the exchange time out that brought the upstream its `questions`th question. */
export async function letTimeOut(clock: ManualClock, upstream: FakeUpstream, questions: number): Promise<void> {
  await until(() => upstream.questions.length === questions);
  await clock.advance(answerMs);
}

/**
 * Lets time pass until the promise is settled. Where packets must travel meanwhile, a step of 1 lets no more time pass
 * than really does; where none can come any more, longer ones save the wait.
 */
export async function passTime<Value>(clock: ManualClock, promise: Promise<Value>, stepMs = 20): Promise<Value> {
  const deadline = performance.now() + giveUpMs;
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  promise.then(settle, settle);
  while (!isSettled) {
    if (performance.now() > deadline) throw new Error(`Not settled in ${giveUpMs} ms`);
    await clock.advance(stepMs);
    await wait(1);
  }
  return promise;
}

/** A port that nobody has. */
export async function closedPort(): Promise<SocketAddress> {
  const gone = createSocket('udp4');
  await new Promise<void>((resolve) => gone.bind(0, '127.0.0.1', resolve));
  const closed = { address: '127.0.0.1', port: gone.address().port };
  await new Promise<void>((resolve) => gone.close(() => resolve()));
  return closed;
}

export const fails = (code: string, state: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ForwardError);
  assert.equal(error.code, code);
  assert.match(error.message, state);
  return true;
};

/** What `good` says. */
export const wanted = ['www.example.com. 60 IN A 192.0.2.1'];
