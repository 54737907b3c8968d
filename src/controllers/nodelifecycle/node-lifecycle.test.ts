import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Endpoints, Node } from '../../kube/mod.ts';
import { available, createHostnames, readyAddresses, startCluster } from '../testing/hostnames.ts';

test('a silent node: NotReady after the grace period, its Pods out of the endpoints; back when it is heard again', async (t) => {
  const cluster = await startCluster(t, { nodeLifecycle: { graceMs: 40_000 } });
  await createHostnames(cluster);
  await cluster.until('3 Pods', () => available(cluster, 3));
  const beat = async (nodes: string[], seconds: number) => {
    for (let second = 0; second < seconds; second += 10) {
      for (const node of nodes) await cluster.renewLease(node);
      await cluster.clock.advance(10_000);
    }
  };
  const readiness = async () =>
    (await cluster.list(Node)).map(({ status }) => status?.conditions?.find(({ type }) => type === 'Ready')?.status);
  const endpoints = async () => {
    const { subsets = [] } = await cluster.client.get(Endpoints, 'hostnames', { namespace: 'default' });
    const count = (kind: 'addresses' | 'notReadyAddresses') => subsets.flatMap((subset) => subset[kind] ?? []).length;
    return { ready: count('addresses'), notReady: count('notReadyAddresses') };
  };
  await beat(['node1', 'node2', 'node3'], 120);
  assert.deepEqual(await readiness(), ['True', 'True', 'True']);
  cluster.agents.silent.add('node2');
  await beat(['node1', 'node3'], 20);
  assert.deepEqual(await readiness(), ['True', 'True', 'True']);
  await beat(['node1', 'node3'], 20);
  assert.deepEqual(await readiness(), ['True', 'Unknown', 'True']);
  assert.equal((await readyAddresses(cluster)).length, 2);
  const node = await cluster.client.get(Node, 'node2');
  assert.deepEqual(
    node.spec.taints?.map(({ key, effect }) => `${key} ${effect}`),
    ['node.kubernetes.io/unreachable NoSchedule', 'node.kubernetes.io/unreachable NoExecute'],
  );
  assert.deepEqual(await endpoints(), { ready: 2, notReady: 1 });
  // The Lease alone says that the agent lives, not how the node and its Pods are.
  await beat(['node1', 'node2', 'node3'], 10);
  assert.deepEqual(await readiness(), ['True', 'Unknown', 'True']);
  assert.equal((await readyAddresses(cluster)).length, 2);
  cluster.agents.silent.delete('node2');
  await cluster.setNodeReady('node2');
  cluster.agents.wake();
  await beat(['node1', 'node2', 'node3'], 10);
  assert.deepEqual(await readiness(), ['True', 'True', 'True']);
  assert.equal((await readyAddresses(cluster)).length, 3);
  assert.deepEqual(await endpoints(), { ready: 3, notReady: 0 });
  assert.equal((await cluster.client.get(Node, 'node2')).spec.taints, undefined);
});

test('controllers that have just started give every node its full grace period', async (t) => {
  const cluster = await startCluster(t, { nodeLifecycle: { graceMs: 40_000 } });
  for (const node of ['node1', 'node2', 'node3']) await cluster.renewLease(node);
  await cluster.stopControllers();
  await cluster.clock.advance(600_000);
  cluster.writes.splice(0);
  await cluster.startControllers();
  await cluster.clock.advance(39_000);
  assert.deepEqual(
    cluster.writes.filter(({ line }) => line.includes('/nodes/')),
    [],
  );
  await cluster.clock.advance(2_000);
  await cluster.quiet();
  const statuses = (await cluster.list(Node)).map(({ status }) => status?.conditions?.[0]?.status);
  assert.deepEqual(statuses, ['Unknown', 'Unknown', 'Unknown']);
});

test('Pods of a node that is deleted are out of the endpoints at once, and replaced elsewhere after a quarantine', async (t) => {
  const cluster = await startCluster(t);
  await createHostnames(cluster);
  await cluster.until('3 Pods', () => available(cluster, 3));
  await cluster.client.delete(Node, 'node3');
  await cluster.quiet();
  assert.equal((await readyAddresses(cluster)).length, 2);
  assert.equal((await cluster.livePods()).length, 3);
  await cluster.clock.advance(41_000);
  await cluster.until('3 Pods on 2 nodes', async () => {
    const nodes = new Set((await cluster.livePods()).map(({ spec }) => spec.nodeName));
    assert.deepEqual([...nodes].sort(), ['node1', 'node2']);
    await available(cluster, 3);
  });
});
