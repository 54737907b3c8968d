import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ControllerRevision, DaemonSet, Node, Pod } from '../../kube/mod.ts';
import type { TestCluster } from '../testing/cluster.ts';
import { startCluster } from '../testing/hostnames.ts';

const create = ({ client }: TestCluster, spec: object = {}) =>
  client.create(DaemonSet, {
    metadata: { name: 'agent', namespace: 'default' },
    spec: {
      selector: { matchLabels: { app: 'agent' } },
      template: { metadata: { labels: { app: 'agent' } }, spec: { containers: [{ name: 'c', image: 'v1' }] } },
      ...spec,
    },
  });
const patch = ({ client }: TestCluster, body: object) =>
  client.patch(DaemonSet, 'agent', { type: 'strategic', body }, { namespace: 'default' });
const setImage = (cluster: TestCluster, image: string) =>
  patch(cluster, { spec: { template: { spec: { containers: [{ name: 'c', image }] } } } });
const placesOf = async (cluster: TestCluster) =>
  (await cluster.list(Pod)).map(({ spec }) => `${spec.nodeName} ${spec.containers[0]?.image}`).sort();
const settled = (cluster: TestCluster, places: string[]) =>
  cluster.until(places.join(', '), async () => {
    assert.deepEqual(await placesOf(cluster), places);
    const { status } = await cluster.client.get(DaemonSet, 'agent', { namespace: 'default' });
    assert.deepEqual([status?.numberAvailable, status?.updatedNumberScheduled], [places.length, places.length]);
  });

test('every node gets one, also one that comes later or takes no other Pods; none is left where none is meant', async (t) => {
  const cluster = await startCluster(t);
  await create(cluster);
  await settled(cluster, ['node1 v1', 'node2 v1', 'node3 v1']);
  const node2 = await cluster.client.get(Node, 'node2');
  await cluster.client.update(Node, { ...node2, spec: { ...node2.spec, unschedulable: true } });
  await cluster.addNode('node4');
  await settled(cluster, ['node1 v1', 'node2 v1', 'node3 v1', 'node4 v1']);
  await cluster.quiet();
  await patch(cluster, { metadata: { annotations: { note: 'x' } } });
  const writes = (await cluster.quiet()).filter((line) => line.startsWith('controllers'));
  assert.deepEqual(writes, []);
  await patch(cluster, { spec: { template: { spec: { nodeSelector: { disk: 'ssd' } } } } });
  await settled(cluster, []);
  const node3 = await cluster.client.get(Node, 'node3');
  await cluster.client.update(Node, { ...node3, metadata: { ...node3.metadata, labels: { disk: 'ssd' } } });
  await settled(cluster, ['node3 v1']);
});

test('an update replaces them one by one, and goes back by the revision', async (t) => {
  const cluster = await startCluster(t);
  await create(cluster);
  await settled(cluster, ['node1 v1', 'node2 v1', 'node3 v1']);
  await setImage(cluster, 'v2');
  let fewest = 3;
  await cluster.until('all are new', async () => {
    const ready = (await cluster.livePods()).filter(({ status }) =>
      status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
    );
    fewest = Math.min(fewest, ready.length);
    assert.deepEqual(await placesOf(cluster), ['node1 v2', 'node2 v2', 'node3 v2']);
  });
  assert(fewest >= 2, `${fewest} were left`);
  await settled(cluster, ['node1 v2', 'node2 v2', 'node3 v2']);
  const [first] = (await cluster.list(ControllerRevision)).sort((a, b) => a.revision - b.revision);
  await patch(cluster, first!.data as object);
  await settled(cluster, ['node1 v1', 'node2 v1', 'node3 v1']);
  assert.deepEqual((await cluster.list(ControllerRevision)).map(({ revision }) => revision).sort(), [2, 3]);
});

test('a surge keeps all nodes served', async (t) => {
  const cluster = await startCluster(t);
  await create(cluster, { updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
  await settled(cluster, ['node1 v1', 'node2 v1', 'node3 v1']);
  await setImage(cluster, 'v2');
  await cluster.until('all are new', async () => {
    const ready = (await cluster.livePods()).filter(({ status }) =>
      status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
    );
    assert.equal(new Set(ready.map(({ spec }) => spec.nodeName)).size, 3);
    assert.deepEqual(await placesOf(cluster), ['node1 v2', 'node2 v2', 'node3 v2']);
  });
});
