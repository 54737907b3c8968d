import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DaemonSet, Node } from '../../kube/mod.ts';
import { metaOf, nodeOf as nodeNamed, type PodTraits, podOf } from '../testing/objects.ts';
import { affinityFor, fitOf, nodeOf, tolerationsOf } from './placement.ts';
import { placesOf, planPods } from './plan.ts';
import { planStatus } from './status.ts';

const templateSpec = {
  containers: [{ name: 'c' }],
  restartPolicy: 'Always' as const,
  dnsPolicy: 'ClusterFirst' as const,
  terminationGracePeriodSeconds: 30,
};
const setOf = (strategy: object = {}, template: object = {}): DaemonSet =>
  ({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: metaOf('agent', { generation: 3 }),
    spec: {
      selector: { matchLabels: { app: 'agent' } },
      template: { spec: { ...templateSpec, ...template } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 }, ...strategy },
    },
  }) as DaemonSet;
const rolling = (rollingUpdate: object) => ({ rollingUpdate });
const onDelete = { type: 'OnDelete', rollingUpdate: undefined };

/** `1 2'! 2~` are Pods on node1 and node2: of the old revision `'`, not ready `!`, on its way out `~`, failed `x`. */
const podsOf = (text: string) =>
  text
    .split(' ')
    .filter(Boolean)
    .map((word, index) => {
      const traits: PodTraits = {
        node: `node${Number.parseInt(word, 10)}`,
        isReady: !/[!x]/.test(word),
        isTerminating: word.includes('~'),
        phase: word.includes('x') ? 'Failed' : 'Running',
        metadata: {
          labels: { 'controller-revision-hash': word.includes("'") ? 'old' : 'new' },
          creationTimestamp: `2026-01-01T00:00:0${index}Z`,
        },
      };
      return podOf(`${word}#${index}`, traits);
    });
const nodes = ['node1', 'node2', 'node3'].map((name) => nodeNamed(name));

/** `+2 -1'#0`: a Pod for node2, without the first of node1. */
function planned(strategy: object, pods: string, on: readonly Node[] = nodes): string {
  const set = setOf(strategy);
  const { create, delete: gone } = planPods(set, placesOf(set, on, podsOf(pods)), 'new', 0);
  const names = (text: string) => text.replace('node', '');
  return [...create.map((name) => `+${names(name)}`), ...gone.map(({ metadata }) => `-${metadata.name}`)].join(' ');
}

const cases: readonly [string, object, string, string][] = [
  ['one for every node', {}, '', '+1 +2 +3'],
  ['only where there is none', {}, '1 3', '+2'],
  ['one on its way out is waited for', {}, '1 2~ 3', ''],
  ['one that has failed makes room', {}, '1 2x 3', '-2x#1'],
  ['of two the older stays', {}, '1 2 3 1', '-1#3'],
  ['old ones go one at a time', {}, "1' 2' 3'", "-1'#0"],
  ['none goes while one is missing', {}, "1' 2' 3~", ''],
  ['nor while one is not ready', {}, "1' 2' 3!", ''],
  ['an old one that serves nobody goes at once', {}, "1' 2'! 3'", "-2'!#1"],
  ['two at a time', rolling({ maxUnavailable: 2 }), "1' 2' 3'", "-1'#0 -2'#1"],
  ['a share of the nodes', rolling({ maxUnavailable: '50%' }), "1' 2' 3'", "-1'#0 -2'#1"],
  ['none but by hand', onDelete, "1' 2' 3'", ''],
  ['a new one comes beside the old', rolling({ maxUnavailable: 0, maxSurge: 1 }), "1' 2' 3'", '+1'],
  ['and is waited for', rolling({ maxUnavailable: 0, maxSurge: 1 }), "1' 2' 3' 1!", ''],
  ['then the old one goes and the next comes', rolling({ maxUnavailable: 0, maxSurge: 1 }), "1' 2' 3' 1", "+2 -1'#0"],
  ['beside one that serves nobody it is no surge', rolling({ maxUnavailable: 0, maxSurge: 1 }), "1'! 2' 3'", '+1 +2'],
];

