import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '../../kube/mod.ts';
import { sctp, service, slice, tcp, udp } from '../testing/objects.ts';
import { planText } from '../testing/plan-text.ts';
import type { NodeFacts } from './model.ts';
import { planService } from './plan-service.ts';

/** Each case is read twice: as it stands, and with every address turned into an IPv6 one. */
interface Case {
  readonly what: string;
  readonly service?: Partial<Service['spec']>;
  readonly ingress?: NonNullable<NonNullable<Service['status']>['loadBalancer']>['ingress'];
  readonly slices?: readonly EndpointSlice[];
  readonly node?: Partial<NodeFacts>;
  readonly expected: readonly string[];
}

type SliceEndpoint = EndpointSlice['endpoints'][number];

const on = (nodeName: string, address: string, more: Partial<SliceEndpoint> = {}): SliceEndpoint => ({
  addresses: [address],
  nodeName,
  ...more,
});
const here = (address: string, more?: Partial<SliceEndpoint>) => on('node1', address, more);
const there = (address: string, more?: Partial<SliceEndpoint>) => on('node2', address, more);
const notReady = { conditions: { ready: false } };
const draining = { conditions: { ready: false, serving: true, terminating: true } };
const dying = { conditions: { ready: false, serving: false, terminating: true } };
const hints = (zones: string[], nodes: string[] = []): Pick<SliceEndpoint, 'hints'> => ({
  hints: { forZones: zones.map((name) => ({ name })), forNodes: nodes.map((name) => ({ name })) },
});
const web = (...endpoints: SliceEndpoint[]) => [slice('web', endpoints)];

const nodePort: Case['service'] = { type: 'NodePort', ports: [tcp(80, { nodePort: 30080 })] };
const balanced: Case['service'] = { ...nodePort, type: 'LoadBalancer' };
const vip = [{ ip: '192.0.2.1', ipMode: 'VIP' as const }];

const frontends: Case[] = [
  {
    what: 'every kind of frontend',
    service: { ...balanced, externalIPs: ['198.51.100.7'] },
    ingress: vip,
    slices: web(there('10.0.0.1')),
    expected: [
      '/TCP 10.96.0.1:80 by Cluster: forward',
      '  198.51.100.7:80 192.0.2.1:80 *:30080 by Cluster: forward',
      '  Cluster 10.0.0.1:9376',
    ],
  },
  {
    what: 'a load balancer that proxies is no frontend (KEP-1860)',
    service: balanced,
    ingress: [{ ip: '192.0.2.1', ipMode: 'Proxy' }, { hostname: 'lb.example.org' }, { ip: '192.0.2.2' }],
    expected: ['/TCP 10.96.0.1:80 by Cluster: reject', '  192.0.2.2:80 *:30080 by Cluster: reject', '  Cluster'],
  },
  {
    what: 'a load balancer without node ports',
    service: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false },
    ingress: vip,
    slices: web(there('10.0.0.1')),
    expected: [
      '/TCP 10.96.0.1:80 by Cluster: forward',
      '  192.0.2.1:80 by Cluster: forward',
      '  Cluster 10.0.0.1:9376',
    ],
  },
  {
    what: 'an address that is there in two ways counts once',
    service: { type: 'LoadBalancer', externalIPs: ['192.0.2.1', '192.0.2.1', '10.96.0.1'] },
    ingress: vip,
    expected: ['/TCP 10.96.0.1:80 by Cluster: reject', '  192.0.2.1:80 by Cluster: reject', '  Cluster'],
  },
  {
    what: 'TCP, UDP and SCTP on one number',
    service: { ports: [tcp(53, { name: 'a' }), udp(53, { name: 'b' }), sctp(53, { name: 'c' })] },
    slices: [
      slice('web', [there('10.0.0.1')], {
        ports: [
          { name: 'a', protocol: 'TCP', port: 5353 },
          { name: 'b', protocol: 'UDP', port: 5354 },
          { name: 'c', protocol: 'SCTP', port: 5355 },
        ],
      }),
    ],
    expected: [
      'a/TCP 10.96.0.1:53 by Cluster: forward',
      '  Cluster 10.0.0.1:5353',
      'b/UDP 10.96.0.1:53 by Cluster: forward',
      '  Cluster 10.0.0.1:5354',
      'c/SCTP 10.96.0.1:53 by Cluster: forward',
      '  Cluster 10.0.0.1:5355',
    ],
  },
  {
    what: 'several slices with target ports of their own, and a duplicate in flight',
    slices: [
      slice('web', [there('10.0.0.1'), there('10.0.0.2')], { name: 'a' }),
      slice('web', [there('10.0.0.2'), there('10.0.0.3')], { name: 'b' }),
      slice('web', [there('10.0.0.2')], { name: 'c', ports: [{ name: '', protocol: 'TCP', port: 9999 }] }),
    ],
    expected: [
      '/TCP 10.96.0.1:80 by Cluster: forward',
      '  Cluster 10.0.0.1:9376 10.0.0.2:9376 10.0.0.3:9376 10.0.0.2:9999',
    ],
  },
];

