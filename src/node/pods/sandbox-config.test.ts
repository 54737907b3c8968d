import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodSpec } from '../../kube/mod.ts';
import { sandboxConfigOf } from './sandbox-config.ts';

const options = {
  nodeName: 'node1',
  clusterDns: ['10.96.0.10'],
  clusterDomain: 'cluster.local',
  hostDns: { nameservers: ['192.0.2.53'], searches: ['example.com'], options: ['timeout:1'] },
};

const configOf = (spec: Partial<PodSpec>, name = 'web-0') =>
  sandboxConfigOf(
    {
      metadata: { name, namespace: 'shop', uid: 'u' },
      spec: { dnsPolicy: 'ClusterFirst', terminationGracePeriodSeconds: 5, containers: [], ...spec },
    } as unknown as Pod,
    options,
  );

const cluster = {
  nameservers: ['10.96.0.10'],
  searches: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'example.com'],
  options: ['ndots:5'],
};

for (const [title, spec, dns] of [
  ['ClusterFirst', {}, cluster],
  ['ClusterFirst on the host network is Default', { hostNetwork: true }, options.hostDns],
  ['ClusterFirstWithHostNet', { dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true }, cluster],
  ['Default', { dnsPolicy: 'Default' }, options.hostDns],
  [
    'None takes only dnsConfig',
    { dnsPolicy: 'None', dnsConfig: { nameservers: ['192.0.2.1'], searches: ['a'], options: [{ name: 'edns0' }] } },
    { nameservers: ['192.0.2.1'], searches: ['a'], options: ['edns0'] },
  ],
  [
    'dnsConfig adds, replaces options of the same name, and three servers are enough',
    {
      dnsConfig: {
        nameservers: ['192.0.2.1', '10.96.0.10', '192.0.2.2', '192.0.2.3'],
        searches: ['cluster.local', 'extra'],
        options: [{ name: 'ndots', value: '2' }],
      },
    },
    {
      nameservers: ['10.96.0.10', '192.0.2.1', '192.0.2.2'],
      searches: [...cluster.searches, 'extra'],
      options: ['ndots:2'],
    },
  ],
] as [string, Partial<PodSpec>, object][]) {
  test(`dnsPolicy: ${title}`, () => {
    assert.deepEqual(configOf(spec).dns, dns);
  });
}

test('The host name is the Pod’s, what it asks for, or the node’s', () => {
  assert.equal(configOf({}).hostname, 'web-0');
  assert.equal(configOf({ hostname: 'mine' }).hostname, 'mine');
  assert.equal(configOf({ hostNetwork: true }).hostname, 'node1');
  assert.equal(configOf({}, `${'a'.repeat(62)}-tail`).hostname, 'a'.repeat(62));
  assert.equal(configOf({ subdomain: 'db' }).fullyQualifiedName, 'web-0.db.shop.svc.cluster.local');
  assert.equal(configOf({ subdomain: 'db', setHostnameAsFQDN: true }).hostname, 'web-0.db.shop.svc.cluster.local');
});
