import assert from 'node:assert/strict';
import { test } from 'node:test';
import { candidateSubnets, checkClusterName, layoutOf } from './layout.ts';

test('a cluster name that a link could not bear is refused by name and value', () => {
  for (const name of ['', 'Demo', 'a_b', '-a', 'a-', 'thirteen-char', 'a/../b']) {
    assert.throws(() => checkClusterName(name), new RegExp(`Invalid --name ${JSON.stringify(name)}`));
  }
  assert.equal(checkClusterName('twelve-chars'), 'twelve-chars');
});

test('names of links fit into IFNAMSIZ for the longest name', () => {
  const layout = layoutOf('twelve-chars', '/var/lib/signalbox', '172.30.7', 200);
  assert.ok(layout.hostLink.length <= 15);
  assert.equal(layout.nodes[199]?.address, '172.30.7.210');
  assert.equal(layout.nodes[199]?.podCidr, '10.244.200.0/24');
});

test('every /24 is tried once, and no address is used twice', () => {
  assert.equal(new Set(candidateSubnets('demo')).size, 256);
  const { control, fabric, nodes } = layoutOf('demo', '/x', '172.30.7', 200);
  const addresses = [control.address, fabric.gateway, fabric.hostAddress, ...nodes.map((node) => node.address)];
  assert.equal(new Set(addresses).size, addresses.length);
});
