import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Deployment, EndpointSlice, Service } from '../../kube/mod.ts';
import type { ControllersOptions } from '../mod.ts';
import { TestCluster } from './cluster.ts';

/** A cluster of three nodes with its controllers running, which ends with the test. */
export async function startCluster(
  t: TestContext,
  options: Partial<ControllersOptions> = {},
  watchDelayMs = 0,
): Promise<TestCluster> {
  const cluster = await TestCluster.start(options);
  cluster.watchDelayMs = watchDelayMs;
  t.after(() => cluster.stop());
  await addNodes(cluster);
  await cluster.startControllers();
  return cluster;
}

export async function addNodes(cluster: TestCluster): Promise<void> {
  for (const node of ['node1', 'node2', 'node3']) await cluster.addNode(node);
}

export const labels = { app: 'hostnames' };
export const container = { name: 'c', image: 'hostnames', ports: [{ containerPort: 9376, name: 'http' }] };

export const createHostnames = async ({ client }: TestCluster, replicas = 3, strategy?: object) => {
  await client.create(Deployment, {
    metadata: { name: 'hostnames', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
      ...(strategy ? { strategy } : {}),
    },
  });
  await client.create(Service, {
    metadata: { name: 'hostnames', namespace: 'default' },
    spec: { selector: labels, ports: [{ port: 80, targetPort: 'http' }] },
  });
};

export const available = async (cluster: TestCluster, replicas: number) => {
  const { status, metadata } = await cluster.client.get(Deployment, 'hostnames', { namespace: 'default' });
  assert.equal(status?.availableReplicas ?? 0, replicas);
  assert.equal(status?.updatedReplicas ?? 0, replicas);
  assert.equal(status?.replicas ?? 0, replicas);
  assert.equal(status?.observedGeneration, metadata.generation);
};

export const slices = async (cluster: TestCluster) =>
  (await cluster.list(EndpointSlice)).filter(({ metadata }) => metadata.name.startsWith('hostnames-'));

export const readyAddresses = async (cluster: TestCluster) =>
  (await slices(cluster))
    .flatMap(({ endpoints }) => endpoints)
    .filter(({ conditions }) => conditions?.ready)
    .map(({ addresses }) => addresses[0]);

export const scale = ({ client }: TestCluster, replicas: number) =>
  client.patch(Deployment, 'hostnames', { type: 'merge', body: { spec: { replicas } } }, { namespace: 'default' });

export const setImage = ({ client }: TestCluster, image: string) => {
  const spec = { template: { spec: { containers: [{ name: 'c', image }] } } };
  return client.patch(Deployment, 'hostnames', { type: 'strategic', body: { spec } }, { namespace: 'default' });
};

export const condition = async ({ client }: TestCluster, type: string) => {
  const { status } = await client.get(Deployment, 'hostnames', { namespace: 'default' });
  return status?.conditions?.find((each) => each.type === type);
};
