import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ControllerRevision, StatefulSet } from '../../kube/mod.ts';
import { isReady } from '../shared/pods.ts';
import { metaOf, type PodTraits, podOf } from '../testing/objects.ts';
import { ordinalOf, planPods } from './plan.ts';
import { planStatus } from './status.ts';

const revision = (name: string, number: number): ControllerRevision => ({
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: metaOf(name),
  data: {},
  revision: number,
});
const revisions = { current: revision('old', 1), update: revision('new', 2) };

const setOf = (spec: object = {}): StatefulSet => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: metaOf('web', { generation: 7 }),
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: {
      spec: {
        containers: [{ name: 'c' }],
        restartPolicy: 'Always',
        dnsPolicy: 'ClusterFirst',
        terminationGracePeriodSeconds: 30,
      },
    },
    podManagementPolicy: 'OrderedReady',
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    ...spec,
  } as StatefulSet['spec'],
});

/** `0 1! 2~ 3x` are Pods web-0 to web-3: well, not ready, on its way out, failed; `'` of the old revision. */
const podsOf = (text: string) =>
  text
    .split(' ')
    .filter(Boolean)
    .map((word) => {
      const ordinal = Number.parseInt(word, 10);
      const labels = { 'controller-revision-hash': word.includes("'") ? 'old' : 'new' };
      const traits: PodTraits = {
        metadata: { labels },
        isReady: !/[!x]/.test(word),
        isTerminating: word.includes('~'),
        phase: word.includes('x') ? 'Failed' : 'Running',
      };
      return podOf(`web-${ordinal}`, traits);
    });

/** `+0(new) -2`: created from which revision, deleted. */
const planned = (spec: object, pods: string): string => {
  const plan = planPods(setOf(spec), podsOf(pods), revisions, Date.UTC(2026, 0, 2));
  const created = plan.create.map(({ ordinal, revision: { metadata } }) => `+${ordinal}(${metadata.name})`);
  return [...created, ...plan.delete.map(({ metadata }) => `-${metadata.name.slice(4)}`)].join(' ');
};

const parallel = { podManagementPolicy: 'Parallel' };
const partition = (value: number) => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: value } },
});
const onDelete = { updateStrategy: { type: 'OnDelete' } };

const cases: readonly [string, object, string, string][] = [
  ['the first comes first', {}, '', '+0(new)'],
  ['the second waits until the first is ready', {}, '0!', ''],
  ['the second comes when it is', {}, '0', '+1(new)'],
  ['a gap is filled before what is above', {}, '0 2', '+1(new)'],
  ['one on its way out is waited for', {}, '0 1~ 2', ''],
  ['one that has failed makes room', {}, '0 1x 2', '-1'],
  ['all at once', parallel, '', '+0(new) +1(new) +2(new)'],
  ['all at once, around those that are there', parallel, '1! 2~', '+0(new)'],
  ['numbers begin where it is said', { ordinals: { start: 5 } }, '5', '+6(new)'],
  ['too many go from the top, one by one', { replicas: 1 }, '0 1 2', '-2'],
  ['the next goes when the last is gone', { replicas: 1 }, '0 1 2~', ''],
  ['nothing goes while one below is not ready', { replicas: 2 }, '0! 1 2', ''],
  ['of those that are too many the unwell goes only when it is the lowest', { replicas: 0 }, '0! 1 2!', ''],
  ['too many go at once', { ...parallel, replicas: 1 }, '0 1 2', '-2 -1'],
  ['old ones are replaced from the top', {}, "0' 1' 2'", '-2'],
  ['the next when the last is ready', {}, "0' 1' 2!", ''],
  ['and then', {}, "0' 1' 2", '-1'],
  ['done', {}, '0 1 2', ''],
  ['not below the partition', partition(2), "0' 1' 2", ''],
  ['below the partition the old template is used on', partition(2), "0'", '+1(old)'],
  ['above it the new one', partition(1), "0'", '+1(new)'],
  ['only what somebody deletes is new', onDelete, "0' 1' 2'", ''],
  ['and that is', onDelete, "0' 1'", '+2(new)'],
];

describe('a StatefulSet’s next step', () => {
  for (const [title, spec, pods, wanted] of cases) test(title, () => assert.equal(planned(spec, pods), wanted));

  test('a Pod that is ready but not for long enough is waited for', () => {
    const [pod] = podsOf('0');
    const conditions = [{ type: 'Ready', status: 'True' as const, lastTransitionTime: '2026-01-01T00:00:00Z' }];
    const ready = { ...pod!, status: { ...pod!.status, conditions } };
    assert(isReady(ready));
    const set = setOf({ minReadySeconds: 10 });
    const at = (seconds: number) => Date.UTC(2026, 0, 1, 0, 0, seconds);
    assert.deepEqual(planPods(set, [ready], revisions, at(9)).create, []);
    assert.equal(planPods(set, [ready], revisions, at(10)).create.length, 1);
    assert.equal(planStatus(set, [ready], revisions, at(9)).nextChangeMs, 1000);
    assert.equal(planStatus(set, [ready], revisions, at(9)).status.availableReplicas, 0);
  });
});

test('only its own name with a number belongs', () => {
  const names = ['web-0', 'web-12', 'web-', 'web-a', 'other-0', 'web-1-2'];
  assert.deepEqual(
    names.map((name) => ordinalOf(setOf(), podOf(name))),
    [0, 12, undefined, undefined, undefined, undefined],
  );
});

describe('its status', () => {
  const statusOf = (spec: object, pods: string) => planStatus(setOf(spec), podsOf(pods), revisions, 0).status;

  test('counts old and new', () => {
    assert.deepEqual(statusOf({}, "0' 1! 2~"), {
      observedGeneration: 7,
      replicas: 3,
      readyReplicas: 1,
      currentReplicas: 1,
      updatedReplicas: 1,
      availableReplicas: 1,
      currentRevision: 'old',
      updateRevision: 'new',
    });
  });
  test('the new template is the current one when all Pods have it and are ready', () => {
    const { currentRevision, currentReplicas } = statusOf({}, '0 1 2');
    assert.deepEqual([currentRevision, currentReplicas], ['new', 3]);
    assert.equal(statusOf({}, '0 1 2!').currentRevision, 'old');
    assert.equal(statusOf(onDelete, '0 1 2').currentRevision, 'old');
  });
});
