import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import type { Family, NodeFacts, StaleFlow } from '../plan/mod.ts';
import { endpointText, frontendText, servingEndpoints } from '../plan/mod.ts';
import type { HealthCheck, SyncReport } from '../ports.ts';
import { FakeDataplane, trafficSettings } from '../testing/fake-dataplane.ts';
import { fakeInformers, service, slice, udp } from '../testing/objects.ts';
import { Tracker } from '../track/mod.ts';
import { Synchronizer } from './synchronizer.ts';

/** A synchronizer of both families, and everything that it says to its neighbours. */
function setUp() {
  const informers = fakeInformers();
  const clock = new ManualClock();
  const said: string[] = [];
  const text = ({ frontend, endpoint }: StaleFlow) =>
    `${frontendText(frontend, 'UDP')} ${typeof endpoint === 'string' ? endpoint : endpointText(endpoint)}`;
  const tracker = new Tracker(informers.services, informers.slices, () => {});
  const synchronizer = new Synchronizer({
    tracker,
    nodeName: 'node1',
    clock,
    log: silentLogger,
    syncPeriodMs: 30_000,
    onSynced: () => said.push('synced'),
    flows: {
      removeStale: (flows) => said.push(`stale ${flows.map(text).join(', ')}`),
      removeAllBut: (ports) => said.push(`all but ${[...ports].flatMap((port) => [...servingEndpoints(port).keys()])}`),
    },
    healthChecks: {
      set: ({ service: key, nodePort, localEndpoints }: HealthCheck) =>
        said.push(`health ${key} ${nodePort}: ${localEndpoints}`),
      delete: (key) => said.push(`no health ${key}`),
    },
    recorder: {
      record: (about, type, reason, message) => said.push(`${type} ${about.metadata.name} ${reason}: ${message}`),
    },
    observer: {
      queued: () => {},
      synced: ({ family, extent, written }: SyncReport) => said.push(`${extent} ${family} ${written.messages}`),
      failed: (family) => said.push(`failed ${family}`),
    },
  });
  const dataplanes = { IPv4: new FakeDataplane(), IPv6: new FakeDataplane() };
  const add = (family: Family, more: Partial<NodeFacts> = {}) =>
    synchronizer.add({ name: 'node1', family, ...more }, trafficSettings({ family }), dataplanes[family]);
  return {
    ...informers,
    clock,
    synchronizer,
    dataplanes,
    add,
    said: () => said.splice(0),
    calls: (family: Family) => dataplanes[family].calls.splice(0).join(' '),
  };
}

const dual = (name: string, options: Parameters<typeof service>[2] = {}) =>
  service(name, '10.96.0.1', { ...options, spec: { clusterIPs: ['10.96.0.1', 'fd00:96::1'], ...options.spec } });
const slices = (...addresses: string[]) => [
  slice('web', addresses, { name: 'four' }),
  slice(
    'web',
    addresses.map((address) => address.replace('10.0.0.', 'fd00::')),
    { name: 'six', addressType: 'IPv6' },
  ),
];

test('One pass brings both families in step, and a change goes to the family that it is of', () => {
  const { add, calls, dataplanes, said, services, slices: objects, synchronizer } = setUp();
  add('IPv4');
  add('IPv6');
  services.put(dual('web'));
  objects.put(...slices('10.0.0.1'));
  synchronizer.sync();
  assert.deepEqual([calls('IPv4'), calls('IPv6')], ['read converge', 'read converge']);
  assert.deepEqual([...dataplanes.IPv4.state], [['10.96.0.1:80/TCP', ['10.0.0.1:9376']]]);
  assert.deepEqual([...dataplanes.IPv6.state], [['[fd00:96::1]:80/TCP', ['[fd00::1]:9376']]]);
  assert.deepEqual(said(), [
    'all but 10.0.0.1:9376',
    'full IPv4 10',
    'all but [fd00::1]:9376',
    'full IPv6 10',
    'synced',
  ]);

  objects.put(slices('10.0.0.1', '10.0.0.2')[1]!);
  synchronizer.sync();
  assert.deepEqual([calls('IPv4'), calls('IPv6')], ['', 'apply']);
  assert.deepEqual(said(), ['partial IPv4 0', 'partial IPv6 4']);
});

