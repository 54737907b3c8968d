import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Endpoints, Pod } from '../kube/mod.ts';
import { TestCluster } from './testing/cluster.ts';
import { addNodes, available, createHostnames, readyAddresses, scale, setImage } from './testing/hostnames.ts';

test('whatever is asked for and wherever the controllers crash, the cluster becomes what was asked for', async () => {
  const action = fc.oneof(
    fc.record({ type: fc.constant('scale' as const), replicas: fc.integer({ min: 0, max: 6 }) }),
    fc.record({ type: fc.constant('image' as const), image: fc.constantFrom('v1', 'v2', 'v3') }),
    fc.record({ type: fc.constant('crash' as const) }),
    fc.record({ type: fc.constant('kill' as const) }),
  );
  const step = fc.record({ action, pauseMs: fc.constantFrom(0, 0, 1, 5, 40) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), fc.constantFrom(0, 8), async (steps, delayMs) => {
      const cluster = await TestCluster.start();
      cluster.watchDelayMs = delayMs;
      try {
        await addNodes(cluster);
        await cluster.startControllers();
        await createHostnames(cluster);
        const wanted = { replicas: 3, image: 'hostnames' };
        for (const { action, pauseMs } of steps) {
          await cluster.clock.advance(pauseMs);
          Object.assign(wanted, action);
          if (action.type === 'scale') await scale(cluster, wanted.replicas);
          if (action.type === 'image') await setImage(cluster, wanted.image);
          if (action.type === 'kill') await killOnePod(cluster);
          if (action.type === 'crash') {
            await cluster.crashControllers();
            await cluster.startControllers();
          }
        }
        await cluster.until(
          'it is as asked for',
          async () => {
            await available(cluster, wanted.replicas);
            const pods = await cluster.livePods();
            assert.equal(pods.length, wanted.replicas);
            assert(pods.every(({ spec }) => spec.containers[0]?.image === wanted.image));
            const addresses = pods.map(({ status }) => status?.podIP).sort();
            assert.deepEqual((await readyAddresses(cluster)).sort(), addresses);
            const { subsets } = await cluster.client.get(Endpoints, 'hostnames', { namespace: 'default' });
            assert.deepEqual((subsets?.[0]?.addresses ?? []).map(({ ip }) => ip).sort(), addresses);
          },
          20_000,
        );
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