describe('a DaemonSet’s next step', () => {
  for (const [title, strategy, pods, wanted] of cases) test(title, () => assert.equal(planned(strategy, pods), wanted));

  test('nothing stays where it may not', () => {
    const tainted = { ...nodes[1]!, spec: { taints: [{ key: 'out', effect: 'NoExecute' }] } };
    assert.equal(planned({}, '1 2 3', [nodes[0]!, tainted, nodes[2]!]), '-2#1');
    const closed = { ...nodes[1]!, spec: { taints: [{ key: 'full', effect: 'NoSchedule' }] } };
    assert.equal(planned({}, '1 2 3', [nodes[0]!, closed, nodes[2]!]), '');
    assert.equal(planned({}, '1 3', [nodes[0]!, closed, nodes[2]!]), '');
  });

  test('a Pod that was made for a node that is gone goes, unless it has been there', () => {
    const [bound] = podsOf('2');
    const waiting = { ...bound!, spec: { ...templateSpec, affinity: affinityFor(templateSpec, 'node2') } };
    const set = setOf();
    const on = [nodes[0]!];
    assert.deepEqual(planPods(set, placesOf(set, on, [waiting]), 'new', 0).delete, [waiting]);
    assert.deepEqual(planPods(set, placesOf(set, on, [bound!]), 'new', 0).delete, []);
  });

  test('its status counts nodes', () => {
    const set = setOf();
    const closed = { ...nodes[2]!, spec: { taints: [{ key: 'full', effect: 'NoSchedule' }] } };
    const places = placesOf(set, [nodes[0]!, nodes[1]!, closed], podsOf("1 2'! 3"));
    assert.deepEqual(planStatus(set, places, 'new', 0).status, {
      currentNumberScheduled: 2,
      numberMisscheduled: 1,
      desiredNumberScheduled: 2,
      numberReady: 1,
      observedGeneration: 3,
      updatedNumberScheduled: 1,
      numberAvailable: 1,
      numberUnavailable: 1,
    });
  });
});

describe('where its Pods go', () => {
  const fits: readonly [string, object, Partial<Node['spec']>, boolean, boolean][] = [
    ['anywhere', {}, {}, true, true],
    ['a node that takes no new Pods', {}, { unschedulable: true }, true, true],
    [
      'a node in trouble',
      {},
      { taints: [{ key: 'node.kubernetes.io/disk-pressure', effect: 'NoSchedule' }] },
      true,
      true,
    ],
    [
      'a node that does not answer',
      {},
      { taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }] },
      true,
      true,
    ],
    ['a node for others', {}, { taints: [{ key: 'a', effect: 'NoSchedule' }] }, false, true],
    [
      'one for others that it tolerates',
      { tolerations: [{ key: 'a', operator: 'Exists' }] },
      { taints: [{ key: 'a', effect: 'NoExecute' }] },
      true,
      true,
    ],
    ['another node', { nodeName: 'node2' }, {}, false, false],
    ['nodes of another label', { nodeSelector: { disk: 'ssd' } }, {}, false, false],
  ];
  for (const [title, template, spec, shouldRun, mayStay] of fits)
    test(title, () => assert.deepEqual(fitOf(setOf({}, template), { ...nodes[0]!, spec }), { shouldRun, mayStay }));

  test('the wish for certain nodes becomes the wish for this one', () => {
    const terms = [{ matchExpressions: [{ key: 'disk', operator: 'Exists' }] }];
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } };
    const made = {
      ...podOf('a', { node: '' }),
      spec: { ...templateSpec, affinity: affinityFor({ ...templateSpec, affinity }, 'node7') },
    };
    assert.equal(nodeOf(made), 'node7');
  });

  test('what it tolerates already is not said twice', () => {
    const tolerations = tolerationsOf({
      ...templateSpec,
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 },
      ],
    });
    assert.equal(tolerations.filter(({ key }) => key === 'node.kubernetes.io/not-ready').length, 1);
    assert.equal(tolerationsOf({ ...templateSpec, hostNetwork: true }).length, 7);
  });
});
