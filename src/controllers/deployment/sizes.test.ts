import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Deployment, ReplicaSet } from '../../kube/mod.ts';
import { metaOf } from '../testing/objects.ts';
import { limitsOf } from './limits.ts';
import { proportionalStep, rollingStep, sumReplicas } from './sizes.ts';

const template = { spec: { containers: [] } } as unknown as Deployment['spec']['template'];

const deploymentOf = (replicas: number, maxSurge: number | string, maxUnavailable: number | string): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: metaOf('web'),
  spec: {
    replicas,
    selector: {},
    template,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
  },
});

const setOf = (name: string, replicas: number, availableReplicas = replicas, limitBefore?: number): ReplicaSet => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: metaOf(name, {
    creationTimestamp: `2026-01-01T00:00:0${name.at(-1)}Z`,
    annotations: limitBefore === undefined ? {} : { 'deployment.kubernetes.io/max-replicas': String(limitBefore) },
  }),
  spec: { replicas, selector: {}, template },
  status: { replicas, availableReplicas },
});

const limitCases: [number, number | string, number | string, number, number][] = [
  [4, '25%', '25%', 1, 1],
  [3, '25%', '25%', 1, 0],
  [10, '25%', '25%', 3, 2],
  [1, 0, 0, 0, 1],
  [10, 0, '5%', 0, 1],
  [2, 5, 5, 5, 2],
];

for (const [replicas, surge, unavailable, maxSurge, maxUnavailable] of limitCases) {
  test(`${replicas} replicas, surge ${surge}, unavailable ${unavailable}: ${maxSurge} and ${maxUnavailable}`, () => {
    assert.deepEqual(limitsOf(deploymentOf(replicas, surge, unavailable)), { maxSurge, maxUnavailable });
  });
}

const names = (sizes: ReadonlyMap<ReplicaSet, number>) =>
  Object.fromEntries([...sizes].map(([{ metadata }, size]) => [metadata.name, size]));

const steps: [string, Deployment, ReplicaSet, ReplicaSet[], object][] = [
  ['the new one grows by the surge first', deploymentOf(4, 1, 1), setOf('n2', 0), [setOf('o1', 4)], { n2: 1 }],
  [
    'then the old one shrinks by what may be unavailable',
    deploymentOf(4, 1, 1),
    setOf('n2', 1, 0),
    [setOf('o1', 4)],
    { o1: 3 },
  ],
  [
    'a new one that does not come up keeps the old ones as they are',
    deploymentOf(4, 1, 1),
    setOf('n2', 2, 0),
    [setOf('o1', 3)],
    {},
  ],
  [
    'Pods that serve nobody go first',
    deploymentOf(4, 1, 1),
    setOf('n4', 1, 1),
    [setOf('o1', 2, 2), setOf('o2', 2, 0)],
    { o2: 0 },
  ],
  [
    'the last old ones go when enough new ones are available',
    deploymentOf(4, 1, 1),
    setOf('n2', 4, 4),
    [setOf('o1', 1)],
    { o1: 0 },
  ],
  ['a new one that is too large shrinks', deploymentOf(2, 1, 1), setOf('n2', 5), [], { n2: 2 }],
  ['nothing is left to do', deploymentOf(4, 1, 1), setOf('n2', 4), [setOf('o1', 0)], {}],
];

for (const [title, deployment, current, old, expected] of steps) {
  test(title, () => assert.deepEqual(names(rollingStep(deployment, current, old)), expected));
}

test('growth in the middle of a rollout is shared out by size (upstream documentation, "Proportional scaling")', () => {
  // 10 replicas, surge 3, unavailable 2, in the middle: 8 old, 5 new; then scaled to 15.
  const deployment = deploymentOf(15, 3, 2);
  const sizes = proportionalStep(deployment, setOf('n2', 5, 0, 13), [setOf('o1', 8, 8, 13)]);
  assert.deepEqual(names(sizes), { o1: 11, n2: 7 });
});

test('with one active ReplicaSet a change of the number is all its own', () => {
  assert.deepEqual(names(proportionalStep(deploymentOf(7, 1, 1), setOf('n2', 3), [setOf('o1', 0)])), { n2: 7 });
  assert.deepEqual(names(proportionalStep(deploymentOf(0, 1, 1), setOf('n2', 3), [])), { n2: 0 });
});

test('from any state, with Pods that come up and go at any pace, a rollout ends and never leaves its limits', () => {
  const scenario = fc.record({
    replicas: fc.integer({ min: 1, max: 12 }),
    maxSurge: fc.integer({ min: 0, max: 4 }),
    maxUnavailable: fc.integer({ min: 0, max: 4 }),
    old: fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 3 }),
    pace: fc.infiniteStream(fc.boolean()),
  });
  fc.assert(
    fc.property(scenario, ({ replicas, maxSurge, maxUnavailable, old: olds, pace }) => {
      const deployment = deploymentOf(replicas, maxSurge, maxUnavailable);
      const limits = limitsOf(deployment);
      const current = setOf('n9', 0, 0);
      const old = olds.map((size, i) => setOf(`o${i}`, size));
      const all = [...old, current];
      const available = () => all.reduce((sum, { status }) => sum + status!.availableReplicas!, 0);
      for (let round = 0; round < 200; round++) {
        const before = { size: sumReplicas(all), available: available() };
        for (const [set, size] of rollingStep(deployment, current, old)) {
          set.spec.replicas = size;
          // What serves nobody goes first (deletionOrder), what served is gone at once.
          set.status = { replicas: size, availableReplicas: Math.min(size, set.status!.availableReplicas!) };
        }
        const size = sumReplicas(all);
        assert(size <= Math.max(before.size, replicas + limits.maxSurge), 'more than the surge allows');
        assert(
          available() >= Math.min(before.available, replicas - limits.maxUnavailable),
          'fewer than must be available',
        );
        for (const { status, spec } of all) {
          if (status!.availableReplicas! < spec.replicas && pace.next().value) status!.availableReplicas!++;
        }
      }
      assert.deepEqual([current.spec.replicas, sumReplicas(old)], [replicas, 0]);
    }),
    { numRuns: 200 },
  );
});
