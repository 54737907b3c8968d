import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podOf } from '../testing/objects.ts';
import { deletionOrder } from './deletion-order.ts';

const nowMs = Date.UTC(2026, 0, 2);
const cost = (value: string) => ({ annotations: { 'controller.kubernetes.io/pod-deletion-cost': value } });
const created = (creationTimestamp: string) => ({ creationTimestamp });

/** Each row: the one that goes, then the one that stays. */
const cases: [string, ReturnType<typeof podOf>, ReturnType<typeof podOf>][] = [
  ['without a node before on a node', podOf('z', { node: '' }), podOf('a')],
  ['pending before running', podOf('z', { phase: 'Pending' }), podOf('a')],
  ['not ready before ready', podOf('z', { isReady: false }), podOf('a')],
  ['cheap before dear', podOf('z', { metadata: cost('-5') }), podOf('a')],
  ['restarted before steady', podOf('z', { restarts: 3 }), podOf('a')],
  ['young before old', podOf('z', { metadata: created('2026-01-01T23:00:00Z') }), podOf('a')],
  [
    'pending before not ready, though dear',
    podOf('z', { phase: 'Pending', metadata: cost('9') }),
    podOf('a', { isReady: false }),
  ],
];

for (const [title, goes, stays] of cases) {
  test(title, () => {
    const names = (pods: ReturnType<typeof podOf>[]) => deletionOrder(pods, nowMs).map(({ metadata }) => metadata.name);
    assert.deepEqual(names([goes, stays]), ['z', 'a']);
    assert.deepEqual(names([stays, goes]), ['z', 'a']);
  });
}

test('of the node that has most of them first', () => {
  const pods = [podOf('a', { node: 'node2' }), podOf('b', { node: 'node1' }), podOf('c', { node: 'node1' })];
  const [first, second] = deletionOrder(pods, nowMs);
  assert.deepEqual([first!.spec.nodeName, second!.spec.nodeName], ['node1', 'node1']);
});
