import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { answerTo, fakeUpstream } from '../testing/fake-upstream.ts';
import { askInTurn } from './ask.ts';

test('after silence and failure the next name server is asked, as resolver libraries do', async (t) => {
  const reply = (shape: Parameters<typeof answerTo>[1]) =>
    fakeUpstream(t, (question) => question.reply(answerTo(question, shape)));
  const silent = await fakeUpstream(t, () => {});
  const failing = await reply({ rcode: 2 });
  const good = await reply({ addresses: ['192.0.2.7'] });
  const denying = await reply({ rcode: 3 });
  const ask = (...servers: { address: string; port: number }[]) =>
    askInTurn('www.example.com', 'A', servers, { clock: systemClock, newId: () => 7, timeoutMs: 50 });
  const textOf = ({ port }: { port: number }) => `127.0.0.1:${port}`;

  const found = await ask(silent, failing, good, denying);
  assert.deepEqual([found.outcome, found.server], ['found', textOf(good)]);
  assert.deepEqual(found.before, [
    `${textOf(silent)}: Ask ${textOf(silent)}: no answer in 50 ms`,
    `${textOf(failing)}: SERVFAIL`,
  ]);
  assert.equal(denying.questions.length, 0);
  const denied = await ask(denying, good);
  assert.deepEqual([denied.outcome, denied.before], ['no-name', undefined]);
  const failed = await ask(failing, silent);
  assert.deepEqual([failed.outcome, failed.server, failed.before?.length], ['failed', textOf(failing), 1]);
  assert.equal((await ask()).outcome, 'silent');
});

test('answers to other questions are passed over', async (t) => {
  const noisy = await fakeUpstream(t, (question) => {
    question.reply(Buffer.alloc(3));
    question.reply(answerTo(question, { id: 8, addresses: ['192.0.2.66'] }));
    question.reply(question.packet);
    question.reply(answerTo(question, { addresses: ['192.0.2.7'] }));
  });
  const options = { clock: systemClock, newId: () => 7, timeoutMs: 30_000 };
  const { records } = await askInTurn('www.example.com', 'A', [noisy], options);
  assert.deepEqual(records, ['www.example.com. 60 IN A 192.0.2.7']);
});
