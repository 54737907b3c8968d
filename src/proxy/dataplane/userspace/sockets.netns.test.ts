import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { withNetns } from '../../../kernel/mod.ts';
import { testNamespace } from '../../testing/namespace.ts';
import { createSockets } from './sockets.ts';

function machine(t: TestContext) {
  const netns = testNamespace(t);
  const ip = (...words: string[]) => withNetns(netns, () => execFileSync('ip', words));
  ip('link', 'set', 'lo', 'up');
  ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1');
  for (const device of ['eth0', 'eth1']) ip('link', 'set', device, 'up');
  return { ip, sockets: createSockets(netns) };
}

test('Without any address of its own the node has none to be reached at, and nothing fails for it', async (t) => {
  const { sockets } = machine(t);
  assert.equal(sockets.hostAddress('IPv4'), undefined);
  assert.equal(sockets.hostAddress('IPv6'), undefined);
  // Errors of sockets that were tried come as events.
  await new Promise(setImmediate);
});

test('The node is reached at the address that its default route gives its own connections', (t) => {
  const { ip, sockets } = machine(t);
  ip('addr', 'add', '10.9.0.1/24', 'dev', 'eth1');
  assert.equal(sockets.hostAddress('IPv4'), '10.9.0.1');
  ip('addr', 'add', '172.30.1.1/24', 'dev', 'eth0');
  ip('route', 'add', 'default', 'via', '172.30.1.2');
  assert.equal(sockets.hostAddress('IPv4'), '172.30.1.1');
  for (const [address, device] of [
    ['fd00:9::1/64', 'eth1'],
    ['fd00:30::1/64', 'eth0'],
  ] as const) {
    ip('addr', 'add', address, 'dev', device, 'nodad');
  }
  ip('-6', 'route', 'add', 'default', 'via', 'fd00:30::2');
  assert.equal(sockets.hostAddress('IPv6'), 'fd00:30::1');
});
