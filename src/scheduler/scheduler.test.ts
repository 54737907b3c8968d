import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { TestCluster } from '../controllers/testing/cluster.ts';
import { Event, Node, Pod } from '../kube/mod.ts';

async function start(t: TestContext): Promise<TestCluster> {
  const cluster = await TestCluster.start();
  t.after(() => cluster.stop());
  await cluster.startControllers();
  return cluster;
}

const createPod = ({ client }: TestCluster, name: string, spec: object = {}) =>
  client.create(Pod, {
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'x' }], ...spec },
  });

const nodesOfPods = async (cluster: TestCluster) =>
  (await cluster.list(Pod)).map(({ spec }) => spec.nodeName ?? '-').sort();

test('Pods that come all at once are counted before the watch shows them', async (t) => {
  const cluster = await start(t);
  await cluster.addNode('node1', 4);
  await cluster.addNode('node2', 4);
  await Promise.all(Array.from({ length: 8 }, (_, i) => createPod(cluster, `pod${i}`)));
  await cluster.until('all are placed', async () => !(await nodesOfPods(cluster)).includes('-'));
  assert.deepEqual(await nodesOfPods(cluster), [...Array(4).fill('node1'), ...Array(4).fill('node2')]);
});

test('a Pod without a place says so once, and gets one as soon as there is one', async (t) => {
  const cluster = await start(t);
  await cluster.addNode('node1', 1);
  await createPod(cluster, 'first');
  await cluster.until('it is placed', async () => (await nodesOfPods(cluster)).includes('node1'));
  await createPod(cluster, 'second');
  const lines = await cluster.quiet();
  assert.equal(
    lines.filter((line) => line === 'scheduler PUT /api/v1/namespaces/default/pods/second/status').length,
    1,
  );
  const second = await cluster.client.get(Pod, 'second', { namespace: 'default' });
  const condition = second.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  assert.deepEqual(
    [condition?.status, condition?.reason, condition?.message],
    ['False', 'Unschedulable', '0/1 nodes are available: 1 Too many pods.'],
  );
  const events = (await cluster.list(Event)).filter(({ reason }) => reason === 'FailedScheduling');
  assert.deepEqual(
    events.map(({ involvedObject, count }) => [involvedObject.name, count]),
    [['second', 1]],
  );
  await cluster.client.delete(Pod, 'first', { namespace: 'default', gracePeriodSeconds: 0 });
  await cluster.until('the second has its place', async () => (await nodesOfPods(cluster)).join() === 'node1');
});

test('a node that comes, is uncordoned or loses a taint is used at once', async (t) => {
  const cluster = await start(t);
  await createPod(cluster, 'a');
  await cluster.quiet();
  await cluster.addNode('node1', 1);
  await cluster.until('a is placed', async () => (await nodesOfPods(cluster)).join() === 'node1');
  await cluster.addNode('node2', 5);
  const spec = { unschedulable: true, taints: [{ key: 'k', effect: 'NoSchedule' }] };
  await cluster.client.patch(Node, 'node2', { type: 'merge', body: { spec } });
  await cluster.quiet();
  await createPod(cluster, 'b');
  await cluster.quiet();
  await cluster.client.patch(Node, 'node2', { type: 'merge', body: { spec: { unschedulable: null } } });
  await cluster.quiet();
  assert.deepEqual(await nodesOfPods(cluster), ['-', 'node1']);
  await cluster.client.patch(Node, 'node2', { type: 'merge', body: { spec: { taints: null } } });
  await cluster.until('b is placed', async () => (await nodesOfPods(cluster)).join() === 'node1,node2');
});

test('Pods of another scheduler, with a gate, or with a node already are left alone', async (t) => {
  const cluster = await start(t);
  await cluster.addNode('node1');
  await createPod(cluster, 'other', { schedulerName: 'mine' });
  await createPod(cluster, 'gated', { schedulingGates: [{ name: 'wait' }] });
  await createPod(cluster, 'placed', { nodeName: 'node1' });
  const lines = await cluster.quiet();
  assert.deepEqual(
    lines.filter((line) => line.startsWith('scheduler ')),
    [],
  );
});
