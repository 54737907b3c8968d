import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeKernel } from '../../../kernel/mod.ts';
import type { Kernel } from '../../../kernel/port.ts';
import { RuleSet, ruleSetOf } from './rule-set.ts';

const nextTurn = () => new Promise(setImmediate);

/** Keeps what is watched, and in which order things happened. */
function watched() {
  const events: string[] = [];
  let notify = () => {};
  const kernel: Kernel = {
    ...createFakeKernel(),
    watchNetlink(_protocol, _group, onNotification, { only } = {}) {
      const ports = only!.notFromPorts.join(' ');
      events.push(`watch all but ${ports}`);
      notify = onNotification;
      return { close: () => events.push(`end of all but ${ports}`) };
    },
  };
  return { kernel, events, notify: () => notify() };
}

test('Both families share one watch, which knows the sockets of both', () => {
  const { kernel, events, notify } = watched();
  const ruleSet = ruleSetOf(kernel, '/run/netns/a');
  assert.equal(ruleSetOf(kernel, '/run/netns/a'), ruleSet);
  assert.notEqual(ruleSetOf(kernel, '/run/netns/b'), ruleSet);
  const told: number[] = [];
  ruleSet.listen(11, () => told.push(11));
  ruleSet.listen(12, () => told.push(12));
  notify();
  assert.deepEqual(told, [11, 12]);
  ruleSet.ignore(11);
  ruleSet.ignore(12);
  ruleSet.ignore(12);
  assert.deepEqual(events, [
    'watch all but 11',
    'end of all but 11',
    'watch all but 11 12',
    'end of all but 11 12',
    'watch all but 12',
    'end of all but 12',
  ]);
});

test('Nobody listens while many things change at once, and afterwards everybody looks', async () => {
  const { kernel, events } = watched();
  const ruleSet = new RuleSet(kernel, undefined);
  let looks = 0;
  ruleSet.listen(11, () => looks++);
  events.length = 0;
  assert.equal(
    ruleSet.commit(1 << 20, () => events.push('large')),
    2,
  );
  await nextTurn();
  assert.deepEqual(events, ['end of all but 11', 'large', 'watch all but 11']);
  assert.equal(looks, 1);

  events.length = 0;
  ruleSet.commit(224, () => events.push('small'));
  await nextTurn();
  assert.deepEqual(events, ['small']);
  assert.deepEqual({ looks, ownCommits: ruleSet.ownCommits }, { looks: 1, ownCommits: 2 });
});

test('A transaction that fails is no commit of ours, and the watch is there again', async () => {
  const { kernel, events } = watched();
  const ruleSet = new RuleSet(kernel, undefined);
  ruleSet.listen(11, () => events.push('look'));
  const failing = () => {
    throw new Error('refused');
  };
  assert.throws(() => ruleSet.commit(1 << 20, failing), /refused/);
  await nextTurn();
  assert.deepEqual(events.slice(-2), ['watch all but 11', 'look']);
  assert.equal(ruleSet.ownCommits, 0);
});

test('A watch that cannot be opened again does not fail the transaction, and the next one tries once more', async () => {
  const there = watched();
  let refuse = false;
  const kernel: Kernel = {
    ...there.kernel,
    watchNetlink(...args) {
      if (refuse) throw new Error('EMFILE');
      return there.kernel.watchNetlink!(...args);
    },
  };
  const ruleSet = new RuleSet(kernel, undefined);
  ruleSet.listen(11, () => {});
  refuse = true;
  assert.equal(
    ruleSet.commit(1 << 20, () => 'done'),
    'done',
  );
  refuse = false;
  ruleSet.commit(1 << 20, () => undefined);
  assert.equal(there.events.at(-1), 'watch all but 11');
});
