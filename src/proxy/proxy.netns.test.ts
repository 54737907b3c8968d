import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { UsageError } from '../base/errors.ts';
import { silentLogger } from '../base/log.ts';
import { createKernel } from '../kernel/mod.ts';
import { createNftablesDataplane } from './dataplane/nftables/mod.ts';
import { cleanUp, realDataplanes, startProxy } from './mod.ts';
import { testNamespace } from './testing/namespace.ts';
import { fakeInformers, service, slice } from './testing/objects.ts';

const kernel = createKernel();

function setUp(t: TestContext) {
  const netns = testNamespace(t);
  const informers = fakeInformers();
  const start = () =>
    startProxy({ source: { informers }, nodeName: 'node1', kernel, clock: systemClock, log: silentLogger, netns });
  const frontends = () => {
    const dataplane = createNftablesDataplane(kernel, { family: 'IPv4', netns });
    const { groups } = dataplane.read();
    dataplane.close();
    return [...groups].map(([frontend, { cluster }]) => `${frontend} ${cluster?.endpoints.length}`).sort();
  };
  return { ...informers, netns, start, frontends };
}

const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

test('Nothing is written before both Services and slices are known', async (t) => {
  const { services, slices, start, frontends } = setUp(t);
  const proxy = start();
  services.put(service('web', '10.96.0.1'));
  services.sync();
  await turn();
  assert.deepEqual(frontends(), []);
  slices.put(slice('web', ['10.0.0.1']));
  slices.sync();
  await proxy.synced;
  assert.deepEqual(frontends(), ['10.96.0.1:80/TCP 1']);
  await proxy.stop();
});

test('What one turn brings is one transaction, written without a timer', async (t) => {
  const { services, slices, start, frontends } = setUp(t);
  services.sync();
  slices.sync();
  const proxy = start();
  await proxy.synced;
  for (let i = 1; i <= 5; i++) {
    services.put(service(`s${i}`, `10.96.0.${i}`));
    slices.put(slice(`s${i}`, []), slice(`s${i}`, ['10.0.0.1', '10.0.0.2']));
  }
  await turn();
  assert.equal(proxy.counters.syncs, 1);
  assert.equal(proxy.counters.servicesTouched, 5);
  assert.equal(frontends().length, 5);
  await proxy.stop();
});

test('Stopping leaves the rules, cleaning up removes them', async (t) => {
  const { services, slices, start, frontends, netns } = setUp(t);
  services.put(service('web', '10.96.0.1'));
  services.sync();
  slices.sync();
  const proxy = start();
  await proxy.synced;
  await proxy.stop();
  services.put(service('later', '10.96.0.2'));
  await turn();
  assert.deepEqual(frontends(), ['10.96.0.1:80/TCP 0']);
  cleanUp(realDataplanes({ kernel, clock: systemClock, log: silentLogger, netns }), kernel, silentLogger, netns);
  assert.deepEqual(frontends(), []);
});

test('A bad setting is refused before anything is opened', (t) => {
  const { netns } = setUp(t);
  const options = { nodeName: 'node1', kernel, clock: systemClock, log: silentLogger, netns };
  const source = { informers: fakeInformers() };
  assert.throws(() => startProxy({ ...options, source, clusterCidr: '10.244.0.0' }), UsageError);
});