test('A family that fails is waited for, while the other goes on', async () => {
  const { add, calls, clock, dataplanes, said, services, synchronizer } = setUp();
  add('IPv4');
  add('IPv6');
  synchronizer.sync();
  said();
  dataplanes.IPv6.failing = ['apply', 'read'];
  services.put(dual('web'));
  synchronizer.sync();
  assert.deepEqual(said(), [
    'partial IPv4 4',
    'failed IPv6',
    'failed IPv6',
    'Warning node1 FailedToSyncRules: Cannot bring the kernel in step: Fake read: ENOBUFS',
  ]);
  services.put(dual('other', { spec: { clusterIP: '10.96.0.2', clusterIPs: ['10.96.0.2', 'fd00:96::2'] } }));
  synchronizer.sync();
  assert.deepEqual([dataplanes.IPv4.state.size, dataplanes.IPv6.state.size], [2, 0]);
  calls('IPv6');
  await clock.advance(50);
  assert.equal(calls('IPv6'), 'read converge');
  assert.equal(dataplanes.IPv6.state.size, 2);
});

test('A family that comes later is given all that is known', () => {
  const { add, dataplanes, services, synchronizer } = setUp();
  add('IPv4');
  services.put(dual('web'));
  synchronizer.sync();
  add('IPv6');
  synchronizer.sync();
  assert.deepEqual([...dataplanes.IPv6.state.keys()], ['[fd00:96::1]:80/TCP']);
});

test('Another zone replans only Services with zone hints, another address only those with source ranges', () => {
  const { add, calls, dataplanes, services, slices: objects, synchronizer } = setUp();
  const facts = { name: 'node1', family: 'IPv4', zone: 'a', address: '172.30.1.1' } as const;
  add('IPv4', facts);
  const hinted = (address: string, zone: string) => ({ addresses: [address], hints: { forZones: [{ name: zone }] } });
  services.put(
    service('web', '10.96.0.1'),
    service('plain', '10.96.0.2'),
    service('closed', '10.96.0.3', {
      spec: { externalIPs: [], loadBalancerSourceRanges: ['172.30.0.0/16'] },
    }),
  );
  objects.put(slice('web', [hinted('10.0.0.1', 'a'), hinted('10.0.0.2', 'b')]), slice('plain', ['10.0.0.3']));
  synchronizer.sync();
  assert.deepEqual(dataplanes.IPv4.state.get('10.96.0.1:80/TCP'), ['10.0.0.1:9376']);
  calls('IPv4');

  const { servicesTouched } = synchronizer.counters;
  synchronizer.configure({ ...facts, zone: 'b' }, trafficSettings());
  synchronizer.sync();
  assert.equal(synchronizer.counters.servicesTouched - servicesTouched, 1);
  assert.deepEqual(dataplanes.IPv4.state.get('10.96.0.1:80/TCP'), ['10.0.0.2:9376']);
  assert.equal(calls('IPv4'), 'apply');

  synchronizer.configure({ ...facts, zone: 'b', address: '192.168.1.1' }, trafficSettings());
  synchronizer.sync();
  assert.equal(synchronizer.counters.servicesTouched - servicesTouched, 2);
  assert.equal(
    [...synchronizer.ports()].find(({ name }) => name.service.endsWith('closed'))?.firewall?.admitsNode,
    false,
  );
});

test('Settings that follow from the node reach the dataplane, and only when they differ', () => {
  const { add, calls, dataplanes, synchronizer } = setUp();
  add('IPv4');
  synchronizer.sync();
  calls('IPv4');
  const facts = { name: 'node1', family: 'IPv4' } as const;
  synchronizer.configure(facts, trafficSettings());
  synchronizer.sync();
  assert.equal(calls('IPv4'), '');
  const localDetector = { kind: 'source-range', range: '10.244.1.0/24' } as const;
  synchronizer.configure(facts, trafficSettings({ localDetector }));
  synchronizer.sync();
  assert.equal(calls('IPv4'), 'read converge');
  assert.deepEqual(dataplanes.IPv4.settings?.localDetector, localDetector);
});

