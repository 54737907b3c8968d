import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../../kube/mod.ts';
import { routesTo } from './node-routes.ts';

const node = (name: string, podCIDR: string | undefined, address: string | undefined) =>
  ({
    metadata: { name },
    spec: podCIDR === undefined ? {} : { podCIDR },
    status: { addresses: [{ type: 'Hostname', address: name }, ...(address ? [{ type: 'InternalIP', address }] : [])] },
  }) as unknown as Node;

test('Routes go to every other node that has a range and an address', () => {
  const nodes = [
    node('node1', '10.244.1.0/24', '192.0.2.11'),
    node('node2', '10.244.2.0/24', '192.0.2.12'),
    node('node3', undefined, '192.0.2.13'),
    node('node4', '10.244.4.0/24', undefined),
    node('node5', 'fd00::/64', '192.0.2.15'),
  ];
  assert.deepEqual([...routesTo(nodes, 'node1')], [['10.244.2.0/24', '192.0.2.12']]);
});
