import type { Scenario } from '../scenario.ts';
import { localOutside, nodePort } from './words.ts';

/** What the node and its operator decide: masquerade, local Pods, addresses of node ports. */
export const node: readonly Scenario[] = [
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
  {
    title: "node ports where only the other family's addresses are named",
    settings: { nodePortAddresses: ['172.30.1.0/24'] },
    families: ['IPv6'],
    spec: () => nodePort,
    endpoints: ['pod2'],
    flows: ['outside to node:30080: pod2 masqueraded', 'pod1 to gateway:30080: pod2 masqueraded'],
  },
  {
    title: 'node ports in a range that the node has no address of',
    settings: { nodePortAddresses: ['192.0.2.0/24', '2001:db8::/32'] },
    spec: () => nodePort,
    endpoints: ['pod2'],
    flows: [
      'outside to node:30080: untouched',
      'pod1 to gateway:30080: untouched',
      'node to node:30080: untouched',
      'node to vip:80: pod2 masqueraded',
    ],
  },
  {
    title: 'node ports on some addresses, those of loopback among them',
    settings: { nodePortAddresses: ['172.30.1.0/24', '127.0.0.0/8'] },
    families: ['IPv4'],
    spec: () => nodePort,
    endpoints: ['pod2'],
    flows: [
      'outside to node:30080: pod2 masqueraded',
      'pod1 to gateway:30080: untouched',
      '[nftables] node to localhost:30080: untouched',
      '[iptables on nft, iptables on legacy, userspace] node to localhost:30080: pod2 masqueraded',
    ],
  },
  {
    title: 'node ports on some addresses, no endpoints',
    settings: { nodePortAddresses: ['172.30.1.0/24', 'fd00:172:30:1::/64'] },
    spec: () => nodePort,
    endpoints: [],
    flows: [
      'outside to node:30080: refused',
      'pod1 to node:30080: refused',
      '[nftables] pod1 to gateway:30080: untouched',
      // As upstream, they refuse at all of the node's addresses.
      '[iptables on nft, iptables on legacy, userspace] pod1 to gateway:30080: refused',
    ],
  },
  {
    title: "local Pods told by the node's range, policy Local",
    settings: { detectLocalMode: 'NodeCIDR' },
    spec: () => localOutside,
    endpoints: ['pod2', 'remote'],
    flows: [
      'pod1 to lb:80: pod2, remote',
      'remote to lb:80: pod2',
      'outside to lb:80: pod2',
      'node to lb:80: pod2 masqueraded, remote masqueraded',
    ],
  },
  {
    title: "local Pods told by the cluster's range, of the other family only",
    settings: { clusterCidr: '10.244.0.0/16' },
    families: ['IPv6'],
    endpoints: ['pod2'],
    flows: ['pod1 to vip:80: pod2', 'outside to vip:80: pod2', 'outside to node:30080: pod2 masqueraded'],
  },
  {
    title: 'local Pods not told at all, policy Local',
    settings: { clusterCidr: undefined },
    spec: () => localOutside,
    endpoints: ['pod2', 'remote'],
    flows: [
      'pod1 to lb:80: pod2',
      'outside to lb:80: pod2',
      'outside to node:30080: pod2',
      'node to lb:80: pod2 masqueraded, remote masqueraded',
      'pod1 to vip:80: pod2, remote',
    ],
  },
  ...[0, 31].map(
    (masqueradeBit): Scenario => ({
      title: `masquerade bit ${masqueradeBit}`,
      settings: { masqueradeBit },
      endpoints: ['pod1'],
      flows: ['pod1 to vip:80: pod1 masqueraded', 'pod2 to vip:80: pod1', 'outside to lb:80: pod1 masqueraded'],
    }),
  ),
  {
    title: 'masquerade-all and policy Local: clients from outside keep their address',
    settings: { masqueradeAll: true },
    spec: () => localOutside,
    endpoints: ['pod2', 'remote'],
    flows: [
      'outside to lb:80: pod2',
      'pod1 to lb:80: pod2, remote',
      'pod1 to vip:80: pod2 masqueraded, remote masqueraded',
    ],
  },
];