test('Stale flows are told of after the change is in the kernel, also when it took a second attempt', () => {
  const { add, dataplanes, said, services, slices: objects, synchronizer } = setUp();
  add('IPv4');
  const ports = [{ name: '', protocol: 'UDP', port: 53 }];
  services.put(service('dns', '10.96.0.10', { ports: [udp(53)] }));
  objects.put(slice('dns', ['10.0.0.1', '10.0.0.2'], { ports }));
  synchronizer.sync();
  said();
  objects.put(slice('dns', ['10.0.0.1'], { ports }));
  synchronizer.sync();
  assert.deepEqual(said(), ['stale 10.96.0.10:53/UDP 10.0.0.2:53', 'partial IPv4 4']);

  dataplanes.IPv4.failing = ['apply'];
  services.delete('default/dns');
  synchronizer.sync();
  assert.deepEqual(said(), ['failed IPv4', 'all but ', 'full IPv4 10', 'synced']);
});

test('An endpoint that drains and then dies costs no transaction, but its flows', () => {
  const { add, calls, said, services, slices: objects, synchronizer } = setUp();
  add('IPv4');
  const ports = [{ name: '', protocol: 'UDP', port: 53 }];
  const leaving = (serving: boolean) => ({
    addresses: ['10.0.0.2'],
    conditions: { ready: false, serving, terminating: true },
  });
  services.put(service('dns', '10.96.0.10', { ports: [udp(53)] }));
  objects.put(slice('dns', ['10.0.0.1', leaving(true)], { ports }));
  synchronizer.sync();
  said();
  calls('IPv4');
  objects.put(slice('dns', ['10.0.0.1', leaving(false)], { ports }));
  synchronizer.sync();
  assert.equal(calls('IPv4'), '');
  assert.deepEqual(said(), ['stale 10.96.0.10:53/UDP 10.0.0.2:53', 'partial IPv4 0']);
});

test('Health checks are told of when they come, change and go, once for both families', () => {
  const { add, said, services, slices: objects, synchronizer } = setUp();
  add('IPv4');
  add('IPv6');
  const asked = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30999 } as const;
  const health = () => said().filter((one) => one.includes('health'));
  const on = (nodeName: string, ...addresses: string[]) =>
    addresses.map((address) => ({ addresses: [address], nodeName }));
  services.put(dual('web', { spec: asked }));
  objects.put(slice('web', on('node1', '10.0.0.1', '10.0.0.2'), { name: 'four' }));
  synchronizer.sync();
  assert.deepEqual(health(), ['health default/web 30999: 2']);
  objects.put(slice('web', on('node1', 'fd00::1'), { name: 'six', addressType: 'IPv6' }));
  synchronizer.sync();
  assert.deepEqual(health(), []);
  objects.put(slice('web', on('node2', '10.0.0.1', '10.0.0.2'), { name: 'four' }));
  synchronizer.sync();
  assert.deepEqual(health(), ['health default/web 30999: 1']);
  services.put(dual('web'));
  synchronizer.sync();
  assert.deepEqual(health(), ['no health default/web']);
});

test('Events: a bad range once, however many families and passes, and a frontend that another Service has', () => {
  const { add, said, services, synchronizer } = setUp();
  add('IPv4');
  add('IPv6');
  const events = () => said().filter((one) => one.startsWith('Warning'));
  services.put(dual('web', { spec: { loadBalancerSourceRanges: ['nonsense'] } }));
  synchronizer.sync();
  assert.deepEqual(events(), [
    'Warning web InvalidSourceRange: Read loadBalancerSourceRanges: nonsense is not a range of addresses, and is left out',
  ]);
  services.put(dual('web', { spec: { loadBalancerSourceRanges: ['nonsense'] }, labels: { team: 'blue' } }));
  services.put(service('late', '10.96.0.1', { created: '2026-02-01T00:00:00Z' }));
  synchronizer.sync();
  assert.deepEqual(events(), [
    'Warning late FrontendConflict: Another Service has the same frontend: 10.96.0.1:80/TCP',
  ]);
});

test('A dataplane that notices somebody else’s change has it repaired without waiting for the period', () => {
  const { add, calls, dataplanes, services, synchronizer } = setUp();
  add('IPv4');
  services.put(service('web', '10.96.0.1'));
  synchronizer.sync();
  calls('IPv4');
  dataplanes.IPv4.lose();
  dataplanes.IPv4.notice();
  assert.equal(calls('IPv4'), 'mayHaveDrifted read converge');
  assert.equal(synchronizer.counters.repairs, 1);
  synchronizer.stop();
  dataplanes.IPv4.notice();
  assert.equal(calls('IPv4'), '');
});
