import type { Scenario } from '../scenario.ts';
import { localOutside } from './words.ts';

/** Who may come in, which endpoints he gets, and whether he keeps getting the same. */
export const policies: readonly Scenario[] = [
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
    title: 'source ranges, a bad one among them',
    spec: (at) => ({
      loadBalancerSourceRanges: ['10.0.0.0/99', at.node.includes(':') ? 'fd00:172:30:1::2/128' : ' 172.30.1.2/32 '],
    }),
    endpoints: ['pod2'],
    flows: ['outside to lb:80: pod2 masqueraded', 'pod1 to lb:80: dropped'],
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
    title: 'affinity, UDP',
    protocol: 'UDP',
    spec: () => ({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }),
    endpoints: ['pod1', 'pod2', 'remote'],
    flows: ['outside to vip:80: sticks to pod1 masqueraded, pod2 masqueraded, remote masqueraded'],
  },
];
