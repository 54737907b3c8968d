import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Deployment,
  Endpoints,
  type KubeObject,
  Namespace,
  Pod,
  ReplicaSet,
  Service,
  ServiceAccount,
} from '../../kube/mod.ts';
import { available, container, createHostnames, labels, slices, startCluster } from '../testing/hostnames.ts';

test('deleting a Deployment deletes its ReplicaSets and Pods, and deleting a Service its slices and Endpoints', async (t) => {
  const cluster = await startCluster(t);
  await createHostnames(cluster);
  await cluster.until('3 Pods', () => available(cluster, 3));
  await cluster.client.delete(Deployment, 'hostnames', { namespace: 'default', propagationPolicy: 'Background' });
  await cluster.client.delete(Service, 'hostnames', { namespace: 'default' });
  await cluster.until('nothing is left', async () => {
    for (const resource of [ReplicaSet, Pod]) assert.deepEqual(await cluster.list<KubeObject>(resource), []);
    assert.deepEqual(await slices(cluster), []);
    assert.deepEqual(
      (await cluster.list(Endpoints)).map(({ metadata }) => metadata.name),
      ['kubernetes'],
    );
  });
});

test('a foreground deletion keeps the owner until its Pods are gone; an orphaning one lets them live', async (t) => {
  const cluster = await startCluster(t);
  await createHostnames(cluster);
  await cluster.until('3 Pods', () => available(cluster, 3));
  cluster.agents.endsPods = false;
  await cluster.client.delete(Deployment, 'hostnames', { namespace: 'default', propagationPolicy: 'Foreground' });
  await cluster.quiet();
  assert.equal((await cluster.list(Deployment)).length, 1);
  assert.deepEqual(await cluster.livePods(), []);
  cluster.agents.endsPods = true;
  cluster.agents.wake();
  await cluster.until('nothing is left', async () => {
    for (const resource of [Deployment, ReplicaSet, Pod])
      assert.deepEqual(await cluster.list<KubeObject>(resource), []);
  });
  await cluster.client.delete(Service, 'hostnames', { namespace: 'default' });
  await createHostnames(cluster);
  await cluster.until('3 Pods again', () => available(cluster, 3));
  const before = (await cluster.livePods()).map(({ metadata }) => metadata.uid).sort();
  await cluster.client.delete(Deployment, 'hostnames', { namespace: 'default', propagationPolicy: 'Orphan' });
  await cluster.until('the Deployment is gone', async () => (await cluster.list(Deployment)).length === 0);
  await cluster.quiet();
  const [orphan] = await cluster.list(ReplicaSet);
  assert.equal(orphan?.metadata.ownerReferences, undefined);
  await cluster.client.delete(Service, 'hostnames', { namespace: 'default' });
  await createHostnames(cluster);
  await cluster.until('the ReplicaSet is adopted', () => available(cluster, 3));
  assert.deepEqual((await cluster.livePods()).map(({ metadata }) => metadata.uid).sort(), before);
});

test('a namespace takes all that is in it along, and every namespace has its default account', async (t) => {
  const cluster = await startCluster(t);
  await cluster.client.create(Namespace, { metadata: { name: 'shop' } });
  await cluster.until('the account is there', async () => (await cluster.list(ServiceAccount, 'shop')).length === 1);
  const metadata = { name: 'web', namespace: 'shop' };
  const template = { metadata: { labels }, spec: { containers: [container] } };
  await cluster.client.create(Deployment, {
    metadata,
    spec: { replicas: 2, selector: { matchLabels: labels }, template },
  });
  await cluster.client.create(Service, { metadata, spec: { selector: labels, ports: [{ port: 80 }] } });
  await cluster.until('2 Pods', async () => (await cluster.list(Pod, 'shop')).length === 2);
  await cluster.client.delete(Namespace, 'shop');
  await cluster.until(
    'it is gone',
    async () => {
      const names = (await cluster.list(Namespace)).map(({ metadata }) => metadata.name);
      assert(!names.includes('shop'), names.join());
    },
    20_000,
  );
  assert.deepEqual(await cluster.list(Pod, 'shop'), []);
});
