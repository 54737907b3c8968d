import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../../kube/mod.ts';
import { FakeInformer } from '../testing/fake-informer.ts';
import { node } from '../testing/objects.ts';
import { factsOf, type NodeView, nodeView, watchNode } from './node-view.ts';

const dual = node('node1', {
  zone: 'a',
  addresses: [
    { type: 'Hostname', address: 'node1' },
    { type: 'ExternalIP', address: '203.0.113.1' },
    { type: 'InternalIP', address: '172.30.1.1' },
    { type: 'InternalIP', address: '172.30.1.2' },
    { type: 'ExternalIP', address: 'FD00:0::1' },
  ],
  podCIDRs: ['10.244.1.0/24', 'fd00:10:244:1::/64'],
});

test('A node’s primary address of a family is the first internal one, else the first external one', () => {
  assert.deepEqual(nodeView('node1', dual), {
    name: 'node1',
    zone: 'a',
    addresses: { IPv4: '172.30.1.1', IPv6: 'fd00::1' },
    podRanges: { IPv4: '10.244.1.0/24', IPv6: 'fd00:10:244:1::/64' },
  });
  assert.deepEqual(factsOf(nodeView('node1', dual), 'IPv6'), {
    name: 'node1',
    family: 'IPv6',
    zone: 'a',
    address: 'fd00::1',
  });
});

test('A node of which nothing is known has only its name', () => {
  assert.deepEqual(nodeView('node1'), { name: 'node1', addresses: {}, podRanges: {} });
  assert.deepEqual(factsOf(nodeView('node1'), 'IPv4'), { name: 'node1', family: 'IPv4' });
});

test('An older Node has podCIDR alone', () => {
  const old = node('node1', {});
  old.spec = { podCIDR: '10.244.1.0/24' };
  assert.deepEqual(nodeView('node1', old).podRanges, { IPv4: '10.244.1.0/24' });
});

test('Only what matters is told of, only of the own node, and a deleted node is where it was', () => {
  const nodes = new FakeInformer<Node>();
  const views: NodeView[] = [];
  watchNode(nodes, 'node1', (view) => views.push(view));
  nodes.put(dual, node('node2', { zone: 'z' }));
  assert.equal(views.length, 1);
  nodes.put({ ...dual, metadata: { ...dual.metadata, resourceVersion: '2', annotations: { heartbeat: 'now' } } });
  nodes.delete('node1');
  nodes.put(dual);
  assert.equal(views.length, 1);
  nodes.put(node('node1', { zone: 'b' }));
  assert.deepEqual(
    views.map(({ zone }) => zone),
    ['a', 'b'],
  );
});
