import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '../../kube/mod.ts';
import { service, slice, tcp, udp } from '../testing/objects.ts';
import { planService } from './plan-service.ts';

const node = { name: 'node1', family: 'IPv4' } as const;

/** A plan in a few lines: `http 10.96.0.1:80 *:30080 -> 10.0.0.1:9376 (local); not 10.0.0.2: not ready`. */
function planned(service: Service, slices: EndpointSlice[]): string[] {
  return planService(service, slices, node).ports.map(({ name, frontends, cluster }) => {
    const { endpoints, leftOut } = cluster!;
    const from = frontends.map(({ address = '*', port }) => `${address}:${port}`).join(' ');
    const to = endpoints.map((one) => `${one.address}:${one.port}${one.local ? ' (local)' : ''}`).join(' ');
    const not = leftOut.map(({ address, reason }) => `; not ${address}: ${reason}`).join('');
    return `${name.port}/${name.protocol} ${from} -> ${to}${not}`;
  });
}

const web = (options: Parameters<typeof service>[2] = {}) => service('web', '10.96.0.1', options);
const on = (address: string, conditions: object = {}, nodeName = 'node2') => ({
  addresses: [address],
  conditions,
  nodeName,
});

const cases: [what: string, service: Service, slices: EndpointSlice[], expected: string[]][] = [
  ['no slices', web(), [], ['/TCP 10.96.0.1:80 -> ']],
  [
    'endpoints here, elsewhere and nobody knows where',
    web(),
    [slice('web', [on('10.0.0.1', {}, 'node1'), on('10.0.0.2'), '10.0.0.3'])],
    ['/TCP 10.96.0.1:80 -> 10.0.0.1:9376 (local) 10.0.0.2:9376 10.0.0.3:9376 (local)'],
  ],
  [
    'a node port',
    web({ ports: [tcp(80, { nodePort: 30080 })] }),
    [slice('web', [on('10.0.0.1')])],
    ['/TCP 10.96.0.1:80 *:30080 -> 10.0.0.1:9376'],
  ],
  [
    'named ports resolve per slice, and differ',
    web({ ports: [tcp(80, { name: 'http' }), udp(53, { name: 'dns' })] }),
    [
      slice('web', [on('10.0.0.1')], {
        name: 'a',
        ports: [
          { name: 'http', protocol: 'TCP', port: 8080 },
          { name: 'dns', protocol: 'UDP', port: 53 },
        ],
      }),
      slice('web', [on('10.0.0.2')], { name: 'b', ports: [{ name: 'http', protocol: 'TCP', port: 9090 }] }),
    ],
    [
      'http/TCP 10.96.0.1:80 -> 10.0.0.1:8080 10.0.0.2:9090',
      'dns/UDP 10.96.0.1:53 -> 10.0.0.1:53; not 10.0.0.2: no port of that name',
    ],
  ],
  [
    'the name is right and the protocol is not',
    web({ ports: [udp(80, { name: 'http' })] }),
    [slice('web', [on('10.0.0.1')], { ports: [{ name: 'http', protocol: 'TCP', port: 80 }] })],
    ['http/UDP 10.96.0.1:80 -> ; not 10.0.0.1: no port of that name'],
  ],
  [
    'a port without a number',
    web(),
    [slice('web', [on('10.0.0.1')], { ports: [{ name: '', protocol: 'TCP' }] })],
    ['/TCP 10.96.0.1:80 -> ; not 10.0.0.1: port without a number'],
  ],
  [
    'not ready',
    web(),
    [slice('web', [on('10.0.0.1'), on('10.0.0.2', { ready: false })])],
    ['/TCP 10.96.0.1:80 -> 10.0.0.1:9376; not 10.0.0.2: not ready'],
  ],
  [
    'one ready, one terminating that still serves',
    web(),
    [slice('web', [on('10.0.0.1'), on('10.0.0.2', { ready: false, serving: true, terminating: true })])],
    ['/TCP 10.96.0.1:80 -> 10.0.0.1:9376; not 10.0.0.2: terminating while others are ready'],
  ],
  [
    'all terminating: those that serve are used (KEP-1669)',
    web(),
    [
      slice('web', [
        on('10.0.0.1', { ready: false, serving: true, terminating: true }),
        on('10.0.0.2', { ready: false, serving: false, terminating: true }),
        on('10.0.0.3', { ready: false, serving: true, terminating: false }),
      ]),
    ],
    ['/TCP 10.96.0.1:80 -> 10.0.0.1:9376; not 10.0.0.2: not serving; not 10.0.0.3: not ready'],
  ],
  [
    'an endpoint in two slices at once counts once, with its better condition',
    web(),
    [
      slice('web', [on('10.0.0.1', { ready: false })], { name: 'a' }),
      slice('web', [on('10.0.0.1', { ready: true }, 'node1')], { name: 'b' }),
    ],
    ['/TCP 10.96.0.1:80 -> 10.0.0.1:9376 (local)'],
  ],
  [
    'a slice of the other family',
    web(),
    [slice('web', [on('fd00::1')], { addressType: 'IPv6' }), slice('web', [on('10.0.0.1')], { name: 'b' })],
    ['/TCP 10.96.0.1:80 -> 10.0.0.1:9376'],
  ],
  [
    'an address that is none',
    web(),
    [slice('web', [on('10.0.0.256'), { addresses: [] }])],
    ['/TCP 10.96.0.1:80 -> ; not 10.0.0.256: invalid address; not : invalid address'],
  ],
  [
    'a slice that another proxy serves',
    web(),
    [slice('web', [on('10.0.0.1')], { labels: { 'service.kubernetes.io/service-proxy-name': 'other' } })],
    ['/TCP 10.96.0.1:80 -> '],
  ],
  ['headless', web({ spec: { clusterIP: 'None', clusterIPs: ['None'] } }), [slice('web', ['10.0.0.1'])], []],
  ['ExternalName', web({ spec: { type: 'ExternalName', externalName: 'example.org' } }), [], []],
  ['another proxy', web({ labels: { 'service.kubernetes.io/service-proxy-name': 'other' } }), [], []],
  ['the headless label', web({ labels: { 'service.kubernetes.io/headless': '' } }), [], []],
  ['no VIP yet', web({ spec: { clusterIP: '', clusterIPs: [] } }), [], []],
  ['only an IPv6 VIP', web({ spec: { clusterIP: 'fd00::1', clusterIPs: ['fd00::1'] } }), [], []],
  [
    'dual stack, the other family first',
    web({ spec: { clusterIP: 'fd00::1', clusterIPs: ['fd00::1', '10.96.0.9'] } }),
    [],
    ['/TCP 10.96.0.9:80 -> '],
  ],
];

for (const [what, service, slices, expected] of cases) {
  test(`Plan: ${what}`, () => assert.deepEqual(planned(service, slices), expected));
}
