import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAnswer, MessageBatch, MessageFlag } from '../wire/netlink/mod.ts';
import { isKernelError } from './errors.ts';
import { createFakeKernel } from './fake.ts';
import { createFaultyKernel, type Fault } from './faulty.ts';
import { RTM_DELLINK, RTM_GETLINK, testKernel } from './kernel.suite.ts';

const scripted = () =>
  createFakeKernel(({ type }) => {
    if (type === RTM_DELLINK) return { error: 'ENODEV' };
    if (type === RTM_GETLINK) return { messages: [{ type: 16, payload: Buffer.alloc(16) }] };
    return undefined;
  });

testKernel('Fake kernel', scripted);
testKernel('Faulty kernel without a fault', () => createFaultyKernel(scripted(), () => undefined));

const oneMessage = () => {
  const batch = new MessageBatch();
  batch.message(20, MessageFlag.acknowledge);
  return batch.finish();
};

test('The fake remembers what it was asked, through which socket', () => {
  const kernel = createFakeKernel();
  const socket = kernel.openNetlink('netfilter', { netns: '/run/netns/a' });
  const request = oneMessage();
  socket.exchange(request);
  request.fill(0);
  assert.deepEqual(
    kernel.received.map(({ type, sequence, protocol, netns }) => ({ type, sequence, protocol, netns })),
    [{ type: 20, sequence: 1, protocol: 'netfilter', netns: '/run/netns/a' }],
  );
  assert.equal(kernel.openSockets, 1);
  socket.close();
  assert.equal(kernel.openSockets, 0);
});

test('The fake explains an error in the kernel’s way', () => {
  const socket = createFakeKernel(() => ({ error: 'EINVAL', message: 'no', offset: 20 })).openNetlink('route');
  assert.deepEqual(decodeAnswer(socket.exchange(oneMessage())).errors, [
    { sequence: 1, errno: 22, code: 'EINVAL', message: 'no', offset: 20 },
  ]);
});

const faults: { fault: Fault; carriedOut: boolean; outcome: string }[] = [
  { fault: { kind: 'refused', code: 'EPERM' }, carriedOut: false, outcome: 'Send to netlink: EPERM: injected' },
  { fault: { kind: 'lost' }, carriedOut: true, outcome: 'Receive from netlink: ENOBUFS: injected' },
  { fault: { kind: 'short' }, carriedOut: true, outcome: '0 datagrams' },
];

for (const { fault, carriedOut, outcome } of faults) {
  test(`A fault of kind ${fault.kind} hits the chosen call only`, () => {
    const fake = createFakeKernel();
    const socket = createFaultyKernel(fake, (call) => (call.number === 3 ? fault : undefined)).openNetlink('route');
    const attempt = () => {
      try {
        return `${socket.exchange(oneMessage()).length} datagrams`;
      } catch (error) {
        assert.ok(isKernelError(error));
        return error.message;
      }
    };
    assert.deepEqual([attempt(), attempt(), attempt()], ['1 datagrams', outcome, '1 datagrams']);
    assert.equal(fake.received.length, carriedOut ? 3 : 2);
  });
}

test('Opening can fail too', () => {
  const kernel = createFaultyKernel(createFakeKernel(), () => ({ kind: 'refused', code: 'EPERM' }));
  assert.throws(
    () => kernel.openNetlink('netfilter'),
    (error) => isKernelError(error, 'EPERM'),
  );
});
