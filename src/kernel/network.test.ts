import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageFlag } from '../wire/netlink/mod.ts';
import { createFakeKernel } from './fake.ts';
import { createFaultyKernel } from './faulty.ts';
import { NetworkAdmin } from './network.ts';
import type { Kernel } from './port.ts';

test('Each change is one message that asks for its ACK', () => {
  const kernel = createFakeKernel();
  const network = new NetworkAdmin(kernel, { netns: '/run/netns/a' });
  network.setUp('eth0');
  network.deleteLink('eth0');
  assert.ok(kernel.received.every(({ flags, netns }) => flags & MessageFlag.acknowledge && netns === '/run/netns/a'));
  assert.deepEqual(
    kernel.received.map(({ type, sequence }) => ({ type, sequence })),
    [
      { type: 16, sequence: 1 },
      { type: 17, sequence: 2 },
    ],
  );
  network.close();
  assert.equal(kernel.openSockets, 0);
});

test('A change that the kernel does not confirm is not taken for done', () => {
  const kernel = createFaultyKernel(createFakeKernel(), ({ kind }) =>
    kind === 'exchange' ? { kind: 'short' } : undefined,
  );
  assert.throws(() => new NetworkAdmin(kernel).setUp('eth0'), {
    code: 'EPROTO',
    message: 'Set link eth0 up: EPROTO: the kernel did not confirm it',
  });
  assert.throws(() => new NetworkAdmin(kernel).listLinks(), {
    message: 'List links: EPROTO: the list has no end',
  });
});

/** Marks the first `times` answers as dumps that were interrupted. */
function interrupting(times: number): { kernel: Kernel; exchanges: () => number } {
  const fake = createFakeKernel();
  let exchanges = 0;
  const kernel: Kernel = {
    openNetlink(protocol) {
      const socket = fake.openNetlink(protocol);
      return {
        close: () => socket.close(),
        portId: socket.portId,
        exchange(request) {
          const answer = socket.exchange(request);
          exchanges += 1;
          const last = answer.at(-1)!;
          if (exchanges <= times) last.writeUInt16LE(last.readUInt16LE(6) | MessageFlag.dumpInterrupted, 6);
          return answer;
        },
      };
    },
  };
  return { kernel, exchanges: () => exchanges };
}

test('An interrupted dump is repeated until one is whole', () => {
  const { kernel, exchanges } = interrupting(3);
  assert.deepEqual(new NetworkAdmin(kernel).listLinks(), []);
  assert.equal(exchanges(), 4);
});

test('A dump that never is whole is an error', () => {
  const { kernel } = interrupting(Number.POSITIVE_INFINITY);
  assert.throws(() => new NetworkAdmin(kernel).listLinks(), {
    code: 'EINTR',
    message: 'List links: EINTR: the list changed each of 20 times it was read',
  });
});

test('The kernel’s own words stand at the end of the error', () => {
  const kernel = createFakeKernel(() => ({ error: 'EINVAL', message: 'Unknown device type' }));
  assert.throws(() => new NetworkAdmin(kernel).createBridge('cbr0'), {
    name: 'KernelError',
    errno: 22,
    kernelMessage: 'Unknown device type',
    message: 'Create link cbr0: EINVAL: Unknown device type',
  });
});
