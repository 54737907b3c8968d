import type { Scenario } from '../scenario.ts';
import { localOutside, notReady, terminating } from './words.ts';

const inZone = (zone: string) => ({ zone, hints: { forZones: [{ name: zone }] } });
/** With both kinds, as the controller writes them. */
const onNode = (node: string, zone: string) => ({
  zone,
  hints: { forNodes: [{ name: node }], forZones: [{ name: zone }] },
});

/** Hints, which the EndpointSlice controller derives from trafficDistribution; all or nothing. */
export const topology: readonly Scenario[] = [
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
  ...(['PreferClose', 'PreferSameZone'] as const).map(
    (trafficDistribution): Scenario => ({
      title: `trafficDistribution ${trafficDistribution}: endpoints of the same zone, wherever they run`,
      zone: 'a',
      spec: () => ({ trafficDistribution }),
      endpoints: [
        { at: 'pod2', ...inZone('a') },
        { at: 'remote', ...inZone('a') },
        { at: 'pod1', ...inZone('b') },
      ],
      flows: [
        'pod1 to vip:80: pod2, remote',
        'node to vip:80: pod2 masqueraded, remote masqueraded',
        'outside to lb:80: pod2 masqueraded, remote masqueraded',
        'outside to node:30080: pod2 masqueraded, remote masqueraded',
      ],
    }),
  ),
  {
    title: 'trafficDistribution PreferSameZone, no endpoint in the zone',
    zone: 'c',
    spec: () => ({ trafficDistribution: 'PreferSameZone' }),
    endpoints: [
      { at: 'pod2', ...inZone('a') },
      { at: 'remote', ...inZone('b') },
    ],
    flows: ['pod1 to vip:80: pod2, remote', 'outside to lb:80: pod2 masqueraded, remote masqueraded'],
  },
  {
    title: 'trafficDistribution PreferSameZone, a node that is in no zone',
    spec: () => ({ trafficDistribution: 'PreferSameZone' }),
    endpoints: [
      { at: 'pod2', ...inZone('a') },
      { at: 'remote', ...inZone('b') },
    ],
    flows: ['pod1 to vip:80: pod2, remote'],
  },
  {
    title: 'trafficDistribution PreferSameZone, an endpoint without hints that is not ready',
    zone: 'a',
    spec: () => ({ trafficDistribution: 'PreferSameZone' }),
    endpoints: [
      { at: 'pod2', ...inZone('a') },
      { at: 'remote', ...inZone('b') },
      { at: 'pod1', conditions: notReady },
    ],
    flows: ['pod1 to vip:80: pod2'],
  },
  {
    title: 'trafficDistribution PreferSameZone, nobody ready: whoever still serves, near or far',
    zone: 'a',
    spec: () => ({ trafficDistribution: 'PreferSameZone' }),
    endpoints: [
      { at: 'pod2', ...inZone('a'), conditions: terminating },
      { at: 'remote', ...inZone('b'), conditions: terminating },
    ],
    flows: ['pod1 to vip:80: pod2, remote'],
  },
  {
    title: 'trafficDistribution PreferSameZone, in the zone only one that terminates',
    zone: 'a',
    spec: () => ({ trafficDistribution: 'PreferSameZone' }),
    endpoints: [
      { at: 'pod2', ...inZone('a'), conditions: terminating },
      { at: 'remote', ...inZone('b') },
    ],
    flows: ['pod1 to vip:80: remote'],
  },
  {
    title: 'trafficDistribution PreferSameNode: this node before its zone',
    zone: 'a',
    spec: () => ({ trafficDistribution: 'PreferSameNode' }),
    endpoints: [
      { at: 'pod2', ...onNode('node1', 'a') },
      { at: 'remote', ...onNode('node2', 'a') },
    ],
    flows: ['pod1 to vip:80: pod2', 'outside to lb:80: pod2 masqueraded', 'outside to node:30080: pod2 masqueraded'],
  },
  {
    title: 'trafficDistribution PreferSameNode, none on this node: its zone',
    zone: 'a',
    spec: () => ({ trafficDistribution: 'PreferSameNode' }),
    endpoints: [
      { at: 'pod2', ...onNode('node3', 'a') },
      { at: 'remote', ...onNode('node2', 'b') },
    ],
    flows: ['pod1 to vip:80: pod2'],
  },
  {
    title: 'trafficDistribution PreferSameNode, none on this node or in its zone: all',
    zone: 'c',
    spec: () => ({ trafficDistribution: 'PreferSameNode' }),
    endpoints: [
      { at: 'pod2', ...onNode('node3', 'a') },
      { at: 'remote', ...onNode('node2', 'b') },
    ],
    flows: ['pod1 to vip:80: pod2, remote'],
  },
  {
    title: 'trafficDistribution PreferSameNode, one endpoint without a hint for nodes: the zone',
    zone: 'a',
    spec: () => ({ trafficDistribution: 'PreferSameNode' }),
    endpoints: [
      { at: 'pod1', ...onNode('node1', 'b') },
      { at: 'pod2', ...inZone('a') },
      { at: 'remote', ...onNode('node2', 'a') },
    ],
    flows: ['pod1 to vip:80: pod2, remote'],
  },
  {
    title: 'trafficDistribution PreferSameNode and policies Local, which know no hints',
    zone: 'a',
    spec: () => ({ ...localOutside, internalTrafficPolicy: 'Local', trafficDistribution: 'PreferSameNode' }),
    endpoints: [
      { at: 'pod2', ...onNode('node2', 'b') },
      { at: 'remote', ...onNode('node1', 'a') },
    ],
    flows: ['pod1 to vip:80: pod2', 'outside to lb:80: pod2', 'pod1 to lb:80: remote'],
  },
];
