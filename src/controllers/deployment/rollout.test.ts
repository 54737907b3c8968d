import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deployment, Pod, ReplicaSet } from '../../kube/mod.ts';
import { available, condition, createHostnames, setImage, startCluster } from '../testing/hostnames.ts';

test('a rolling update keeps to maxSurge and maxUnavailable, and a rollback reuses the old ReplicaSet', async (t) => {
  const cluster = await startCluster(t);
  await createHostnames(cluster, 4, { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } });
  await cluster.until('4 Pods', () => available(cluster, 4));
  await cluster.quiet();
  await setImage(cluster, 'v2');
  await cluster.until('all are new', async () => {
    const pods = await cluster.livePods();
    assert(pods.length <= 5, `${pods.length} Pods`);
    const ready = pods.filter(({ status }) =>
      status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
    );
    assert(ready.length >= 3, `${ready.length} ready`);
    assert(pods.every(({ spec }) => spec.containers[0]?.image === 'v2'));
    await available(cluster, 4);
  });
  const sets = await cluster.list(ReplicaSet);
  assert.deepEqual(sets.map(({ spec }) => spec.replicas).sort(), [0, 4]);
  await setImage(cluster, 'hostnames');
  await cluster.until('all are old again', async () => {
    assert((await cluster.livePods()).every(({ spec }) => spec.containers[0]?.image === 'hostnames'));
    await available(cluster, 4);
  });
  const after = await cluster.list(ReplicaSet);
  assert.equal(after.length, 2);
  const current = after.find(({ spec }) => spec.replicas === 4);
  assert.equal(current?.metadata.annotations?.['deployment.kubernetes.io/revision'], '3');
  assert.equal(current?.metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1');
});

test('Recreate starts no new Pod before the last old one is gone', async (t) => {
  const cluster = await startCluster(t);
  await createHostnames(cluster, 3, { type: 'Recreate' });
  await cluster.until('3 Pods', () => available(cluster, 3));
  cluster.agents.endsPods = false;
  await setImage(cluster, 'v2');
  await cluster.quiet();
  const pods = await cluster.list(Pod);
  assert.deepEqual(
    pods.map(({ metadata, spec }) => [spec.containers[0]?.image, metadata.deletionTimestamp !== undefined]),
    Array(3).fill(['hostnames', true]),
  );
  cluster.agents.endsPods = true;
  cluster.agents.wake();
  await cluster.until('3 new Pods', async () => {
    await available(cluster, 3);
    assert((await cluster.list(Pod)).every(({ spec }) => spec.containers[0]?.image === 'v2'));
  });
});

test('a broken new version stops the rollout and is reported when the deadline has passed', async (t) => {
  const cluster = await startCluster(t);
  await createHostnames(cluster, 3);
  const deadline = { spec: { progressDeadlineSeconds: 60 } };
  await cluster.client.patch(Deployment, 'hostnames', { type: 'merge', body: deadline }, { namespace: 'default' });
  await cluster.until('3 Pods', () => available(cluster, 3));
  for (const node of ['node1', 'node2', 'node3']) cluster.agents.silent.add(node);
  await setImage(cluster, 'broken');
  await cluster.quiet();
  const images = (await cluster.livePods()).map(({ spec }) => spec.containers[0]?.image).sort();
  assert.deepEqual(images, ['broken', 'hostnames', 'hostnames', 'hostnames']);
  await cluster.clock.advance(62_000);
  await cluster.quiet();
  assert.equal((await condition(cluster, 'Progressing'))?.reason, 'ProgressDeadlineExceeded');
  assert.equal((await condition(cluster, 'Available'))?.status, 'True');
});
