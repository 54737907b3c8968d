import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAnswer, MessageBatch, MessageFlag } from '../wire/netlink/mod.ts';
import { missingLink, RTM_DELLINK, RTM_GETLINK, testKernel } from './kernel.suite.ts';
import { createNetns, deleteNetns } from './namespaces.ts';
import { createKernel } from './real.ts';

testKernel('Real kernel', createKernel);

test('A socket opened in a namespace stays there', (t) => {
  const name = `t-kernel-real-${process.pid}`;
  const netns = createNetns(name);
  t.after(() => deleteNetns(name));
  const socket = createKernel().openNetlink('route', { netns });
  t.after(() => socket.close());
  const batch = new MessageBatch();
  batch.message(RTM_GETLINK, MessageFlag.dump, (writer) => writer.appendZeros(16));
  assert.equal(decodeAnswer(socket.exchange(batch.finish())).messages.length, 1);
});

test('A namespace that is not there is named in the error', () => {
  const netns = '/run/netns/t-kernel-none';
  assert.throws(() => createKernel().openNetlink('route', { netns }), {
    message: `Enter network namespace ${netns}: ENOENT`,
  });
});

test('One send carries a batch of many megabytes, and each refusal in it is answered', () => {
  const socket = createKernel().openNetlink('route');
  const batch = new MessageBatch();
  // 4 MiB, above the initial send buffer and the usual net.core.wmem_max.
  for (let i = 0; i < 100; i++) {
    batch.message(RTM_DELLINK, 0, (writer) => {
      writer.appendZeros(16);
      writer.putString(3, missingLink);
      writer.putBytes(20, Buffer.alloc(40_000));
    });
  }
  batch.acknowledgeLast();
  assert.ok(batch.length > 3_900_000);
  assert.equal(decodeAnswer(socket.exchange(batch.finish())).errors.length, 100);
  socket.close();
});
