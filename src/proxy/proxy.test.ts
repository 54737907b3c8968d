import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { OperatingError } from '../base/errors.ts';
import { createLogger } from '../base/log.ts';
import { createFakeKernel } from '../kernel/mod.ts';
import type { Family } from './plan/mod.ts';
import { startProxy } from './proxy.ts';
import type { ProxySettings } from './settings.ts';
import { FakeDataplane } from './testing/fake-dataplane.ts';
import { fakeInformers, node, service } from './testing/objects.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
const internal = (...addresses: string[]) => addresses.map((address) => ({ type: 'InternalIP', address }));

function setUp(t: TestContext, settings: ProxySettings = {}, unable: Family[] = []) {
  const informers = fakeInformers();
  const opened: Record<Family, FakeDataplane[]> = { IPv4: [], IPv6: [] };
  const lines: string[] = [];
  const clock = new ManualClock();
  const proxy = startProxy({
    ...settings,
    source: { informers },
    nodeName: 'node1',
    kernel: createFakeKernel(() => ({ error: 'EPERM' })),
    clock,
    log: createLogger({ now: () => clock.now(), level: 'warn', write: (line) => lines.push(line) }),
    createDataplane(family) {
      if (unable.includes(family)) throw new OperatingError('Open it', 'unsupported', 'this kernel has none');
      const dataplane = new FakeDataplane();
      opened[family].push(dataplane);
      return dataplane;
    },
  });
  t.after(() => proxy.stop());
  /** Those that are in use: the first one only proved that there can be one. */
  const using = (family: Family) => opened[family].filter(({ closed }) => !closed);
  const dual = service('web', '10.96.0.1', { spec: { clusterIPs: ['10.96.0.1', 'fd00:96::1'] } });
  informers.services.put(dual);
  informers.services.sync();
  informers.slices.sync();
  return { ...informers, proxy, using, lines };
}

test('A node of which nothing is known is served in IPv4', async (t) => {
  const { proxy, using } = setUp(t);
  await proxy.synced;
  assert.deepEqual([using('IPv4').length, using('IPv6').length], [1, 0]);
});

test('A node is served in the families of its addresses, also when one comes later', async (t) => {
  const { nodes, proxy, using } = setUp(t);
  nodes.put(node('node1', { addresses: internal('fd00::1') }));
  await proxy.synced;
  assert.deepEqual([using('IPv4').length, using('IPv6').length], [0, 1]);
  nodes.put(node('node1', { addresses: internal('fd00::1', '172.30.1.1') }));
  await turn();
  assert.deepEqual([...using('IPv4')[0]!.state.keys()], ['10.96.0.1:80/TCP']);
  assert.deepEqual([...using('IPv6')[0]!.state.keys()], ['[fd00:96::1]:80/TCP']);
  assert.deepEqual([...proxy.ports()].map(({ family }) => family).sort(), ['IPv4', 'IPv6']);
});

test('A family that the kernel cannot serve is told of, and the other is served', async (t) => {
  const { lines, nodes, proxy, using } = setUp(t, {}, ['IPv6']);
  nodes.put(node('node1', { addresses: internal('fd00::1', '172.30.1.1') }));
  await proxy.synced;
  assert.equal(using('IPv4')[0]!.state.size, 1);
  assert.equal(lines.filter((line) => line.includes('Cannot serve an address family')).length, 1);
});

test('The node’s Pod range and address reach the dataplane when they come', async (t) => {
  const { nodes, proxy, using } = setUp(t, { detectLocalMode: 'NodeCIDR', nodePortAddresses: ['primary'] });
  await proxy.synced;
  const [dataplane] = using('IPv4');
  assert.deepEqual(dataplane!.settings?.localDetector, { kind: 'none' });
  assert.deepEqual(dataplane!.settings?.nodePorts, { ranges: [], localhost: false });
  dataplane!.calls.length = 0;
  nodes.put(node('node1', { addresses: internal('172.30.1.1'), podCIDRs: ['10.244.1.0/24'] }));
  await turn();
  assert.deepEqual(dataplane!.settings?.localDetector, { kind: 'source-range', range: '10.244.1.0/24' });
  assert.deepEqual(dataplane!.settings?.nodePorts, { ranges: ['172.30.1.1/32'], localhost: false });
  assert.deepEqual(dataplane!.calls, ['read', 'converge']);
});

test('A kernel that has no dataplane at all is told of at once', (t) => {
  assert.throws(() => setUp(t, {}, ['IPv4', 'IPv6']), { code: 'unsupported' });
});