const policies: Case[] = [
  {
    what: 'internal Local with endpoints here and there',
    service: { internalTrafficPolicy: 'Local' },
    slices: web(here('10.0.0.1'), there('10.0.0.2'), { addresses: ['10.0.0.3'] }),
    expected: [
      '/TCP 10.96.0.1:80 by Local: forward',
      '  Local 10.0.0.1:9376; not 10.0.0.2: on another node, serving; not 10.0.0.3: nobody says on which node, serving',
    ],
  },
  {
    what: 'internal Local with endpoints only there: dropped',
    service: { internalTrafficPolicy: 'Local' },
    slices: web(there('10.0.0.2')),
    expected: ['/TCP 10.96.0.1:80 by Local: drop', '  Local; not 10.0.0.2: on another node, serving'],
  },
  {
    what: 'internal Local without any usable endpoint: refused',
    service: { internalTrafficPolicy: 'Local' },
    slices: web(there('10.0.0.2', notReady)),
    expected: ['/TCP 10.96.0.1:80 by Local: reject', '  Local; not 10.0.0.2: on another node, serving'],
  },
  {
    what: 'external Local beside internal Cluster',
    service: { ...nodePort, externalTrafficPolicy: 'Local' },
    slices: web(here('10.0.0.1'), there('10.0.0.2')),
    expected: [
      '/TCP 10.96.0.1:80 by Cluster: forward',
      '  *:30080 by Local: forward',
      '  Cluster 10.0.0.1:9376 10.0.0.2:9376',
      '  Local 10.0.0.1:9376; not 10.0.0.2: on another node, serving',
    ],
  },
  {
    what: 'external Local without an endpoint here: dropped for the outside, while those inside have them all',
    service: { ...nodePort, externalTrafficPolicy: 'Local' },
    slices: web(there('10.0.0.2')),
    expected: [
      '/TCP 10.96.0.1:80 by Cluster: forward',
      '  *:30080 by Local: drop',
      '  Cluster 10.0.0.2:9376',
      '  Local; not 10.0.0.2: on another node, serving',
    ],
  },
  {
    what: 'external Local without any endpoint: refused',
    service: { ...nodePort, externalTrafficPolicy: 'Local' },
    expected: ['/TCP 10.96.0.1:80 by Cluster: reject', '  *:30080 by Local: reject', '  Cluster', '  Local'],
  },
  {
    what: 'internal Local and external Cluster: both groups',
    service: { ...nodePort, internalTrafficPolicy: 'Local' },
    slices: web(there('10.0.0.2')),
    expected: [
      '/TCP 10.96.0.1:80 by Local: drop',
      '  *:30080 by Cluster: forward',
      '  Cluster 10.0.0.2:9376',
      '  Local; not 10.0.0.2: on another node, serving',
    ],
  },
  {
    what: 'external Local of a Service without external frontends asks for nothing',
    service: { externalTrafficPolicy: 'Local' },
    slices: web(there('10.0.0.2')),
    expected: ['/TCP 10.96.0.1:80 by Cluster: forward', '  Cluster 10.0.0.2:9376'],
  },
];

