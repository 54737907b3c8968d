import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import {
  Deployment,
  EndpointSlice,
  Endpoints,
  Namespace,
  Node,
  Pod,
  ReplicaSet,
  Service,
  ServiceAccount,
} from '../kube/mod.ts';
import type { ControllersOptions } from './mod.ts';
import { TestCluster } from './testing/cluster.ts';

async function start(t: TestContext, options: Partial<ControllersOptions> = {}): Promise<TestCluster> {
  const cluster = await TestCluster.start(options);
  t.after(() => cluster.stop());
  for (const node of ['node1', 'node2', 'node3']) await cluster.addNode(node);
  await cluster.startControllers();
  return cluster;
}

const labels = { app: 'hostnames' };
const container = { name: 'c', image: 'hostnames', ports: [{ containerPort: 9376, name: 'http' }] };

const createHostnames = async ({ client }: TestCluster, replicas = 3, strategy?: object) => {
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

const available = async (cluster: TestCluster, replicas: number) => {
  const { status, metadata } = await cluster.client.get(Deployment, 'hostnames', { namespace: 'default' });
  assert.equal(status?.availableReplicas ?? 0, replicas);
  assert.equal(status?.updatedReplicas ?? 0, replicas);
  assert.equal(status?.replicas ?? 0, replicas);
  assert.equal(status?.observedGeneration, metadata.generation);
};

const slices = async (cluster: TestCluster) =>
  (await cluster.list(EndpointSlice)).filter(({ metadata }) => metadata.name.startsWith('hostnames-'));

const readyAddresses = async (cluster: TestCluster) =>
  (await slices(cluster))
    .flatMap(({ endpoints }) => endpoints)
    .filter(({ conditions }) => conditions?.ready)
    .map(({ addresses }) => addresses[0]);

const scale = ({ client }: TestCluster, replicas: number) =>
  client.patch(Deployment, 'hostnames', { type: 'merge', body: { spec: { replicas } } }, { namespace: 'default' });

const setImage = ({ client }: TestCluster, image: string) => {
  const spec = { template: { spec: { containers: [{ name: 'c', image }] } } };
  return client.patch(Deployment, 'hostnames', { type: 'strategic', body: { spec } }, { namespace: 'default' });
};

const condition = async ({ client }: TestCluster, type: string) => {
  const { status } = await client.get(Deployment, 'hostnames', { namespace: 'default' });
  return status?.conditions?.find((each) => each.type === type);
};

test('a Deployment becomes Pods spread over the nodes, slices and Endpoints, and then nothing is written', async (t) => {
  const cluster = await start(t);
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
  const cluster = await start(t);
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
  const cluster = await start(t);
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

test('exactly as many Pods are created as are missing', async (t) => {
  const cluster = await start(t);
  await createHostnames(cluster, 12);
  await cluster.until('12 Pods', () => available(cluster, 12));
  const created = cluster.writes.filter(({ line }) => line === 'POST /api/v1/namespaces/default/pods');
  assert.equal(created.length, 12);
});

test('a rolling update keeps to maxSurge and maxUnavailable, and a rollback reuses the old ReplicaSet', async (t) => {
  const cluster = await start(t);
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
  const cluster = await start(t);
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
  const cluster = await start(t);
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

test('a deleted Pod is replaced; while it ends it is in the slice as terminating, not ready', async (t) => {
  const cluster = await start(t);
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

test('deleting a Deployment deletes its ReplicaSets and Pods, and deleting a Service its slices and Endpoints', async (t) => {
  const cluster = await start(t);
  await createHostnames(cluster);
  await cluster.until('3 Pods', () => available(cluster, 3));
  await cluster.client.delete(Deployment, 'hostnames', { namespace: 'default', propagationPolicy: 'Background' });
  await cluster.client.delete(Service, 'hostnames', { namespace: 'default' });
  await cluster.until('nothing is left', async () => {
    for (const resource of [ReplicaSet, Pod]) assert.deepEqual(await cluster.list<any>(resource), []);
    assert.deepEqual(await slices(cluster), []);
    assert.deepEqual(
      (await cluster.list(Endpoints)).map(({ metadata }) => metadata.name),
      ['kubernetes'],
    );
  });
});

test('a foreground deletion keeps the owner until its Pods are gone; an orphaning one lets them live', async (t) => {
  const cluster = await start(t);
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
    for (const resource of [Deployment, ReplicaSet, Pod]) assert.deepEqual(await cluster.list<any>(resource), []);
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
  const cluster = await start(t);
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

test('a silent node: NotReady after the grace period, its Pods out of the endpoints; back when it is heard again', async (t) => {
  const cluster = await start(t, { nodeLifecycle: { graceMs: 40_000 } });
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
  await beat(['node1', 'node2', 'node3'], 10);
  assert.deepEqual(await readiness(), ['True', 'True', 'True']);
  assert.equal((await readyAddresses(cluster)).length, 3);
  assert.equal((await cluster.client.get(Node, 'node2')).spec.taints, undefined);
});

test('controllers that have just started give every node its full grace period', async (t) => {
  const cluster = await start(t, { nodeLifecycle: { graceMs: 40_000 } });
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
  const cluster = await start(t);
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

test('whatever is asked for and wherever the controllers are restarted, the cluster becomes what was asked for', async () => {
  const action = fc.oneof(
    fc.record({ type: fc.constant('scale' as const), replicas: fc.integer({ min: 0, max: 6 }) }),
    fc.record({ type: fc.constant('image' as const), image: fc.constantFrom('v1', 'v2', 'v3') }),
    fc.record({ type: fc.constant('restart' as const) }),
    fc.record({ type: fc.constant('kill' as const) }),
  );
  const step = fc.record({ action, pauseMs: fc.constantFrom(0, 0, 1, 5, 40) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      const cluster = await TestCluster.start();
      try {
        for (const node of ['node1', 'node2', 'node3']) await cluster.addNode(node);
        await cluster.startControllers();
        await createHostnames(cluster);
        const wanted = { replicas: 3, image: 'hostnames' };
        for (const { action, pauseMs } of steps) {
          await cluster.clock.advance(pauseMs);
          if (action.type === 'scale') await scale(cluster, (wanted.replicas = action.replicas));
          if (action.type === 'image') await setImage(cluster, (wanted.image = action.image));
          if (action.type === 'kill') await killOnePod(cluster);
          if (action.type === 'restart') {
            await cluster.stopControllers();
            await cluster.startControllers();
          }
        }
        await cluster.until('it is as asked for', async () => {
          await available(cluster, wanted.replicas);
          const pods = await cluster.livePods();
          assert.equal(pods.length, wanted.replicas);
          assert(pods.every(({ spec }) => spec.containers[0]?.image === wanted.image));
          const addresses = pods.map(({ status }) => status?.podIP).sort();
          assert.deepEqual((await readyAddresses(cluster)).sort(), addresses);
          const { subsets } = await cluster.client.get(Endpoints, 'hostnames', { namespace: 'default' });
          assert.deepEqual((subsets?.[0]?.addresses ?? []).map(({ ip }) => ip).sort(), addresses);
        });
        await cluster.quiet();
        await cluster.clock.advance(2_000);
        assert.deepEqual(await cluster.quiet(), [], 'at rest nothing is written');
      } finally {
        await cluster.stop();
      }
    }),
    { numRuns: 25 },
  );
});

async function killOnePod(cluster: TestCluster): Promise<void> {
  const [pod] = await cluster.livePods();
  if (pod) await cluster.client.delete(Pod, pod.metadata.name, { namespace: 'default', gracePeriodSeconds: 0 });
}
