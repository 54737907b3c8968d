import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Service, ServiceCIDR } from '../../kube/mod.ts';
import { TestCluster } from '../testing/cluster.ts';

test('a range is ready, and goes when nobody has an address of it that no other range has', async (t) => {
  const cluster = await TestCluster.start();
  t.after(() => cluster.stop());
  await cluster.startControllers();
  const { client } = cluster;
  const readyOf = async (name: string) =>
    (await client.get(ServiceCIDR, name)).status?.conditions?.map(({ status, reason }) => `${status} ${reason}`).join();
  const become = (name: string, state: string) =>
    cluster.until(`${name} is ${state}`, async () => assert.equal(await readyOf(name), state));
  const isGone = (name: string) =>
    cluster.until(`${name} is gone`, async () =>
      (await cluster.list(ServiceCIDR)).every(({ metadata }) => metadata.name !== name),
    );

  await become('kubernetes', 'True ');
  await client.create(ServiceCIDR, { metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/24'] } });
  await become('more', 'True ');
  const at = { name: 'a', namespace: 'default' };
  const spec = { clusterIP: '10.97.0.7', ports: [{ port: 80 }] };
  await client.create(Service, { metadata: at, spec });

  await client.delete(ServiceCIDR, 'more');
  await become('more', 'False Terminating');
  await cluster.quiet();
  assert.equal(await readyOf('more'), 'False Terminating', 'a Service has an address of it');
  await client.create(ServiceCIDR, { metadata: { name: 'wider' }, spec: { cidrs: ['10.97.0.0/16'] } });
  await isGone('more');

  await client.delete(ServiceCIDR, 'wider');
  await become('wider', 'False Terminating');
  await client.delete(Service, 'a', at);
  await isGone('wider');
  await cluster.quiet();
  assert.deepEqual(await cluster.quiet(), []);
});