const terminating: Case[] = [
  {
    what: 'each group falls back on its own: ready there, terminating here (KEP-1669)',
    service: { ...nodePort, externalTrafficPolicy: 'Local' },
    slices: web(here('10.0.0.1', draining), there('10.0.0.2'), here('10.0.0.3', dying)),
    expected: [
      '/TCP 10.96.0.1:80 by Cluster: forward',
      '  *:30080 by Local: forward',
      '  Cluster 10.0.0.2:9376; not 10.0.0.1: terminating while others are ready, serving; not 10.0.0.3: not serving',
      '  Local 10.0.0.1:9376; not 10.0.0.2: on another node, serving; not 10.0.0.3: not serving',
    ],
  },
  {
    what: 'all terminating there is enough for policy Local to drop and not to refuse',
    service: { internalTrafficPolicy: 'Local' },
    slices: web(there('10.0.0.2', draining)),
    expected: ['/TCP 10.96.0.1:80 by Local: drop', '  Local; not 10.0.0.2: on another node, serving'],
  },
  {
    what: 'publishNotReadyAddresses: the slice says ready, also while terminating',
    service: { publishNotReadyAddresses: true },
    slices: web(there('10.0.0.1', { conditions: { ready: true, serving: false, terminating: true } })),
    expected: ['/TCP 10.96.0.1:80 by Cluster: forward', '  Cluster 10.0.0.1:9376'],
  },
  {
    what: 'conditions that nobody has set: ready; and a terminating one whose serving nobody has set serves',
    slices: web(there('10.0.0.1', { conditions: { ready: false, terminating: true } }), there('10.0.0.2', notReady)),
    expected: ['/TCP 10.96.0.1:80 by Cluster: forward', '  Cluster 10.0.0.1:9376; not 10.0.0.2: not ready, serving'],
  },
];

const inZoneA = { zone: 'a' };
const topology: Case[] = [
  {
    what: 'zone hints on every ready endpoint, some for this zone',
    node: inZoneA,
    slices: web(there('10.0.0.1', hints(['a'])), there('10.0.0.2', hints(['b', 'c'])), there('10.0.0.3', notReady)),
    expected: [
      '/TCP 10.96.0.1:80 by Cluster: forward',
      '  Cluster 10.0.0.1:9376; not 10.0.0.2: hinted to zone b, c, serving; not 10.0.0.3: not ready, serving',
    ],
  },
  {
    what: 'one ready endpoint without a zone hint: none counts',
    node: inZoneA,
    slices: web(there('10.0.0.1', hints(['b'])), there('10.0.0.2', hints(['a'])), there('10.0.0.3')),
    expected: ['/TCP 10.96.0.1:80 by Cluster: forward', '  Cluster 10.0.0.1:9376 10.0.0.2:9376 10.0.0.3:9376'],
  },
  {
    what: 'no hint for this zone: none counts',
    node: inZoneA,
    slices: web(there('10.0.0.1', hints(['b'])), there('10.0.0.2', hints(['c']))),
    expected: ['/TCP 10.96.0.1:80 by Cluster: forward', '  Cluster 10.0.0.1:9376 10.0.0.2:9376'],
  },
  {
    what: 'a node without a zone',
    slices: web(there('10.0.0.1', hints(['b'])), there('10.0.0.2', hints(['c']))),
    expected: ['/TCP 10.96.0.1:80 by Cluster: forward', '  Cluster 10.0.0.1:9376 10.0.0.2:9376'],
  },
  {
    what: 'node hints for this node go before zone hints',
    node: inZoneA,
    slices: web(here('10.0.0.1', hints(['a'], ['node1'])), there('10.0.0.2', hints(['a'], ['node2']))),
    expected: [
      '/TCP 10.96.0.1:80 by Cluster: forward',
      '  Cluster 10.0.0.1:9376; not 10.0.0.2: hinted to node node2, serving',
    ],
  },
  {
    what: 'no node hint for this node: zone hints count',
    node: inZoneA,
    slices: web(there('10.0.0.1', hints(['a'], ['node2'])), there('10.0.0.2', hints(['b'], ['node3']))),
    expected: [
      '/TCP 10.96.0.1:80 by Cluster: forward',
      '  Cluster 10.0.0.1:9376; not 10.0.0.2: hinted to zone b, serving',
    ],
  },
  {
    what: 'one without a node hint: zone hints count',
    node: inZoneA,
    slices: web(here('10.0.0.1', hints(['a'], ['node1'])), there('10.0.0.2', hints(['b']))),
    expected: [
      '/TCP 10.96.0.1:80 by Cluster: forward',
      '  Cluster 10.0.0.1:9376; not 10.0.0.2: hinted to zone b, serving',
    ],
  },
  {
    what: 'none ready: terminating ones wherever they are hinted to',
    node: inZoneA,
    slices: web(
      there('10.0.0.1', { ...draining, ...hints(['a']) }),
      there('10.0.0.2', { ...draining, ...hints(['b']) }),
    ),
    expected: ['/TCP 10.96.0.1:80 by Cluster: forward', '  Cluster 10.0.0.1:9376 10.0.0.2:9376'],
  },
  {
    what: 'ready in this zone only as a hint elsewhere, terminating here: the terminating one is not preferred',
    node: inZoneA,
    slices: web(there('10.0.0.1', { ...draining, ...hints(['a']) }), there('10.0.0.2', hints(['b']))),
    expected: [
      '/TCP 10.96.0.1:80 by Cluster: forward',
      '  Cluster 10.0.0.2:9376; not 10.0.0.1: terminating while others are ready, serving',
    ],
  },
  {
    what: 'policy Local looks at no hint',
    node: inZoneA,
    service: { ...nodePort, externalTrafficPolicy: 'Local' },
    slices: web(here('10.0.0.1', hints(['b'])), there('10.0.0.2', hints(['a']))),
    expected: [
      '/TCP 10.96.0.1:80 by Cluster: forward',
      '  *:30080 by Local: forward',
      '  Cluster 10.0.0.2:9376; not 10.0.0.1: hinted to zone b, serving',
      '  Local 10.0.0.1:9376; not 10.0.0.2: on another node, serving',
    ],
  },
];

