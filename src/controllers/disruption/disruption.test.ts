import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PodDisruptionBudget } from '../../kube/mod.ts';
import { available, createHostnames, startCluster } from '../testing/hostnames.ts';
import { metaOf, podOf } from '../testing/objects.ts';
import { planBudget } from './plan.ts';

const nowMs = Date.UTC(2026, 0, 1);
const budgetOf = (spec: object, status?: object): PodDisruptionBudget =>
  ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metaOf('b', { generation: 2 }),
    spec,
    ...(status && { status }),
  }) as PodDisruptionBudget;
/** `r n t`: ready, not ready, on its way out. */
const podsOf = (text: string) =>
  [...text].map((letter, index) => podOf(`p${index}`, { isReady: letter !== 'n', isTerminating: letter === 't' }));
const allowed = (spec: object, pods: string, scale: number, status?: object) => {
  const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = planBudget(
    budgetOf(spec, status),
    podsOf(pods),
    scale,
    nowMs,
  ).status;
  return [disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods];
};

describe('how many Pods a budget can do without', () => {
  const cases: readonly [string, object, string, number, number[]][] = [
    ['those beyond the number to keep', { minAvailable: 2 }, 'rrr', 3, [1, 3, 2, 3]],
    ['none while one is not ready', { minAvailable: 2 }, 'rrn', 3, [0, 2, 2, 3]],
    ['one that leaves is lost already', { minAvailable: 2 }, 'rrrt', 3, [1, 3, 2, 4]],
    ['a share, rounded in favour of the Pods', { minAvailable: '50%' }, 'rrr', 3, [1, 3, 2, 3]],
    ['a number to lose, of what there ought to be', { maxUnavailable: 1 }, 'rr', 3, [0, 2, 2, 3]],
    ['a share to lose', { maxUnavailable: '34%' }, 'rrr', 3, [2, 3, 1, 3]],
    ['nothing of nothing', { minAvailable: 0 }, '', 0, [0, 0, 0, 0]],
  ];
  for (const [title, spec, pods, scale, wanted] of cases)
    test(title, () => assert.deepEqual(allowed(spec, pods, scale), wanted));

  test('an eviction that was granted counts until the Pod goes, or two minutes', () => {
    const granted = (time: string) => ({ disruptedPods: { p0: time } });
    assert.deepEqual(allowed({ minAvailable: 1 }, 'rr', 2, granted('2025-12-31T23:59:00Z')), [0, 1, 1, 2]);
    assert.deepEqual(allowed({ minAvailable: 1 }, 'rr', 2, granted('2025-12-31T23:57:00Z')), [1, 2, 1, 2]);
    assert.equal(
      planBudget(budgetOf({}, granted('2025-12-31T23:59:00Z')), podsOf('rr'), 2, nowMs).nextChangeMs,
      60_000,
    );
  });
});

test('evictions are granted as the budget allows, and refused in words that kubectl drain understands', async (t) => {
  const cluster = await startCluster(t);
  await createHostnames(cluster, 3);
  await cluster.until('3 Pods', () => available(cluster, 3));
  const { client } = cluster;
  const namespace = 'default';
  const [first, second] = await cluster.livePods();
  await client.create(PodDisruptionBudget, {
    metadata: { name: 'b', namespace },
    spec: { minAvailable: 2, selector: { matchLabels: first!.metadata.labels! } },
  });
  const budget = () => client.get(PodDisruptionBudget, 'b', { namespace });
  await cluster.until('one may go', async () => assert.equal((await budget()).status?.disruptionsAllowed, 1));
  for (const node of ['node1', 'node2', 'node3']) cluster.agents.silent.add(node);
  assert.equal((await cluster.evict(first!.metadata.name)).status, 201);
  const { status, why } = await cluster.evict(second!.metadata.name);
  assert.equal(status, 429);
  assert.match(why ?? '', /^The disruption budget b needs 2 healthy pods and has [23] currently$/);
  cluster.agents.silent.clear();
  cluster.agents.wake();
  await cluster.until('another has come', async () => assert.equal((await budget()).status?.disruptionsAllowed, 1));
  assert.equal((await cluster.evict(second!.metadata.name)).status, 201);
});
