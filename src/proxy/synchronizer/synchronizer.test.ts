import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { FakeDataplane, trafficSettings } from '../testing/fake-dataplane.ts';
import { fakeInformers, service, slice } from '../testing/objects.ts';
import { Tracker } from '../track/mod.ts';
import { Synchronizer } from './synchronizer.ts';

const syncPeriodMs = 30_000;

function setUp() {
  const informers = fakeInformers();
  const dataplane = new FakeDataplane();
  const clock = new ManualClock();
  const tracker = new Tracker(informers.services, informers.slices, () => {});
  let synced = 0;
  const synchronizer = new Synchronizer({
    tracker,
    nodeName: 'node1',
    clock,
    log: silentLogger,
    syncPeriodMs,
    onSynced: () => {
      synced += 1;
    },
  });
  synchronizer.add({ name: 'node1', family: 'IPv4' }, trafficSettings(), dataplane);
  informers.services.put(service('web', '10.96.0.1'));
  informers.slices.put(slice('web', ['10.0.0.1']));
  const calls = () => dataplane.calls.splice(0).join(' ');
  const web = () => dataplane.state.get('10.96.0.1:80/TCP')?.join(' ');
  return { ...informers, dataplane, clock, synchronizer, calls, web, synced: () => synced };
}

test('The start compares with the kernel; from then on a change is one transaction', () => {
  const { synchronizer, slices, services, calls, web, synced, dataplane } = setUp();
  synchronizer.sync();
  assert.equal(calls(), 'read converge');
  assert.equal(web(), '10.0.0.1:9376');
  assert.ok(synced() > 0);

  slices.put(slice('web', ['10.0.0.1', '10.0.0.2']));
  services.put(service('other', '10.96.0.2'));
  synchronizer.sync();
  assert.equal(calls(), 'apply');
  assert.equal(web(), '10.0.0.1:9376 10.0.0.2:9376');
  assert.deepEqual([...dataplane.state.keys()].sort(), ['10.96.0.1:80/TCP', '10.96.0.2:80/TCP']);
});

test('An event that changes nothing for the kernel costs no call', () => {
  const { synchronizer, services, calls } = setUp();
  synchronizer.sync();
  calls();
  services.put(service('web', '10.96.0.1', { labels: { team: 'blue' } }));
  synchronizer.sync();
  assert.equal(calls(), '');
});

test('A failed transaction is followed by a comparison at once', () => {
  const { synchronizer, slices, dataplane, calls, web } = setUp();
  synchronizer.sync();
  calls();
  dataplane.failing = ['apply'];
  slices.put(slice('web', ['10.0.0.2']));
  synchronizer.sync();
  assert.equal(calls(), 'apply read converge');
  assert.equal(web(), '10.0.0.2:9376');
  assert.equal(synchronizer.counters.failures, 1);
});

test('While comparisons fail they are repeated ever more slowly, and then bring all that has happened since', async () => {
  const { synchronizer, slices, dataplane, clock, calls, web, synced } = setUp();
  dataplane.failing = ['read'];
  synchronizer.sync();
  assert.equal(calls(), 'read');
  dataplane.failing = ['converge'];
  await clock.advance(49);
  slices.put(slice('web', ['10.0.0.3']));
  synchronizer.sync();
  assert.equal(calls(), '', 'an event does not cut the wait short');
  await clock.advance(1);
  assert.equal(calls(), 'read converge');
  dataplane.failing = ['read'];
  await clock.advance(99);
  assert.equal(calls(), '');
  await clock.advance(1);
  assert.equal(calls(), 'read');
  assert.equal(synced(), 0);
  await clock.advance(200);
  assert.equal(calls(), 'read converge');
  assert.ok(synced() > 0);
  assert.equal(web(), '10.0.0.3:9376');
});

test('Drift is looked for each period, and repaired', async () => {
  const { synchronizer, dataplane, clock, calls, web } = setUp();
  synchronizer.sync();
  calls();
  await clock.advance(syncPeriodMs);
  assert.equal(calls(), 'mayHaveDrifted');
  dataplane.lose();
  await clock.advance(syncPeriodMs);
  assert.equal(calls(), 'mayHaveDrifted read converge');
  assert.equal(web(), '10.0.0.1:9376');
  assert.equal(synchronizer.counters.repairs, 1);
  await clock.advance(syncPeriodMs);
  assert.equal(calls(), 'mayHaveDrifted');
});

test('What others change elsewhere is looked at and is no repair', async () => {
  const { synchronizer, dataplane, clock, calls } = setUp();
  synchronizer.sync();
  calls();
  dataplane.drifted = true;
  await clock.advance(syncPeriodMs);
  assert.equal(calls(), 'mayHaveDrifted read converge');
  assert.equal(synchronizer.counters.repairs, 0);
});

test('Stopped, it does nothing more and leaves the kernel as it is', async () => {
  const { synchronizer, slices, clock, calls, web } = setUp();
  synchronizer.sync();
  calls();
  synchronizer.stop();
  slices.put(slice('web', ['10.0.0.2']));
  synchronizer.sync();
  await clock.advance(10 * syncPeriodMs);
  assert.equal(calls(), '');
  assert.equal(clock.pendingTimers, 0);
  assert.equal(web(), '10.0.0.1:9376');
});
