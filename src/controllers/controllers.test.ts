import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deployment, Endpoints, Pod } from '../kube/mod.ts';
import {
  available,
  condition,
  createHostnames,
  readyAddresses,
  scale,
  slices,
  startCluster,
} from './testing/hostnames.ts';

test('a Deployment becomes Pods spread over the nodes, slices and Endpoints, and then nothing is written', async (t) => {
  const cluster = await startCluster(t);
  await createHostnames(cluster);
  await cluster.until('3 Pods are available', () => available(cluster, 3));
  await cluster.until('3 are ready endpoints', async () => (await readyAddresses(cluster)).length === 3);
  const pods = await cluster.livePods();
  assert.deepEqual(pods.map(({ spec }) => spec.nodeName).sort(), ['node1', 'node2', 'node3']);
  const [slice, ...others] = await slices(cluster);
  assert.deepEqual(others, []);
  assert.deepEqual(slice!.ports, [{ name: '', protocol: 'TCP', port: 9376 }]);
  assert.equal(slice!.metadata.labels?.['endpointslice.kubernetes.io/managed-by'], 'endpointslice-controller.k8s.io');
  const { subsets } = await cluster.client.get(Endpoints, 'hostnames', { namespace: 'default' });
  assert.equal(subsets?.[0]?.addresses?.length, 3);
  assert.equal((await condition(cluster, 'Available'))?.status, 'True');
  assert.equal((await condition(cluster, 'Progressing'))?.reason, 'NewReplicaSetAvailable');
  const deployment = await cluster.client.get(Deployment, 'hostnames', { namespace: 'default' });
  assert.equal(deployment.metadata.annotations?.['deployment.kubernetes.io/revision'], '1');
  await cluster.quiet();
  await scale(cluster, 3);
  assert.deepEqual(
    (await cluster.quiet()).filter((line) => !line.startsWith('test ')),
    [],
    'scaling 3 to 3 writes nothing',
  );
});

test('one Pod that loses readiness is one write of a slice and one of the Endpoints', async (t) => {
  const cluster = await startCluster(t);
  await createHostnames(cluster);
  await cluster.until('3 Pods are available', () => available(cluster, 3));
  await cluster.quiet();
  const [pod] = await cluster.livePods();
  for (const isReady of [false, true]) {
    await cluster.agents.setReady(pod!.metadata.name, isReady);
    const lines = await cluster.quiet();
    const paths = lines.filter((line) => /endpoint/.test(line)).map((line) => line.replace(/hostnames-\w+$/, 'SLICE'));
    assert.deepEqual(paths.sort(), [
      'controllers PUT /api/v1/namespaces/default/endpoints/hostnames',
      'controllers PUT /apis/discovery.k8s.io/v1/namespaces/default/endpointslices/SLICE',
    ]);
    assert.equal((await readyAddresses(cluster)).length, isReady ? 3 : 2);
    const [slice] = await slices(cluster);
    assert.equal(slice!.endpoints.length, 3, 'a Pod that is not ready stays in the slice, and says so');
  }
});

test('scaling up and down never makes more Pods than asked for', async (t) => {
  const cluster = await startCluster(t);
  await createHostnames(cluster);
  await cluster.until('3 Pods', () => available(cluster, 3));
  cluster.writes.splice(0);
  await scale(cluster, 8);
  await cluster.until('8 Pods', () => available(cluster, 8));
  await scale(cluster, 2);
  await cluster.until('2 Pods', () => available(cluster, 2));
  const count = (method: string) =>
    cluster.writes.filter(
      ({ component, line }) =>
        component === 'controllers' && line.startsWith(`${method} /api/v1/namespaces/default/pods`),
    ).length;
  assert.deepEqual([count('POST'), count('DELETE')], [5, 6]);
  assert.equal((await cluster.livePods()).length, 2);
  await scale(cluster, 0);
  await cluster.until('0 Pods', () => available(cluster, 0));
  const [slice, ...others] = await slices(cluster);
  assert.deepEqual([slice?.endpoints, others], [[], []], 'one empty slice stays');
});

test('exactly as many Pods are created as are missing, also when what the controllers see is old', async (t) => {
  const cluster = await startCluster(t, {}, 20);
  await createHostnames(cluster, 12);
  await cluster.until('12 Pods', () => available(cluster, 12), 20_000);
  const created = (path: string) => cluster.writes.filter(({ line }) => line === `POST ${path}`).length;
  assert.equal(created('/api/v1/namespaces/default/pods'), 12);
  assert.equal(created('/apis/apps/v1/namespaces/default/replicasets'), 1);
  assert.equal(created('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'), 1);
});

test('a deleted Pod is replaced; while it ends it is in the slice as terminating, not ready', async (t) => {
  const cluster = await startCluster(t);
  await createHostnames(cluster);
  await cluster.until('3 Pods', () => available(cluster, 3));
  const [pod] = await cluster.livePods();
  cluster.agents.endsPods = false;
  await cluster.client.delete(Pod, pod!.metadata.name, { namespace: 'default' });
  await cluster.until('4 endpoints, one of them terminating', async () => {
    const endpoints = (await slices(cluster)).flatMap((slice) => slice.endpoints);
    assert.equal(endpoints.length, 4);
    const leaving = endpoints.find(({ targetRef }) => targetRef?.name === pod!.metadata.name);
    assert.deepEqual(leaving?.conditions, { ready: false, serving: true, terminating: true });
    assert.equal((await readyAddresses(cluster)).length, 3);
  });
  const { subsets } = await cluster.client.get(Endpoints, 'hostnames', { namespace: 'default' });
  assert.equal(subsets?.[0]?.addresses?.length, 3);
  assert.equal(subsets?.[0]?.notReadyAddresses, undefined);
});
