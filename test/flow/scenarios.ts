import type { Scenario } from './scenario.ts';

const nodePort = { type: 'NodePort' } as const;
const localOutside = { externalTrafficPolicy: 'Local' } as const;
const terminating = { ready: false, serving: true, terminating: true };
const gone = { ready: false, serving: false, terminating: true };

const reason = 'as upstream, it leaves packets to other ports to the routing table';
const routedOn = { 'iptables on nft': reason, 'iptables on legacy': reason, userspace: reason };

/**
 * What each semantic of a Service means for packets; src/proxy/README.md has the rules behind it. "masqueraded" is what
 * clients from off the cluster are, hairpins, and whoever comes in by an external frontend of policy Cluster.
 */
export const scenarios: readonly Scenario[] = [
  {
    title: 'cluster IP',
    spec: () => ({ type: 'ClusterIP' }),
    endpoints: ['pod1', 'pod2', 'remote'],
    flows: [
      'pod1 to vip:80: pod1 masqueraded, pod2, remote',
      'node to vip:80: pod1 masqueraded, pod2 masqueraded, remote masqueraded',
      'outside to vip:80: pod1 masqueraded, pod2 masqueraded, remote masqueraded',
    ],
  },
  {
    title: 'another port of a cluster IP',
    spec: () => ({ type: 'ClusterIP' }),
    endpoints: ['pod2'],
    flows: ['pod1 to vip:81: refused', 'node to vip:81: refused'],
    skip: routedOn,
  },
  {
    title: "cluster IP, as another node's Pod uses it",
    spec: () => ({ type: 'ClusterIP' }),
    endpoints: ['pod1', 'pod2'],
    flows: ['remote to vip:80: pod1, pod2'],
  },
  {
    title: 'UDP',
    protocol: 'UDP',
    endpoints: ['pod2', 'remote'],
    flows: [
      'pod1 to vip:80: pod2, remote',
      'node to vip:80: pod2 masqueraded, remote masqueraded',
      'outside to node:30080: pod2 masqueraded, remote masqueraded',
    ],
  },
  {
    title: 'SCTP',
    protocol: 'SCTP',
    endpoints: ['pod2', 'remote'],
    flows: ['pod1 to vip:80: pod2, remote', 'outside to node:30080: pod2 masqueraded, remote masqueraded'],
  },
  {
    title: 'SCTP, no endpoints',
    protocol: 'SCTP',
    endpoints: [],
    flows: ['pod1 to vip:80: refused', 'outside to node:30080: refused', 'outside to lb:80: refused'],
  },
  {
    title: 'node port',
    spec: () => nodePort,
    endpoints: ['pod1', 'remote'],
    flows: [
      'outside to node:30080: pod1 masqueraded, remote masqueraded',
      'pod1 to node:30080: pod1 masqueraded, remote masqueraded',
      'pod2 to node:30080: pod1 masqueraded, remote masqueraded',
      'node to node:30080: pod1 masqueraded, remote masqueraded',
      'pod2 to gateway:30080: pod1 masqueraded, remote masqueraded',
      'pod2 to node:30081: untouched',
    ],
  },
  {
    title: 'node port on localhost',
    spec: () => nodePort,
    families: ['IPv4'],
    endpoints: ['pod1', 'remote'],
    flows: [
      '[nftables] node to localhost:30080: untouched',
      '[iptables on nft, iptables on legacy, userspace] node to localhost:30080: pod1 masqueraded, remote masqueraded',
    ],
  },
  {
    title: 'node port on localhost, forbidden',
    settings: { localhostNodePorts: false },
    spec: () => nodePort,
    endpoints: ['pod1'],
    flows: ['node to localhost:30080: untouched', 'node to node:30080: pod1 masqueraded'],
  },
  {
    title: 'external IP and load balancer',
    endpoints: ['pod1', 'remote'],
    flows: ['external', 'lb'].flatMap((target) => [
      `outside to ${target}:80: pod1 masqueraded, remote masqueraded`,
      `pod2 to ${target}:80: pod1 masqueraded, remote masqueraded`,
      `node to ${target}:80: pod1 masqueraded, remote masqueraded`,
    ]),
  },
  {
    title: 'a load balancer that answers at its address itself (ipMode Proxy)',
    ipMode: 'Proxy',
    endpoints: ['pod2'],
    flows: [
      'pod1 to balancer:80: routed on',
      'node to balancer:80: routed on',
      'outside to node:30080: pod2 masqueraded',
      'pod1 to vip:80: pod2',
      'outside to external:80: pod2 masqueraded',
    ],
  },
  {
    title: 'source ranges do not concern a load balancer that answers itself',
    ipMode: 'Proxy',
    spec: () => ({ loadBalancerSourceRanges: ['10.1.0.0/16', 'fd00:1::/32'] }),
    endpoints: ['pod2'],
    flows: ['pod1 to balancer:80: routed on', 'outside to node:30080: pod2 masqueraded', 'pod1 to vip:80: pod2'],
  },
  {
    title: 'two Services with the same external addresses',
    endpoints: ['pod2'],
    neighbour: ['remote'],
    flows: ['external', 'lb'].flatMap((target) => [
      `outside to ${target}:80: pod2 masqueraded`,
      `outside to ${target}:81: remote masqueraded`,
      `node to ${target}:81: remote masqueraded`,
    ]),
  },
  {
    title: 'two Services with the same external addresses, one of them without endpoints',
    spec: () => localOutside,
    endpoints: ['remote'],
    neighbour: [],
    flows: [
      'outside to lb:80: dropped',
      'outside to lb:81: refused',
      'pod1 to lb:80: remote',
      'pod1 to lb:81: refused',
      'node to external:81: refused',
    ],
  },
  {
    title: 'external policy Local',
    spec: () => localOutside,
    endpoints: ['pod1', 'remote'],
    flows: ['external:80', 'lb:80', 'node:30080'].flatMap((target) => [
      `outside to ${target}: pod1`,
      `pod1 to ${target}: pod1 masqueraded, remote`,
      `pod2 to ${target}: pod1, remote`,
      `node to ${target}: pod1 masqueraded, remote masqueraded`,
    ]),
  },
  {
    title: 'external policy Local, no endpoint on this node',
    spec: () => localOutside,
    endpoints: ['remote'],
    flows: ['external:80', 'lb:80', 'node:30080'].flatMap((target) => [
      `outside to ${target}: dropped`,
      `pod1 to ${target}: remote`,
      `node to ${target}: remote masqueraded`,
    ]),
  },
  {
    title: 'internal policy Local',
    spec: () => ({ internalTrafficPolicy: 'Local' }),
    endpoints: ['pod1', 'remote'],
    flows: [
      'pod1 to vip:80: pod1 masqueraded',
      'pod2 to vip:80: pod1',
      'node to vip:80: pod1 masqueraded',
      'outside to vip:80: pod1 masqueraded',
      'outside to node:30080: pod1 masqueraded, remote masqueraded',
    ],
  },
  {
    title: 'internal policy Local, no endpoint on this node',
    spec: () => ({ internalTrafficPolicy: 'Local' }),
    endpoints: ['remote'],
    flows: ['pod1 to vip:80: dropped', 'node to vip:80: dropped', 'outside to vip:80: dropped'],
  },
  {
    title: 'both policies Local',
    spec: () => ({ internalTrafficPolicy: 'Local', ...localOutside }),
    endpoints: ['pod1', 'remote'],
    flows: [
      'pod2 to vip:80: pod1',
      'outside to lb:80: pod1',
      'pod2 to lb:80: pod1, remote',
      'node to lb:80: pod1 masqueraded, remote masqueraded',
    ],
  },
  {
    title: 'no endpoints',
    endpoints: [],
    flows: ['vip:80', 'external:80', 'lb:80', 'node:30080'].flatMap((target) =>
      ['pod1', 'node', 'outside'].map((client) => `${client} to ${target}: refused`),
    ),
  },
  {
    title: 'no endpoints, UDP',
    protocol: 'UDP',
    endpoints: [],
    flows: ['vip:80', 'lb:80', 'node:30080'].flatMap((target) =>
      ['pod1', 'node', 'outside'].map((client) => `${client} to ${target}: refused`),
    ),
  },
  {
    title: 'no endpoints, policies Local',
    spec: () => ({ internalTrafficPolicy: 'Local', ...localOutside }),
    endpoints: [],
    flows: ['vip:80', 'lb:80', 'node:30080'].flatMap((target) =>
      ['pod1', 'node', 'outside'].map((client) => `${client} to ${target}: refused`),
    ),
  },
  {
    title: 'source ranges that let the client in',
    spec: (at) => ({ loadBalancerSourceRanges: [at.node.includes(':') ? 'fd00:172:30:1::2/128' : '172.30.1.2/32'] }),
    endpoints: ['pod2', 'remote'],
    flows: [
      'outside to lb:80: pod2 masqueraded, remote masqueraded',
      'pod1 to lb:80: dropped',
      'node to lb:80: dropped',
      'pod1 to vip:80: pod2, remote',
      'pod1 to external:80: pod2 masqueraded, remote masqueraded',
    ],
  },
  {
    title: 'source ranges that keep the client out',
    spec: () => ({ loadBalancerSourceRanges: ['10.1.0.0/16', 'fd00:1::/32'] }),
    endpoints: ['pod2', 'remote'],
    flows: [
      'outside to lb:80: dropped',
      'pod1 to lb:80: dropped',
      'outside to external:80: pod2 masqueraded, remote masqueraded',
      'outside to node:30080: pod2 masqueraded, remote masqueraded',
    ],
  },
  {
    title: 'source ranges with the node in them',
    spec: (at) => ({ loadBalancerSourceRanges: [at.node.includes(':') ? 'fd00:172:30:1::1/128' : '172.30.1.1/32'] }),
    endpoints: ['pod2'],
    flows: ['node to lb:80: pod2 masqueraded', 'outside to lb:80: dropped'],
  },
  {
    title: 'source ranges and policy Local',
    spec: () => ({ ...localOutside, loadBalancerSourceRanges: ['172.30.0.0/16', 'fd00:172::/32'] }),
    endpoints: ['pod2', 'remote'],
    flows: ['outside to lb:80: pod2', 'pod1 to lb:80: dropped', 'node to lb:80: pod2 masqueraded, remote masqueraded'],
  },
  {
    title: 'affinity',
    spec: () => ({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }),
    endpoints: ['pod1', 'pod2', 'remote'],
    flows: [
      'outside to vip:80: sticks to pod1 masqueraded, pod2 masqueraded, remote masqueraded',
      'pod1 to vip:80: sticks to pod1 masqueraded, pod2, remote',
      'remote to node:30080: sticks to pod1 masqueraded, pod2 masqueraded, remote masqueraded',
    ],
  },
  {
    title: 'affinity and policy Local',
    spec: () => ({
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
      ...localOutside,
    }),
    endpoints: ['pod1', 'pod2', 'remote'],
    flows: ['outside to lb:80: sticks to pod1, pod2', 'pod1 to lb:80: sticks to pod1 masqueraded, pod2, remote'],
  },
  {
    title: 'all endpoints terminating, some serving',
    endpoints: [
      { at: 'pod2', conditions: terminating },
      { at: 'remote', conditions: gone },
    ],
    flows: ['pod1 to vip:80: pod2', 'outside to lb:80: pod2 masqueraded'],
  },
  {
    title: 'ready endpoints beside terminating ones',
    endpoints: [{ at: 'pod2', conditions: terminating }, 'remote'],
    flows: ['pod1 to vip:80: remote', 'outside to node:30080: remote masqueraded'],
  },
  {
    title: 'policy Local with only a terminating endpoint on this node',
    spec: () => localOutside,
    endpoints: [{ at: 'pod2', conditions: terminating }, 'remote'],
    flows: ['outside to lb:80: pod2', 'pod1 to lb:80: remote'],
  },
  {
    // With publishNotReadyAddresses the controller says ready of every Pod; what is left of the truth is in the other two.
    title: 'addresses published although not ready (publishNotReadyAddresses)',
    spec: () => ({ publishNotReadyAddresses: true }),
    endpoints: [
      { at: 'pod2', conditions: { ready: true, serving: false, terminating: false } },
      { at: 'remote', conditions: { ready: true, serving: false, terminating: true } },
    ],
    flows: [
      'pod1 to vip:80: pod2, remote',
      'node to lb:80: pod2 masqueraded, remote masqueraded',
      'outside to node:30080: pod2 masqueraded, remote masqueraded',
    ],
  },
  {
    title: 'endpoints that are not ready',
    endpoints: [{ at: 'pod2', conditions: { ready: false, serving: false, terminating: false } }, 'remote'],
    flows: ['pod1 to vip:80: remote', 'outside to lb:80: remote masqueraded'],
  },
  {
    title: 'two slices, an endpoint in both',
    endpoints: ['pod1', 'pod2'],
    moreEndpoints: ['pod2', 'remote'],
    flows: [
      'pod1 to vip:80: pod1 masqueraded, pod2, remote',
      'outside to node:30080: pod1 masqueraded, pod2 masqueraded, remote masqueraded',
    ],
  },
  {
    title: 'nobody serving any more',
    endpoints: [{ at: 'pod2', conditions: gone }],
    flows: ['pod1 to vip:80: refused', 'outside to lb:80: refused'],
  },
  {
    title: 'zone hints',
    zone: 'a',
    endpoints: [
      { at: 'pod2', zone: 'a', hints: { forZones: [{ name: 'a' }] } },
      { at: 'remote', zone: 'b', hints: { forZones: [{ name: 'b' }] } },
    ],
    flows: ['pod1 to vip:80: pod2', 'outside to lb:80: pod2 masqueraded'],
  },
  {
    title: 'zone hints, one endpoint without',
    zone: 'a',
    endpoints: [
      { at: 'pod2', zone: 'a', hints: { forZones: [{ name: 'a' }] } },
      { at: 'remote', zone: 'b' },
    ],
    flows: ['pod1 to vip:80: pod2, remote'],
  },
  {
    title: 'node hints',
    endpoints: [
      { at: 'pod2', hints: { forNodes: [{ name: 'node1' }] } },
      { at: 'remote', hints: { forNodes: [{ name: 'node2' }] } },
    ],
    flows: ['pod1 to vip:80: pod2', 'outside to node:30080: pod2 masqueraded'],
  },
  {
    title: "another node's hint for every endpoint",
    endpoints: [
      { at: 'pod2', hints: { forNodes: [{ name: 'node2' }] } },
      { at: 'remote', hints: { forNodes: [{ name: 'node2' }] } },
    ],
    flows: ['pod1 to vip:80: pod2, remote'],
  },
  {
    title: 'zone hints and policy Local, which knows no zones',
    zone: 'a',
    spec: () => localOutside,
    endpoints: [
      { at: 'pod2', zone: 'b', hints: { forZones: [{ name: 'b' }] } },
      { at: 'remote', zone: 'a', hints: { forZones: [{ name: 'a' }] } },
    ],
    flows: ['outside to lb:80: pod2', 'pod1 to vip:80: remote'],
  },
  {
    title: 'source ranges, a bad one among them',
    spec: (at) => ({
      loadBalancerSourceRanges: ['10.0.0.0/99', at.node.includes(':') ? 'fd00:172:30:1::2/128' : ' 172.30.1.2/32 '],
    }),
    endpoints: ['pod2'],
    flows: ['outside to lb:80: pod2 masqueraded', 'pod1 to lb:80: dropped'],
  },
  {
    title: 'affinity, UDP',
    protocol: 'UDP',
    spec: () => ({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }),
    endpoints: ['pod1', 'pod2', 'remote'],
    flows: ['outside to vip:80: sticks to pod1 masqueraded, pod2 masqueraded, remote masqueraded'],
  },
  {
    title: 'hairpin',
    endpoints: ['pod1'],
    flows: [
      'pod1 to vip:80: pod1 masqueraded',
      'pod1 to node:30080: pod1 masqueraded',
      'pod1 to lb:80: pod1 masqueraded',
    ],
  },
  {
    title: "an endpoint in the host's network",
    endpoints: ['node', 'remote'],
    flows: ['pod1 to vip:80: node, remote', 'outside to vip:80: node, remote masqueraded'],
  },
  {
    title: 'masquerade-all',
    settings: { masqueradeAll: true },
    endpoints: ['pod2', 'remote'],
    flows: ['pod1 to vip:80: pod2 masqueraded, remote masqueraded'],
  },
  {
    title: 'another masquerade bit, ports not random',
    settings: { masqueradeBit: 3, randomFully: false },
    endpoints: ['pod2'],
    flows: ['pod1 to vip:80: pod2', 'outside to vip:80: pod2 masqueraded', 'pod1 to node:30080: pod2 masqueraded'],
  },
  {
    title: "local Pods told by the node's range",
    settings: { detectLocalMode: 'NodeCIDR' },
    endpoints: ['pod2'],
    flows: ['pod1 to vip:80: pod2', 'remote to vip:80: pod2 masqueraded', 'outside to vip:80: pod2 masqueraded'],
  },
  {
    title: 'local Pods told by the bridge',
    settings: { detectLocalMode: 'BridgeInterface', bridgeInterface: 'pod1' },
    spec: () => localOutside,
    endpoints: ['pod2', 'remote'],
    flows: [
      'pod1 to vip:80: pod2, remote',
      'outside to vip:80: pod2 masqueraded, remote masqueraded',
      'node to vip:80: pod2 masqueraded, remote masqueraded',
      'pod1 to lb:80: pod2, remote',
      'outside to lb:80: pod2',
    ],
  },
  {
    title: "local Pods told by their interfaces' names",
    settings: { detectLocalMode: 'InterfaceNamePrefix', interfaceNamePrefix: 'pod' },
    spec: () => localOutside,
    endpoints: ['pod2'],
    flows: [
      'pod1 to vip:80: pod2',
      'remote to vip:80: pod2 masqueraded',
      'node to vip:80: pod2 masqueraded',
      'outside to lb:80: pod2',
    ],
  },
  {
    title: 'local Pods not told at all',
    settings: { clusterCidr: undefined },
    endpoints: ['pod2'],
    flows: ['pod1 to vip:80: pod2', 'outside to vip:80: pod2', 'outside to node:30080: pod2 masqueraded'],
  },
  {
    title: 'node ports on some addresses only',
    settings: { nodePortAddresses: ['172.30.1.0/24', 'fd00:172:30:1::/64'] },
    spec: () => nodePort,
    endpoints: ['pod2'],
    flows: [
      'outside to node:30080: pod2 masqueraded',
      'pod1 to node:30080: pod2 masqueraded',
      'pod1 to gateway:30080: untouched',
    ],
  },
  {
    title: 'node ports on the primary address',
    settings: { nodePortAddresses: ['primary'] },
    spec: () => nodePort,
    endpoints: ['pod2'],
    flows: ['outside to node:30080: pod2 masqueraded', 'pod1 to gateway:30080: untouched'],
  },
];
