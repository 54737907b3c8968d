import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAnswer, MessageBatch, MessageFlag, messageHeaderLength } from '../wire/netlink/mod.ts';
import { isKernelError } from './errors.ts';
import type { Kernel } from './port.ts';

/** include/uapi/linux/netlink.h, NLMSG_NOOP: the kernel does nothing with it and acknowledges it. */
const noop = 1;
/** include/uapi/linux/rtnetlink.h */
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const missingLink = 'sb-missing';

/** Length of struct ifinfomsg. */
const linkHeaderLength = 16;

/** What every Kernel must do, whether it is one or plays one; `name` stands in the tests' titles. */
export function testKernel(name: string, create: () => Kernel): void {
  const socketTest = (title: string, run: (socket: ReturnType<Kernel['openNetlink']>) => void) =>
    test(`${name}: ${title}`, () => {
      const socket = create().openNetlink('route');
      try {
        run(socket);
      } finally {
        socket.close();
      }
    });

  socketTest('one ACK answers a batch that asks for one, with the last message’s number', (socket) => {
    const batch = new MessageBatch(41);
    batch.message(noop, 0);
    batch.message(noop, 0);
    batch.acknowledgeLast();
    const answer = decodeAnswer(socket.exchange(batch.finish()));
    assert.deepEqual(answer, { messages: [], errors: [], acknowledged: [42], finished: [], interrupted: false });
  });

  socketTest('nothing answers a message that asks for nothing', (socket) => {
    const batch = new MessageBatch();
    batch.message(noop, 0);
    assert.deepEqual(socket.exchange(batch.finish()), []);
  });

  socketTest('a refused message in the middle is reported beside the ACK of the last', (socket) => {
    const batch = new MessageBatch(7);
    batch.message(noop, 0);
    const refused = batch.message(RTM_DELLINK, 0, (writer) => {
      writer.appendZeros(linkHeaderLength);
      writer.putString(3, missingLink);
    });
    const last = batch.message(noop, MessageFlag.acknowledge);
    const answer = decodeAnswer(socket.exchange(batch.finish()));
    assert.deepEqual(
      answer.errors.map(({ sequence, code }) => ({ sequence, code })),
      [{ sequence: refused, code: 'ENODEV' }],
    );
    assert.deepEqual(answer.acknowledged, [last]);
  });

  socketTest('a refusal is the whole answer when the message asked for an ACK itself', (socket) => {
    const batch = new MessageBatch();
    const sequence = batch.message(RTM_DELLINK, MessageFlag.acknowledge, (writer) => {
      writer.appendZeros(linkHeaderLength);
      writer.putString(3, missingLink);
    });
    const answer = decodeAnswer(socket.exchange(batch.finish()));
    assert.equal(answer.errors[0]?.sequence, sequence);
    assert.deepEqual([answer.errors.length, answer.acknowledged], [1, []]);
  });

  socketTest('a dump comes whole, up to its end', (socket) => {
    const batch = new MessageBatch(100);
    const sequence = batch.message(RTM_GETLINK, MessageFlag.dump, (writer) => writer.appendZeros(linkHeaderLength));
    const answer = decodeAnswer(socket.exchange(batch.finish()));
    assert.deepEqual(answer.finished, [sequence]);
    assert.ok(answer.messages.length > 0);
    assert.ok(answer.messages.every((message) => message.sequence === sequence && message.type === 16));
  });

  socketTest('exchanges with the same numbers do not see each other’s answers', (socket) => {
    for (let round = 0; round < 3; round++) {
      const batch = new MessageBatch(1);
      batch.message(noop, MessageFlag.acknowledge);
      assert.equal(socket.exchange(batch.finish()).length, 1);
    }
  });

  test(`${name}: a closed socket refuses, a second close is nothing, other sockets stay`, () => {
    const kernel = create();
    const closed = kernel.openNetlink('route');
    const open = kernel.openNetlink('route');
    closed.close();
    closed.close();
    const batch = new MessageBatch();
    batch.message(noop, MessageFlag.acknowledge);
    assert.equal(batch.length, messageHeaderLength);
    assert.throws(
      () => closed.exchange(batch.finish()),
      (error) => isKernelError(error, 'EBADF'),
    );
    assert.equal(open.exchange(batch.finish()).length, 1);
    open.close();
  });
}
