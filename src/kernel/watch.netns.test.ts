import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Family, NftBatch, NftMessage } from '../wire/nftables/mod.ts';
import { createNetns, deleteNetns } from './namespaces.ts';
import { createKernel } from './real.ts';

/** NFNLGRP_NFTABLES */
const group = 7;

function inNamespace(t: import('node:test').TestContext) {
  const name = `t-kernel-watch-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const netns = createNetns(name);
  t.after(() => deleteNetns(name));
  const kernel = createKernel();
  const socket = kernel.openNetlink('netfilter', { netns });
  t.after(() => socket.close());
  const addTable = (table: string) => {
    const batch = new NftBatch({ family: Family.ipv4, table });
    batch.addTable({ name: table });
    socket.exchange(batch.finish());
  };
  return { kernel, netns, addTable };
}

test('A watch is called when the kernel tells its group something, and not after it is closed', async (t) => {
  const { kernel, netns, addTable } = inNamespace(t);
  let calls = 0;
  let called = Promise.withResolvers<void>();
  const onNotification = () => {
    calls += 1;
    called.resolve();
  };
  const watch = kernel.watchNetlink!('netfilter', group, onNotification, { netns });
  addTable('a');
  await called.promise;
  // Nothing is left to read, so that another change means another call.
  called = Promise.withResolvers<void>();
  addTable('b');
  await called.promise;

  watch.close();
  watch.close();
  const before = calls;
  addTable('c');
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.equal(calls, before);
  assert.equal(process.listenerCount('SIGIO'), 0);
});

test('Each watch hears of its own namespace; thousands of messages that nobody reads in time do no harm', async (t) => {
  const [one, other] = [inNamespace(t), inNamespace(t)];
  let foreign = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const watches = [
    one.kernel.watchNetlink!('netfilter', group, resolve, { netns: one.netns }),
    other.kernel.watchNetlink!('netfilter', group, () => void foreign++, { netns: other.netns }),
  ];
  t.after(() => {
    for (const watch of watches) watch.close();
  });
  for (let i = 0; i < 2000; i++) one.addTable(`t${i}`);
  await promise;
  assert.equal(foreign, 0);
});

test('A namespace that is not there is named in the error, and nothing stays behind', async () => {
  // The last watch of another test may have been closed in this very turn.
  await new Promise(setImmediate);
  const netns = '/run/netns/t-kernel-none';
  assert.throws(() => createKernel().watchNetlink!('netfilter', group, () => {}, { netns }), {
    message: `Enter network namespace ${netns}: ENOENT`,
  });
  assert.equal(process.listenerCount('SIGIO'), 0);
});

test('A watch with a filter is called for one type of message, and not for what our own sockets cause', async (t) => {
  const { kernel, netns, addTable } = inNamespace(t);
  const own = kernel.openNetlink('netfilter', { netns });
  t.after(() => own.close());
  let calls = 0;
  const told: PromiseWithResolvers<void>[] = [Promise.withResolvers(), Promise.withResolvers()];
  const onNotification = () => told[calls++]?.resolve();
  const only = { messageType: NftMessage.newGeneration, notFromPorts: [own.portId] };
  const watch = kernel.watchNetlink!('netfilter', group, onNotification, { netns, only });
  t.after(() => watch.close());

  for (let i = 0; i < 100; i++) {
    const batch = new NftBatch({ family: Family.ipv4, table: `own${i}` });
    batch.addTable({ name: `own${i}` });
    own.exchange(batch.finish());
  }
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.equal(calls, 0);
  addTable('foreign');
  await told[0]!.promise;
  addTable('another');
  await told[1]!.promise;
});
