import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../base/errors.ts';
import type { TrafficSettings } from './dataplane/port.ts';
import type { Family } from './plan/mod.ts';
import { type ProxySettings, readSettings } from './settings.ts';
import type { NodeView } from './track/mod.ts';

const node: NodeView = {
  name: 'node1',
  addresses: { IPv4: '172.30.1.1', IPv6: 'fd00::1' },
  podRanges: { IPv4: '10.244.1.0/24' },
};
const read = (settings: ProxySettings, family: Family = 'IPv4', view = node): TrafficSettings =>
  readSettings(settings)(view, family);

test('What is not chosen is as in kube-proxy', () => {
  assert.deepEqual(read({}), {
    family: 'IPv4',
    masqueradeMark: 0x4000,
    masqueradeAll: false,
    randomFully: true,
    dropInvalid: true,
    serviceRanges: [],
    localDetector: { kind: 'none' },
    nodePorts: { localhost: true },
  });
});

const detectors: [what: string, settings: ProxySettings, family: Family, expected: TrafficSettings['localDetector']][] =
  [
    [
      'ClusterCIDR of two families: the IPv4 one',
      { clusterCidr: '10.244.7.9/16,fd00:10:244::/56' },
      'IPv4',
      { kind: 'source-range', range: '10.244.0.0/16' },
    ],
    [
      'ClusterCIDR of two families: the IPv6 one',
      { clusterCidr: '10.244.0.0/16, fd00:10:244::1/56' },
      'IPv6',
      { kind: 'source-range', range: 'fd00:10:244::/56' },
    ],
    ['ClusterCIDR without one of this family', { clusterCidr: '10.244.0.0/16' }, 'IPv6', { kind: 'none' }],
    ['NodeCIDR', { detectLocalMode: 'NodeCIDR' }, 'IPv4', { kind: 'source-range', range: '10.244.1.0/24' }],
    ['NodeCIDR of a node that has none of this family', { detectLocalMode: 'NodeCIDR' }, 'IPv6', { kind: 'none' }],
    [
      'BridgeInterface',
      { detectLocalMode: 'BridgeInterface', bridgeInterface: 'cbr0' },
      'IPv6',
      { kind: 'bridge', interface: 'cbr0' },
    ],
    [
      'InterfaceNamePrefix',
      { detectLocalMode: 'InterfaceNamePrefix', interfaceNamePrefix: 'veth' },
      'IPv4',
      { kind: 'interface-prefix', prefix: 'veth' },
    ],
  ];
for (const [what, settings, family, expected] of detectors) {
  test(`Local detector: ${what}`, () => assert.deepEqual(read(settings, family).localDetector, expected));
}

const nodePorts: [what: string, settings: ProxySettings, family: Family, expected: TrafficSettings['nodePorts']][] = [
  ['everywhere, and on IPv4 also on localhost', {}, 'IPv4', { localhost: true }],
  ['IPv6 has no localhost node ports', {}, 'IPv6', { localhost: false }],
  ['localhost not wanted', { localhostNodePorts: false }, 'IPv4', { localhost: false }],
  ['primary', { nodePortAddresses: ['primary'] }, 'IPv4', { ranges: ['172.30.1.1/32'], localhost: false }],
  [
    'primary and a range',
    { nodePortAddresses: ['primary', '10.0.0.0/8'] },
    'IPv4',
    { ranges: ['172.30.1.1/32', '10.0.0.0/8'], localhost: false },
  ],
  [
    'primary and localhost',
    { nodePortAddresses: ['primary', 'localhost'] },
    'IPv4',
    { ranges: ['172.30.1.1/32', '127.0.0.0/8'], localhost: true },
  ],
  [
    'localhost of IPv6, where it cannot answer',
    { nodePortAddresses: ['localhost'] },
    'IPv6',
    { ranges: ['::1/128'], localhost: false },
  ],
  ['all', { nodePortAddresses: ['all', 'primary'] }, 'IPv4', { localhost: true }],
  ['primary of IPv6', { nodePortAddresses: ['primary'] }, 'IPv6', { ranges: ['fd00::1/128'], localhost: false }],
  [
    'a range without loopback',
    { nodePortAddresses: ['172.30.1.0/24'] },
    'IPv4',
    { ranges: ['172.30.1.0/24'], localhost: false },
  ],
  [
    'a range of loopback addresses',
    { nodePortAddresses: ['172.30.1.0/24', '127.0.0.0/8'] },
    'IPv4',
    { ranges: ['172.30.1.0/24', '127.0.0.0/8'], localhost: true },
  ],
  ['a range of the other family only', { nodePortAddresses: ['172.30.1.0/24'] }, 'IPv6', { localhost: false }],
  ['a range of all addresses', { nodePortAddresses: ['0.0.0.0/0'] }, 'IPv4', { localhost: true }],
];
for (const [what, settings, family, expected] of nodePorts) {
  test(`Node port addresses: ${what}`, () => assert.deepEqual(read(settings, family).nodePorts, expected));
}

test('With primary, a node without an address of the family has no node ports', () => {
  const view = { ...node, addresses: {} };
  assert.deepEqual(read({ nodePortAddresses: ['primary'] }, 'IPv4', view).nodePorts, { ranges: [], localhost: false });
});

test('A bad setting is refused with the field’s name', () => {
  const bad: [field: string, settings: ProxySettings][] = [
    ...[
      '',
      '10.244.0.0',
      '10.244.0.0/33',
      '10.244.0/16',
      '10.0.0.0/8/8',
      'fd00::/129',
      '10.0.0.0/-1',
      '10.0.0.0/x',
    ].map((clusterCidr): [string, ProxySettings] => ['clusterCidr', { clusterCidr }]),
    ['serviceCidr', { serviceCidr: '10.96.0.0' }],
    ['nodePortAddresses', { nodePortAddresses: ['eth0'] }],
    ['bridgeInterface', { detectLocalMode: 'BridgeInterface' }],
    ['interfaceNamePrefix', { detectLocalMode: 'InterfaceNamePrefix', interfaceNamePrefix: 'far-too-long-for-linux' }],
    ...[-1, 32, 1.5, Number.NaN].map((masqueradeBit): [string, ProxySettings] => ['masqueradeBit', { masqueradeBit }]),
  ];
  for (const [field, settings] of bad) {
    assert.throws(
      () => readSettings(settings),
      (error) => error instanceof UsageError && error.message.startsWith(`Read ${field}: `),
      JSON.stringify(settings),
    );
  }
});

test('The masquerade bit is one of the mark’s 32', () => {
  assert.equal(read({ masqueradeBit: 0 }).masqueradeMark, 1);
  assert.equal(read({ masqueradeBit: 31 }).masqueradeMark, 0x80000000);
});
