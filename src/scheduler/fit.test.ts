import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Node, type Pod, tolerates } from '../kube/mod.ts';
import { type Candidate, place } from './fit.ts';

interface NodeTraits {
  readonly ready?: 'True' | 'False' | 'Unknown';
  readonly capacity?: string;
  readonly labels?: Record<string, string>;
  readonly spec?: Node['spec'];
  readonly pods?: number;
  readonly siblings?: number;
}

const candidate = (name: string, traits: NodeTraits = {}): Candidate => ({
  node: {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '', labels: traits.labels ?? {} },
    spec: traits.spec ?? {},
    status: {
      allocatable: { pods: traits.capacity ?? '10' },
      conditions: [{ type: 'Ready', status: traits.ready ?? 'True' }],
    },
  },
  pods: traits.pods ?? 0,
  siblings: traits.siblings ?? 0,
});

const podWith = (spec: Partial<Pod['spec']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', namespace: 'default', uid: 'a', resourceVersion: '1', creationTimestamp: '' },
  spec: {
    containers: [],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    ...spec,
  },
});

const chosen = (pod: Pod, candidates: Candidate[]): string => {
  const placement = place(pod, candidates);
  return 'node' in placement ? placement.node.metadata.name : placement.refusal;
};

const taint = { key: 'dedicated', value: 'db', effect: 'NoSchedule' };
const cases: [string, Partial<Pod['spec']>, Candidate[], string][] = [
  [
    'the one with fewer siblings, though it is fuller',
    {},
    [candidate('a', { siblings: 1, pods: 1 }), candidate('b', { pods: 5 })],
    'b',
  ],
  [
    'of as many siblings the one with more free slots',
    {},
    [candidate('a', { pods: 3 }), candidate('b', { pods: 8, capacity: '20' })],
    'b',
  ],
  ['of equal ones the first by name', {}, [candidate('b'), candidate('a')], 'a'],
  ['not one that is not ready', {}, [candidate('a', { ready: 'Unknown' }), candidate('b', { pods: 9 })], 'b'],
  [
    'not one that is cordoned',
    {},
    [candidate('a', { spec: { unschedulable: true } }), candidate('b', { pods: 9 })],
    'b',
  ],
  ['not one that is full', {}, [candidate('a', { pods: 10 }), candidate('b', { siblings: 4 })], 'b'],
  [
    'one with the labels that it selects',
    { nodeSelector: { disk: 'ssd' } },
    [candidate('a'), candidate('b', { labels: { disk: 'ssd' } })],
    'b',
  ],
  ['not one with a taint', {}, [candidate('a', { spec: { taints: [taint] } }), candidate('b', { pods: 9 })], 'b'],
  [
    'one with a taint that it tolerates',
    { tolerations: [{ key: 'dedicated', value: 'db' }] },
    [candidate('a', { spec: { taints: [taint] } })],
    'a',
  ],
  [
    'one that is not ready, which it tolerates',
    { tolerations: [{ operator: 'Exists' }] },
    [candidate('a', { ready: 'False' })],
    'a',
  ],
  [
    'one with a taint that only asks',
    {},
    [candidate('a', { spec: { taints: [{ ...taint, effect: 'PreferNoSchedule' }] } })],
    'a',
  ],
];

for (const [title, spec, candidates, expected] of cases) {
  test(`a Pod goes to ${title}`, () => assert.equal(chosen(podWith(spec), candidates), expected));
}

test('a Pod without a place is told why, in words that count the nodes', () => {
  assert.equal(chosen(podWith(), []), 'no nodes available to schedule pods');
  const candidates = [
    candidate('a', { pods: 10 }),
    candidate('b', { pods: 11 }),
    candidate('c', { ready: 'False' }),
    candidate('d', { spec: { taints: [taint] } }),
  ];
  assert.equal(
    chosen(podWith(), candidates),
    '0/4 nodes are available: 1 node(s) had untolerated taint {dedicated: db}, 1 node(s) were not ready, 2 Too many pods.',
  );
});

const tolerations: [object, boolean][] = [
  [{ key: 'dedicated', operator: 'Exists' }, true],
  [{ operator: 'Exists' }, true],
  [{ operator: 'Exists', effect: 'NoExecute' }, false],
  [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }, true],
  [{ key: 'dedicated', value: 'web' }, false],
  [{ key: 'dedicated' }, false],
  [{ key: 'other', operator: 'Exists' }, false],
  [{ value: 'db' }, false],
];

for (const [toleration, expected] of tolerations) {
  test(`${JSON.stringify(toleration)} ${expected ? 'tolerates' : 'does not tolerate'} dedicated=db:NoSchedule`, () => {
    assert.equal(tolerates(toleration, taint), expected);
  });
}
