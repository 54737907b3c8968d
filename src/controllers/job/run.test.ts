import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Job, Pod } from '../../kube/mod.ts';
import type { TestCluster } from '../testing/cluster.ts';
import { startCluster } from '../testing/hostnames.ts';

const create = ({ client }: TestCluster, spec: object = {}) =>
  client.create(Job, {
    metadata: { name: 'once', namespace: 'default' },
    spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } }, ...spec },
  });
const statusOf = async ({ client }: TestCluster) => (await client.get(Job, 'once', { namespace: 'default' })).status;
const running = async (cluster: TestCluster) =>
  (await cluster.livePods()).filter(({ status }) => status?.phase === 'Running').map(({ metadata }) => metadata.name);
const runs = (cluster: TestCluster, count: number) =>
  cluster.until(`${count} run`, async () => assert.equal((await running(cluster)).length, count), 60_000);
const isOver = (cluster: TestCluster, type: string) =>
  cluster.until(type, async () => {
    const status = await statusOf(cluster);
    assert(
      status?.conditions?.some((each) => each.type === type && each.status === 'True'),
      JSON.stringify(status),
    );
  });

test('a Job runs as many Pods as it takes and lets them go', async (t) => {
  const cluster = await startCluster(t);
  await create(cluster, { completions: 3, parallelism: 2 });
  await runs(cluster, 2);
  for (const name of await running(cluster)) await cluster.agents.end(name, 'Succeeded');
  await runs(cluster, 1);
  for (const name of await running(cluster)) await cluster.agents.end(name, 'Succeeded');
  await isOver(cluster, 'Complete');
  await cluster.quiet();
  const status = await statusOf(cluster);
  assert.deepEqual([status?.succeeded, status?.active, status?.uncountedTerminatedPods], [3, undefined, undefined]);
  assert(status?.completionTime);
  const pods = await cluster.list(Pod);
  assert.equal(pods.length, 3);
  assert(pods.every(({ metadata }) => metadata.finalizers === undefined));
});

test('a Pod that fails is tried again later, until it has failed too often', async (t) => {
  const cluster = await startCluster(t);
  await create(cluster, { backoffLimit: 1 });
  await runs(cluster, 1);
  const [first] = await running(cluster);
  await cluster.agents.end(first!, 'Failed');
  await cluster.until('it is counted', async () => assert.equal((await statusOf(cluster))?.failed, 1));
  await runs(cluster, 1);
  const [second] = await running(cluster);
  assert.notEqual(first, second);
  await cluster.agents.end(second!, 'Failed');
  await isOver(cluster, 'Failed');
  await cluster.quiet();
  assert.deepEqual([(await statusOf(cluster))?.failed, (await cluster.list(Pod)).length], [2, 2]);
});

test('an Indexed Job tells its Pods their numbers; deleted it takes them along', async (t) => {
  const cluster = await startCluster(t);
  await create(cluster, { completionMode: 'Indexed', completions: 2, parallelism: 2 });
  await runs(cluster, 2);
  const pods = await cluster.list(Pod);
  assert.deepEqual(pods.map(({ spec }) => spec.hostname).sort(), ['once-0', 'once-1']);
  assert.equal(pods[0]!.spec.containers[0]?.env?.[0]?.name, 'JOB_COMPLETION_INDEX');
  await cluster.client.delete(Job, 'once', { namespace: 'default', propagationPolicy: 'Background' });
  await cluster.until('all is gone', async () => assert.deepEqual(await cluster.list(Pod), []));
});

test('one that has been over for long enough is deleted', async (t) => {
  const cluster = await startCluster(t);
  await create(cluster, { ttlSecondsAfterFinished: 30 });
  await runs(cluster, 1);
  for (const name of await running(cluster)) await cluster.agents.end(name, 'Succeeded');
  await isOver(cluster, 'Complete');
  await cluster.quiet();
  await cluster.clock.advance(31_000);
  await cluster.until('it is gone', async () => {
    assert.deepEqual(await cluster.list(Job), []);
    assert.deepEqual(await cluster.list(Pod), []);
  });
});
