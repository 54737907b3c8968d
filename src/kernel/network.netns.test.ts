import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { createNetns, deleteNetns } from './namespaces.ts';
import { NetworkAdmin } from './network.ts';
import { createKernel } from './real.ts';

let count = 0;

/** A namespace of its own with everything to look at it: our way, and iproute2's. */
function setUpNetwork(t: TestContext) {
  const name = `t-kernel-net${count++}-${process.pid}`;
  const netns = createNetns(name);
  t.after(() => deleteNetns(name));
  const network = new NetworkAdmin(createKernel(), { netns });
  t.after(() => network.close());
  const ip = (...args: string[]) =>
    JSON.parse(execFileSync('ip', ['-n', name, '-json', '-details', ...args], { encoding: 'utf8' }) || '[]');
  return { name, netns, network, ip };
}

/** Without the kernel's own IPv6 routes to link-local addresses. */
const ipv4Routes = (network: NetworkAdmin) =>
  network.listRoutes().filter(({ destination }) => !destination.includes(':'));

test('A bridge and a veth pair into another namespace are what ip shows', (t) => {
  const { network, ip } = setUpNetwork(t);
  const other = setUpNetwork(t);
  network.createBridge('cbr0', { address: '02:00:00:00:01:01' });
  network.createVethPair({ name: 'pod1', peerName: 'eth0', peerNetns: other.netns, mtu: 1300 });
  network.setMaster('pod1', 'cbr0');
  network.setBridgePort('pod1', { isolated: true, hairpin: true });
  for (const link of ['cbr0', 'pod1']) network.setUp(link);
  other.network.setUp('eth0');

  const [bridge] = ip('link', 'show', 'cbr0');
  assert.partialDeepStrictEqual(bridge, { mtu: 1300, address: '02:00:00:00:01:01', linkinfo: { info_kind: 'bridge' } });
  const [port] = ip('link', 'show', 'pod1');
  assert.partialDeepStrictEqual(port, {
    mtu: 1300,
    master: 'cbr0',
    operstate: 'UP',
    linkinfo: { info_kind: 'veth', info_slave_kind: 'bridge', info_slave_data: { isolated: true, hairpin: true } },
  });
  const [peer] = other.ip('link', 'show', 'eth0');
  assert.partialDeepStrictEqual(peer, { mtu: 1300, operstate: 'UP', link_index: port.ifindex });

  const seen = network.findLink('pod1');
  assert.partialDeepStrictEqual(seen, {
    index: port.ifindex,
    name: 'pod1',
    kind: 'veth',
    up: true,
    running: true,
    mtu: 1300,
    address: port.address,
    master: bridge.ifindex,
    link: peer.ifindex,
    linkNetnsId: port.link_netnsid,
    bridgePort: { isolated: true, hairpin: true },
  });
  assert.deepEqual(
    network.listLinks().map(({ name }) => name),
    ['lo', 'cbr0', 'pod1'],
  );
  network.setBridgePort('pod1', { isolated: false });
  assert.deepEqual(network.findLink('pod1')?.bridgePort, { isolated: false, hairpin: true });
});

test('A link is changed, renamed, moved and deleted', (t) => {
  const { network, ip } = setUpNetwork(t);
  const other = setUpNetwork(t);
  network.createVethPair({ name: 'a', peerName: 'b' });
  network.createBridge('bridge');
  network.setMaster('a', 'bridge');
  network.setMaster('a', undefined);
  network.setMtu('a', 1234);
  network.setLinkAddress('a', '02:00:00:00:00:0a');
  network.setUp('a');
  network.setDown('a');
  network.renameLink('a', 'c');
  const [link] = ip('link', 'show', 'c');
  assert.partialDeepStrictEqual(link, { mtu: 1234, address: '02:00:00:00:00:0a', operstate: 'DOWN' });
  assert.equal(link.master, undefined);
  network.moveLink('c', other.netns);
  assert.equal(network.findLink('c'), undefined);
  assert.equal(other.network.findLink('c')?.mtu, 1234);
  other.network.deleteLink('c');
  assert.equal(network.findLink('b'), undefined);
  assert.equal(network.ensureNoLink('b'), false);
  assert.equal(network.ensureNoLink('bridge'), true);
  assert.deepEqual(
    network.listLinks().map(({ name }) => name),
    ['lo'],
  );
});

