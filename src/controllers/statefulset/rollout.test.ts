import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ControllerRevision, Pod, StatefulSet } from '../../kube/mod.ts';
import type { TestCluster } from '../testing/cluster.ts';
import { startCluster } from '../testing/hostnames.ts';

const create = ({ client }: TestCluster, spec: object = {}) =>
  client.create(StatefulSet, {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 3,
      serviceName: 'web',
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'v1' }] } },
      ...spec,
    },
  });
const patch = ({ client }: TestCluster, body: object) =>
  client.patch(StatefulSet, 'web', { type: 'strategic', body }, { namespace: 'default' });
const setImage = (cluster: TestCluster, image: string) =>
  patch(cluster, { spec: { template: { spec: { containers: [{ name: 'c', image }] } } } });
const imagesOf = async (cluster: TestCluster) =>
  (await cluster.list(Pod)).map(({ metadata, spec }) => `${metadata.name} ${spec.containers[0]?.image}`).sort();
const statusOf = async ({ client }: TestCluster) =>
  (await client.get(StatefulSet, 'web', { namespace: 'default' })).status;
const settled = (cluster: TestCluster, images: string[]) =>
  cluster.until(images.join(', '), async () => {
    assert.deepEqual(await imagesOf(cluster), images);
    assert.equal((await statusOf(cluster))?.readyReplicas, images.length);
  });

test('Pods come in order, with the names that DNS knows them by', async (t) => {
  const cluster = await startCluster(t);
  await create(cluster);
  await settled(cluster, ['web-0 v1', 'web-1 v1', 'web-2 v1']);
  const created = cluster.writes.filter(({ line }) => line.startsWith('POST') && line.endsWith('/pods'));
  assert.equal(created.length, 3);
  const pods = (await cluster.list(Pod)).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const versions = pods.map(({ metadata }) => metadata.creationTimestamp);
  assert.deepEqual(versions, [...versions].sort());
  const { metadata, spec } = pods[1]!;
  assert.deepEqual([spec.hostname, spec.subdomain], ['web-1', 'web']);
  assert.equal(metadata.labels?.['statefulset.kubernetes.io/pod-name'], 'web-1');
  assert.equal(metadata.labels?.['apps.kubernetes.io/pod-index'], '1');
  await cluster.quiet();
  await patch(cluster, { metadata: { annotations: { note: 'x' } } });
  assert.deepEqual(
    (await cluster.quiet()).filter((line) => line.startsWith('controllers')),
    [],
  );
});

test('none is created while the one before is not ready', async (t) => {
  const cluster = await startCluster(t);
  await cluster.agents.setReady('web-1', false);
  await create(cluster);
  await cluster.until('two Pods', async () => assert.equal((await cluster.list(Pod)).length, 2));
  await cluster.quiet();
  assert.deepEqual(await imagesOf(cluster), ['web-0 v1', 'web-1 v1']);
  await cluster.agents.setReady('web-1', true);
  await settled(cluster, ['web-0 v1', 'web-1 v1', 'web-2 v1']);
});

test('an update goes from the top to the partition, and back by the revision', async (t) => {
  const cluster = await startCluster(t);
  await create(cluster);
  await settled(cluster, ['web-0 v1', 'web-1 v1', 'web-2 v1']);
  await patch(cluster, { spec: { updateStrategy: { rollingUpdate: { partition: 2 } } } });
  await setImage(cluster, 'v2');
  await settled(cluster, ['web-0 v1', 'web-1 v1', 'web-2 v2']);
  const halfway = await statusOf(cluster);
  assert.equal(halfway?.updatedReplicas, 1);
  assert.notEqual(halfway?.currentRevision, halfway?.updateRevision);
  // One below the partition comes back as it was.
  await cluster.client.delete(Pod, 'web-0', { namespace: 'default' });
  await settled(cluster, ['web-0 v1', 'web-1 v1', 'web-2 v2']);
  await patch(cluster, { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } });
  await settled(cluster, ['web-0 v2', 'web-1 v2', 'web-2 v2']);
  await cluster.until('the update is complete', async () => {
    const status = await statusOf(cluster);
    assert.equal(status?.currentRevision, status?.updateRevision);
  });
  const history = (await cluster.list(ControllerRevision)).sort((a, b) => a.revision - b.revision);
  assert.deepEqual(
    history.map(({ revision }) => revision),
    [1, 2],
  );
  // What kubectl rollout undo sends.
  await patch(cluster, history[0]!.data as object);
  await settled(cluster, ['web-0 v1', 'web-1 v1', 'web-2 v1']);
  const after = (await cluster.list(ControllerRevision)).map(({ revision }) => revision).sort();
  assert.deepEqual(after, [2, 3]);
});

test('scaling down takes the highest first, and old revisions are forgotten', async (t) => {
  const cluster = await startCluster(t);
  await create(cluster, { revisionHistoryLimit: 1, podManagementPolicy: 'Parallel' });
  for (const image of ['v2', 'v3', 'v4']) {
    await setImage(cluster, image);
    await settled(
      cluster,
      ['web-0', 'web-1', 'web-2'].map((name) => `${name} ${image}`),
    );
  }
  await cluster.until('two revisions', async () => assert.equal((await cluster.list(ControllerRevision)).length, 2));
  await patch(cluster, { spec: { replicas: 1 } });
  await settled(cluster, ['web-0 v4']);
});

test('claims that nobody provides are told', async (t) => {
  const cluster = await startCluster(t);
  await create(cluster, { volumeClaimTemplates: [{ metadata: { name: 'data' } }] });
  await cluster.quiet();
  assert.deepEqual(await cluster.list(Pod), []);
});
