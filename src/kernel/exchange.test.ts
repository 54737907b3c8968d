import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeMessage, MessageBatch, MessageFlag, MessageType } from '../wire/netlink/mod.ts';
import { isKernelError } from './errors.ts';
import { NetlinkExchange, type RawSocket } from './exchange.ts';

const [EINTR, EAGAIN, EPERM, ENOBUFS] = [-4, -11, -1, -105];
const portId = 77;

/** A datagram, or the negated errno that receiving meets. */
type Received = { bytes: Buffer; from?: number; length?: number } | number;

interface Script {
  sends?: number[];
  /** What receiving meets, call by call; EAGAIN when it is used up. */
  receives: Received[];
  waits?: number[];
}

function scriptedSocket({ sends = [], receives, waits = [] }: Script) {
  const calls: string[] = [];
  let sender = 0;
  const socket: RawSocket = {
    portId,
    send(bytes) {
      calls.push('send');
      return sends.shift() ?? bytes.length;
    },
    receive(into) {
      calls.push('receive');
      const next = receives.shift() ?? EAGAIN;
      if (typeof next === 'number') return next;
      sender = next.from ?? 0;
      next.bytes.copy(into);
      return next.length ?? next.bytes.length;
    },
    senderPortId: () => sender,
    reserveSend: (length) => calls.push(`reserve ${length}`),
    wait() {
      calls.push('wait');
      return waits.shift() ?? 0;
    },
    close: () => calls.push('close'),
  };
  return { calls, exchange: new NetlinkExchange(socket, 'test') };
}

const answer = (sequence: number, errno = 0, to = portId) => {
  const payload = Buffer.alloc(20);
  payload.writeInt32LE(-errno);
  return encodeMessage({ type: MessageType.error, flags: MessageFlag.capped, sequence, portId: to, payload });
};

function request(first = 1, count = 2): Buffer {
  const batch = new MessageBatch(first);
  for (let i = 0; i < count; i++) batch.message(20, 0);
  batch.acknowledgeLast();
  return batch.finish();
}

test('One send, one receive when the ACK comes at once', () => {
  const { calls, exchange } = scriptedSocket({ receives: [{ bytes: answer(2) }] });
  assert.deepEqual(exchange.exchange(request()), [answer(2)]);
  assert.deepEqual(calls, ['reserve 32', 'send', 'receive']);
});

test('Interrupted calls are repeated', () => {
  const { calls, exchange } = scriptedSocket({ sends: [EINTR, EINTR], receives: [EINTR, { bytes: answer(2) }] });
  assert.equal(exchange.exchange(request()).length, 1);
  assert.deepEqual(calls, ['reserve 32', 'send', 'send', 'send', 'receive', 'receive']);
});

test('Answers to other requests, for other ports and from other processes are passed over', () => {
  const receives = [
    { bytes: answer(9) },
    { bytes: answer(2, 0, portId + 1) },
    { bytes: answer(2, 1), from: 4242 },
    { bytes: answer(2) },
  ];
  assert.deepEqual(scriptedSocket({ receives }).exchange.exchange(request()), [answer(2)]);
});

test('Sequence numbers that wrap within a batch are answers to it', () => {
  const receives = [{ bytes: answer(0xffffffff, 17) }, { bytes: answer(0) }];
  assert.equal(scriptedSocket({ receives }).exchange.exchange(request(0xffffffff)).length, 2);
});

test('A batch that was thrown out whole ends with its error, without waiting for the ACK', () => {
  const { calls, exchange } = scriptedSocket({ receives: [{ bytes: answer(1, 12) }] });
  assert.deepEqual(exchange.exchange(request()), [answer(1, 12)]);
  assert.ok(!calls.includes('wait'));
});

test('An ACK that is not there yet is waited for', () => {
  const { calls, exchange } = scriptedSocket({ receives: [EAGAIN, { bytes: answer(2) }], waits: [1] });
  assert.equal(exchange.exchange(request()).length, 1);
  assert.deepEqual(calls, ['reserve 32', 'send', 'receive', 'wait', 'receive']);
});

test('An ACK that never comes is an error', () => {
  assert.throws(() => scriptedSocket({ receives: [] }).exchange.exchange(request()), {
    code: 'ETIMEDOUT',
    message: 'Wait for netlink test: ETIMEDOUT: no answer within 5000 ms',
  });
});

const failures: { name: string; script: Script; message: string }[] = [
  { name: 'a refused send', script: { sends: [EPERM], receives: [] }, message: 'Send to netlink test: EPERM' },
  {
    name: 'lost answers',
    script: { receives: [ENOBUFS] },
    message: 'Receive from netlink test: ENOBUFS: the kernel had to drop answers',
  },
  {
    name: 'a datagram that is longer than the buffer',
    script: { receives: [{ bytes: answer(2), length: 70_000 }] },
    message: 'Receive from netlink test: EMSGSIZE: a datagram of 70000 bytes does not fit 65536',
  },
];

for (const { name, script, message } of failures) {
  test(`The exchange after ${name} starts clean`, () => {
    const receives = [...script.receives, { bytes: answer(2, 1) }, ENOBUFS, { bytes: answer(2, 1) }, EAGAIN];
    const { exchange } = scriptedSocket({ ...script, receives: [...receives, { bytes: answer(2) }] });
    assert.throws(
      () => exchange.exchange(request()),
      (error) => isKernelError(error) && error.message === message,
    );
    assert.deepEqual(exchange.exchange(request()), [answer(2)]);
  });
}

test('The socket is closed once and not used afterwards', () => {
  const { calls, exchange } = scriptedSocket({ receives: [] });
  exchange.close();
  exchange.close();
  assert.throws(() => exchange.exchange(request()), { code: 'EBADF' });
  assert.deepEqual(calls, ['close']);
});
