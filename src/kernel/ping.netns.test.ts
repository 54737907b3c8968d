import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNetns, deleteNetns } from './namespaces.ts';
import { NetworkAdmin } from './network.ts';
import { ping } from './ping.ts';
import { createKernel } from './real.ts';

test('an address that is there answers, one that is not does not, nor one without a route', (t) => {
  const name = `t-kernel-ping-${process.pid}`;
  const netns = createNetns(name);
  t.after(() => deleteNetns(name));
  const network = new NetworkAdmin(createKernel(), { netns });
  t.after(() => network.close());
  network.setUp('lo');
  network.addAddress('lo', '192.0.2.1/32');
  network.createBridge('empty');
  network.addAddress('empty', '198.51.100.1/24');
  network.setUp('empty');
  assert.equal(ping(netns, '192.0.2.1', 5000), true);
  assert.equal(ping(netns, '198.51.100.2', 50), false);
  assert.equal(ping(netns, '203.0.113.1', 50), false);
});
