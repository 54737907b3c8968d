import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import type { Node } from '../../kube/mod.ts';
import type { NodeRoutes } from './node-routes.ts';
import { keepRoutes, routeCheckMs, routeRetryMs } from './route-keeper.ts';

const other = {
  metadata: { name: 'node2' },
  spec: { podCIDR: '10.244.2.0/24' },
  status: { addresses: [{ type: 'InternalIP', address: '192.0.2.12' }] },
} as unknown as Node;

async function start(outcome: () => boolean) {
  const clock = new ManualClock();
  const applied: NodeRoutes[] = [];
  const router = {
    apply(wanted: NodeRoutes) {
      applied.push(wanted);
      return outcome();
    },
  };
  const nodes = { hasSynced: true, synced: Promise.resolve(), list: () => [other].values(), onChange: () => {} };
  const stop = keepRoutes({ router, nodes, nodeName: 'node1', clock, log: silentLogger });
  await nodes.synced;
  return { clock, applied, stop };
}

test('Routes that something else took away are put back without any change of a Node', async () => {
  const { clock, applied } = await start(() => true);
  assert.equal(applied.length, 1);
  await clock.advance(routeCheckMs);
  await clock.advance(routeCheckMs);
  assert.deepEqual(
    applied.map((routes) => [...routes]),
    Array(3).fill([['10.244.2.0/24', '192.0.2.12']]),
  );
});

test('A route that cannot be made is tried again sooner, also after an error', async () => {
  const outcomes = [
    () => false,
    () => {
      throw new Error('ENETDOWN');
    },
  ];
  const { clock, applied } = await start(() => outcomes.shift()?.() ?? true);
  await clock.advance(routeRetryMs);
  await clock.advance(routeRetryMs);
  assert.equal(applied.length, 3);
  await clock.advance(routeRetryMs);
  assert.equal(applied.length, 3);
});

test('Nothing is applied after the end', async () => {
  const { clock, applied, stop } = await start(() => true);
  stop();
  await clock.advance(routeCheckMs);
  assert.equal(applied.length, 1);
});