const rest: Case[] = [
  {
    what: 'affinity with its timeout',
    service: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } },
    expected: ['/TCP 10.96.0.1:80 by Cluster: reject', '  Cluster', '  affinity 60 s'],
  },
  {
    what: 'affinity without a timeout: three hours',
    service: { sessionAffinity: 'ClientIP' },
    expected: ['/TCP 10.96.0.1:80 by Cluster: reject', '  Cluster', '  affinity 10800 s'],
  },
  {
    what: 'source ranges without host bits, once each, and the bad ones told of',
    service: { ...balanced, loadBalancerSourceRanges: ['10.1.2.3/8', ' 10.0.0.0/8 ', 'nonsense', '203.0.113.0/24'] },
    ingress: vip,
    node: { address: '172.30.1.1' },
    expected: [
      '/TCP 10.96.0.1:80 by Cluster: reject',
      '  192.0.2.1:80 *:30080 by Cluster: reject',
      '  Cluster',
      '  only from 10.0.0.0/8 203.0.113.0/24',
      'InvalidSourceRange: Read loadBalancerSourceRanges: nonsense is not a range of addresses, and is left out',
    ],
  },
  {
    what: 'source ranges with this node in them',
    service: { ...balanced, loadBalancerSourceRanges: ['172.30.0.0/16'] },
    ingress: vip,
    node: { address: '172.30.1.1' },
    expected: [
      '/TCP 10.96.0.1:80 by Cluster: reject',
      '  192.0.2.1:80 *:30080 by Cluster: reject',
      '  Cluster',
      '  only from 172.30.0.0/16 and from this node',
    ],
  },
  {
    what: 'only bad source ranges restrict nobody, as upstream',
    service: { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/99'] },
    ingress: vip,
    expected: [
      '/TCP 10.96.0.1:80 by Cluster: reject',
      '  192.0.2.1:80 by Cluster: reject',
      '  Cluster',
      'InvalidSourceRange: Read loadBalancerSourceRanges: 10.0.0.0/99 is not a range of addresses, and is left out',
    ],
  },
  {
    what: 'health checks count distinct ready endpoints of this node over all ports',
    service: {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 30999,
      ports: [tcp(80, { name: 'a' }), tcp(81, { name: 'b' })],
    },
    slices: [
      slice('web', [here('10.0.0.1'), here('10.0.0.2', draining), there('10.0.0.3')], {
        ports: [
          { name: 'a', protocol: 'TCP', port: 1 },
          { name: 'b', protocol: 'TCP', port: 2 },
        ],
      }),
    ],
    expected: [
      'a/TCP 10.96.0.1:80 by Cluster: forward',
      '  Cluster 10.0.0.1:1 10.0.0.3:1; not 10.0.0.2: terminating while others are ready, serving',
      'b/TCP 10.96.0.1:81 by Cluster: forward',
      '  Cluster 10.0.0.1:2 10.0.0.3:2; not 10.0.0.2: terminating while others are ready, serving',
      'health check on 30999: 1 here',
    ],
  },
  {
    what: 'health checks are for load balancers with external policy Local only',
    service: { ...balanced, healthCheckNodePort: 30999 },
    expected: ['/TCP 10.96.0.1:80 by Cluster: reject', '  *:30080 by Cluster: reject', '  Cluster'],
  },
];

