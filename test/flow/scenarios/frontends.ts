import { healthCheckPort, type Scenario } from '../scenario.ts';
import { localOutside, nodePort } from './words.ts';

const reason = 'as upstream, it leaves packets to other ports to the routing table';
const routedOn = { 'iptables on nft': reason, 'iptables on legacy': reason, userspace: reason };

/** By which addresses and ports a Service is reached. */
export const frontends: readonly Scenario[] = [
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
    title: "an external IP that is the node's own address",
    spec: (at) => ({ externalIPs: [at.node] }),
    endpoints: ['pod2', 'remote'],
    flows: [
      'outside to node:80: pod2 masqueraded, remote masqueraded',
      'pod1 to node:80: pod2 masqueraded, remote masqueraded',
      'node to node:80: pod2 masqueraded, remote masqueraded',
      'outside to node:30080: pod2 masqueraded, remote masqueraded',
      'node to node:30080: pod2 masqueraded, remote masqueraded',
      'pod1 to node:30081: untouched',
    ],
  },
  {
    title: "a load balancer at the node's own address",
    spec: (at) => ({
      ...localOutside,
      loadBalancerSourceRanges: [at.node.includes(':') ? 'fd00:172::/32' : '172.30.0.0/16'],
    }),
    ingress: 'node',
    endpoints: ['pod2', 'remote'],
    flows: [
      'outside to node:80: pod2',
      'pod1 to node:80: dropped',
      'node to node:80: pod2 masqueraded, remote masqueraded',
      'outside to node:30080: pod2',
      'pod1 to node:30080: pod2, remote',
      'pod1 to node:30081: untouched',
    ],
  },
  {
    title: "no endpoints behind the node's own address",
    spec: (at) => ({ externalIPs: [at.node] }),
    endpoints: [],
    flows: ['node:80', 'node:30080'].flatMap((target) =>
      ['pod1', 'node', 'outside'].map((client) => `${client} to ${target}: refused`),
    ),
  },
  {
    title: 'the port of a health check is the node’s own',
    spec: () => ({ ...localOutside, healthCheckNodePort: healthCheckPort }),
    endpoints: ['remote'],
    flows: ['pod1', 'remote', 'outside', 'node'].map(
      (client) => `${client} to node:${healthCheckPort}: answered by the node`,
    ),
  },
];
