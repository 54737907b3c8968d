import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigMap, Namespace } from '../../kube/mod.ts';
import { TestCluster } from '../testing/cluster.ts';

test('the authority’s certificate stands in every namespace, and comes back when it is changed or deleted', async (t) => {
  const cluster = await TestCluster.start({ rootCaPem: 'CA' });
  t.after(() => cluster.stop());
  await cluster.startControllers();
  const name = 'kube-root-ca.crt';
  const holds = async (namespace: string) => {
    const { data } = await cluster.client.get(ConfigMap, name, { namespace });
    return data?.['ca.crt'] === 'CA';
  };
  await cluster.until('it is in default', () => holds('default'));
  await cluster.client.create(Namespace, { metadata: { name: 'shop' } });
  await cluster.until('it is in a new namespace', () => holds('shop'));
  const found = await cluster.client.get(ConfigMap, name, { namespace: 'shop' });
  await cluster.client.update(ConfigMap, { ...found, data: { 'ca.crt': 'other' } });
  await cluster.until('a change is undone', () => holds('shop'));
  await cluster.client.delete(ConfigMap, name, { namespace: 'shop' });
  await cluster.until('it comes back', () => holds('shop'));
  await cluster.quiet();
  assert.deepEqual(await cluster.quiet(), []);
});