test('Addresses are what ip shows', (t) => {
  const { network, ip } = setUpNetwork(t);
  network.createBridge('cbr0');
  network.addAddress('cbr0', '10.244.1.1/24');
  network.addAddress('cbr0', 'fd00:244:1::1/64');
  const [{ addr_info: addresses }] = ip('address', 'show', 'cbr0');
  const shown = addresses.map(
    (address: { local: string; prefixlen: number }) => `${address.local}/${address.prefixlen}`,
  );
  assert.deepEqual(shown, ['10.244.1.1/24', 'fd00:244:1::1/64']);
  assert.deepEqual(
    network.listAddresses().map(({ device, address, scope }) => ({ device, address, scope })),
    [
      { device: 'cbr0', address: '10.244.1.1/24', scope: 'global' },
      { device: 'cbr0', address: 'fd00:244:1::1/64', scope: 'global' },
    ],
  );
  network.ensureAddress('cbr0', '10.244.1.1/24');
  network.deleteAddress('cbr0', '10.244.1.1/24');
  network.deleteAddress('cbr0', 'fd00:244:1::1/64');
  assert.deepEqual(network.listAddresses(), []);
});

test('Routes of every kind that a node needs are what ip shows', (t) => {
  const { network, ip } = setUpNetwork(t);
  network.createBridge('eth0');
  network.setUp('eth0');
  network.addAddress('eth0', '10.244.1.7/32');
  network.addRoute({ destination: '10.244.1.1/32', device: 'eth0' });
  network.addRoute({ destination: '0.0.0.0/0', gateway: '10.244.1.1', device: 'eth0' });
  network.addRoute({ destination: '10.244.2.0/24', gateway: '192.0.2.2', device: 'eth0', onlink: true });
  network.addRoute({ destination: '10.96.0.0/16', type: 'blackhole' });
  network.addRoute({ destination: '10.1.0.0/16', device: 'eth0', preferredSource: '10.244.1.7', priority: 50 });
  network.addRoute({ destination: '10.2.0.0/16', device: 'eth0', table: 1000 });

  const routes: { dst: string }[] = ip('route', 'show', 'table', 'all');
  const shown = (destination: string) => routes.find(({ dst }) => dst === destination);
  assert.partialDeepStrictEqual(shown('10.244.1.1'), { dev: 'eth0', scope: 'link', protocol: 'static' });
  assert.partialDeepStrictEqual(shown('default'), { dev: 'eth0', gateway: '10.244.1.1', scope: 'global' });
  assert.partialDeepStrictEqual(shown('10.244.2.0/24'), { gateway: '192.0.2.2', flags: ['onlink'] });
  assert.partialDeepStrictEqual(shown('10.96.0.0/16'), { type: 'blackhole' });
  assert.partialDeepStrictEqual(shown('10.1.0.0/16'), { prefsrc: '10.244.1.7', metric: 50, scope: 'link' });
  assert.partialDeepStrictEqual(shown('10.2.0.0/16'), { table: '1000' });

  const listed = ipv4Routes(network);
  assert.deepEqual(listed.map(({ destination }) => destination).sort(), [
    '0.0.0.0/0',
    '10.1.0.0/16',
    '10.244.1.1/32',
    '10.244.2.0/24',
    '10.96.0.0/16',
  ]);
  assert.partialDeepStrictEqual(
    listed.find(({ destination }) => destination === '10.244.2.0/24'),
    { type: 'unicast', gateway: '192.0.2.2', device: 'eth0', scope: 'global', onlink: true, protocol: 'static' },
  );
  assert.deepEqual(
    network.listRoutes(1000).map(({ destination }) => destination),
    ['10.2.0.0/16'],
  );
});

test('A route is replaced and deleted, whoever made it', (t) => {
  const { network, ip } = setUpNetwork(t);
  network.createBridge('eth0');
  network.setUp('eth0');
  network.addAddress('eth0', '10.244.1.7/32');
  const destination = '10.244.2.0/24';
  network.replaceRoute({ destination, gateway: '192.0.2.2', device: 'eth0', onlink: true });
  network.replaceRoute({ destination, gateway: '192.0.2.3', device: 'eth0', onlink: true });
  assert.deepEqual(
    ipv4Routes(network).map(({ gateway }) => gateway),
    ['192.0.2.3'],
  );
  network.deleteRoute({ destination });
  ip('route', 'add', destination, 'dev', 'eth0', 'proto', 'boot');
  assert.equal(network.ensureNoRoute({ destination }), true);
  assert.equal(network.ensureNoRoute({ destination }), false);
  ip('route', 'add', 'unreachable', destination);
  network.deleteRoute({ destination, type: 'unreachable' });
  assert.deepEqual(ipv4Routes(network), []);
});