for (const [group, cases] of Object.entries({ frontends, policies, terminating, topology, rest })) {
  for (const one of cases) {
    test(`Plan, ${group}: ${one.what}`, () => {
      assert.deepEqual(planned(one, 'IPv4'), one.expected);
      const twin = JSON.parse(inIpv6(JSON.stringify(one))) as Case;
      assert.deepEqual(planned(twin, 'IPv6'), twin.expected);
    });
  }
}

test('Plan: of a dual-stack Service each family has its own part', () => {
  const spec: Case['service'] = {
    type: 'LoadBalancer',
    clusterIPs: ['10.96.0.1', 'fd00::1'],
    externalIPs: ['198.51.100.7', 'fd00:51::7'],
    loadBalancerSourceRanges: ['10.0.0.0/8', 'fd00:1::/32'],
  };
  const both = service('web', '10.96.0.1', { spec });
  both.status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { ip: 'fd00:192::1' }] } };
  const slices = [
    slice('web', [there('10.0.0.1')], { name: 'a' }),
    slice('web', [there('FD00:0::0a')], { name: 'b', addressType: 'IPv6' }),
  ];
  const inFamily = (family: 'IPv4' | 'IPv6') => planText(planService(both, slices, { name: 'node1', family }));
  assert.deepEqual(inFamily('IPv4'), [
    '/TCP 10.96.0.1:80 by Cluster: forward',
    '  198.51.100.7:80 192.0.2.1:80 by Cluster: forward',
    '  Cluster 10.0.0.1:9376',
    '  only from 10.0.0.0/8',
  ]);
  assert.deepEqual(inFamily('IPv6'), [
    '/TCP [fd00::1]:80 by Cluster: forward',
    '  [fd00:51::7]:80 [fd00:192::1]:80 by Cluster: forward',
    '  Cluster [fd00::a]:9376',
    '  only from fd00:1::/32',
  ]);
});

function planned(one: Case, family: NodeFacts['family']): string[] {
  const clusterIP = family === 'IPv4' ? '10.96.0.1' : 'fd00::10:96:0:1';
  const object = service('web', clusterIP, { ...(one.service && { spec: one.service }) });
  if (one.ingress) object.status = { loadBalancer: { ingress: one.ingress } };
  const slices = (one.slices ?? []).map((each) => ({ ...each, addressType: family }));
  return planText(planService(object, slices, { name: 'node1', family, ...one.node }));
}

/** `10.1.2.3:80` becomes `[fd00::10:1:2:3]:80`, and a range of /8 one of /80. */
function inIpv6(text: string): string {
  return text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)(\/\d+|:\d+)?/g, (_, a, b, c, d, rest = '') => {
    const address = `fd00::${a}:${b}:${c}:${d}`;
    if (rest.startsWith('/')) return `${address}/${64 + 2 * Number(rest.slice(1))}`;
    return rest === '' ? address : `[${address}]${rest}`;
  });
}
