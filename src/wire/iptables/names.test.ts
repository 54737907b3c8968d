import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointChain, hash, isServiceChain, portText, serviceChain } from './names.ts';

const hostnames = { service: 'default/hostnames', port: '', protocol: 'TCP' };

test('A port is named as upstream names it: without a colon when it has no name', () => {
  assert.equal(portText(hostnames), 'default/hostnames');
  assert.equal(portText({ ...hostnames, port: 'http' }), 'default/hostnames:http');
  assert.equal(serviceChain('cluster', hostnames), 'KUBE-SVC-YN5D6RYVEVZOH44Q');
});

test('The hash is the one of older listings, in which an unnamed port has its colon', () => {
  const listed = [
    ['default/hostnames:tcp', 'NWV5X2332I4OT4T3'],
    ['default/hostnames:tcp10.244.3.6:9376', '57KPRZ3JQVENLNBR'],
    ['default/hostnames:tcp10.244.1.7:9376', 'WNBA2IHDGP2BOBGZ'],
    ['default/hostnames:tcp10.244.2.3:9376', 'X3P2623AGDH6CDF3'],
    ['ops-test/nginx-service:tcp', '473SUSYUDXM6XRRH'],
    ['ops-test/nginx-service:tcp172.31.179.80:80', 'VPHXZB6KBMWRSLML'],
  ] as const;
  for (const [text, expected] of listed) assert.equal(hash(text), expected);
});

test('The chains of one port share the hash; an endpoint has its own', () => {
  const chains = (['cluster', 'local', 'external', 'firewall'] as const).map((kind) => serviceChain(kind, hostnames));
  assert.deepEqual(
    chains.map((chain) => chain.slice(-16)),
    Array(4).fill('YN5D6RYVEVZOH44Q'),
  );
  assert.equal(endpointChain(hostnames, '10.244.3.6:9376'), `KUBE-SEP-${hash('default/hostnamestcp10.244.3.6:9376')}`);
  assert.notEqual(serviceChain('cluster', hostnames), serviceChain('cluster', { ...hostnames, protocol: 'UDP' }));
});

test('Chains of Service ports are told from all others', () => {
  for (const chain of ['KUBE-SVC-X', 'KUBE-SVL-X', 'KUBE-EXT-X', 'KUBE-FW-X', 'KUBE-SEP-X']) {
    assert.ok(isServiceChain(chain), chain);
  }
  for (const chain of ['KUBE-SERVICES', 'KUBE-FORWARD', 'KUBE-FIREWALL', 'DOCKER']) assert.ok(!isServiceChain(chain));
});