test('IPv6 routes are listed beside those of IPv4', (t) => {
  const { network } = setUpNetwork(t);
  network.createBridge('eth0');
  network.setUp('eth0');
  network.addRoute({ destination: 'fd00:1::/64', device: 'eth0' });
  network.ensureRoute({ destination: 'fd00:1::/64', device: 'eth0' });
  network.addRoute({ destination: '10.3.0.0/16', device: 'eth0' });
  const destinations = network.listRoutes().map(({ destination }) => destination);
  assert.ok(destinations.includes('fd00:1::/64') && destinations.includes('10.3.0.0/16'));
});

test('What is there already is fine when it is the same', (t) => {
  const { network } = setUpNetwork(t);
  const other = setUpNetwork(t);
  const pair = { name: 'pod1', peerName: 'eth0', peerNetns: other.netns };
  for (let round = 0; round < 2; round++) {
    network.ensureBridge('cbr0');
    network.ensureVethPair(pair);
    network.ensureVethPair({ name: 'x', peerName: 'y' });
    network.setUp('cbr0');
    network.ensureAddress('cbr0', '10.244.1.1/24');
    network.ensureRoute({ destination: '10.5.0.0/16', gateway: '10.244.1.9', device: 'cbr0' });
    network.ensureRoute({ destination: '10.6.0.0/16', device: 'cbr0' });
    network.ensureRoute({ destination: '10.7.0.0/16', type: 'blackhole' });
  }
  assert.deepEqual(
    network
      .listLinks()
      .map(({ name }) => name)
      .sort(),
    ['cbr0', 'lo', 'pod1', 'x', 'y'],
  );
});

test('What is there already and differs is refused and named', (t) => {
  const { network } = setUpNetwork(t);
  const other = setUpNetwork(t);
  network.createVethPair({ name: 'cbr0', peerName: 'p' });
  network.createBridge('eth0');
  network.setUp('eth0');
  network.addAddress('eth0', '10.244.1.7/32');
  network.ensureRoute({ destination: '10.5.0.0/16', device: 'eth0' });
  const refusals: [() => void, string][] = [
    [() => network.ensureBridge('cbr0'), 'Create link cbr0: EEXIST: there is a veth of that name'],
    [
      () => network.ensureVethPair({ name: 'cbr0', peerName: 'p', peerNetns: other.netns }),
      'Create link cbr0 with peer p: EEXIST: there is a veth of that name, whose peer is not p',
    ],
    [
      () => network.ensureRoute({ destination: '10.5.0.0/16', gateway: '192.0.2.1', device: 'eth0', onlink: true }),
      'Add route 10.5.0.0/16 via 192.0.2.1 dev eth0 onlink: EEXIST: there is 10.5.0.0/16 dev eth0',
    ],
  ];
  for (const [attempt, message] of refusals) assert.throws(attempt, { name: 'KernelError', code: 'EEXIST', message });
});

test('Errors name what was attempted, the errno and the kernel’s own words', (t) => {
  const { network } = setUpNetwork(t);
  network.createBridge('eth0');
  const failures: [() => void, RegExp][] = [
    [() => network.createBridge('eth0'), /^Create link eth0: EEXIST/],
    [() => network.createBridge('a-name-that-is-too-long'), /^Create link a-name-that-is-too-long: ERANGE: \w/],
    [() => network.setUp('none'), /^Set link none up: ENODEV/],
    [() => network.setMaster('eth0', 'none'), /^Set master of link eth0 to none: ENODEV: there is no link none$/],
    [() => network.deleteLink('none'), /^Delete link none: ENODEV/],
    [
      () => network.addAddress('none', '10.0.0.1/8'),
      /^Add address 10\.0\.0\.1\/8 to link none: ENODEV: there is no link none$/,
    ],
    [() => network.addAddress('eth0', '10.0.0.1'), /^Read an IP prefix: "10\.0\.0\.1" does not end in a length/],
    [
      () => network.addRoute({ destination: '10.0.0.0/8', gateway: '192.0.2.1' }),
      /^Add route 10\.0\.0\.0\/8 via 192\.0\.2\.1: ENETUNREACH: \w/,
    ],
    [() => network.deleteRoute({ destination: '10.0.0.0/8' }), /^Delete route 10\.0\.0\.0\/8: ESRCH/],
    [
      () => network.moveLink('eth0', '/run/netns/t-kernel-none'),
      /^Move link eth0 to \/run\/netns\/t-kernel-none: ENOENT$/,
    ],
  ];
  for (const [attempt, message] of failures) assert.throws(attempt, { message });
});
