import type { Scenario } from '../scenario.ts';
import { gone, localOutside, notReady, ready, terminating } from './words.ts';

/** Which endpoints count, by their conditions and slices. */
export const endpoints: readonly Scenario[] = [
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
    moreSlices: [{ endpoints: ['pod2', 'remote'] }],
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
    title: 'one endpoint in two slices with different conditions, as while it moves from one to the other',
    endpoints: ['pod2', { at: 'remote', conditions: notReady }],
    moreSlices: [{ endpoints: [{ at: 'pod2', conditions: notReady }, 'remote'] }],
    flows: ['pod1 to vip:80: pod2, remote', 'outside to node:30080: pod2 masqueraded, remote masqueraded'],
  },
  {
    title: 'one endpoint terminating in one slice and ready in another',
    endpoints: [{ at: 'pod2', conditions: terminating }],
    moreSlices: [
      {
        endpoints: [
          { at: 'pod2', conditions: ready },
          { at: 'remote', conditions: terminating },
        ],
      },
    ],
    flows: ['pod1 to vip:80: pod2', 'outside to lb:80: pod2 masqueraded'],
  },
  {
    title: 'one endpoint serving in one slice and gone in another',
    endpoints: [{ at: 'pod2', conditions: terminating }],
    moreSlices: [{ endpoints: [{ at: 'pod2', conditions: gone }] }],
    flows: ['pod1 to vip:80: pod2', 'outside to lb:80: pod2 masqueraded'],
  },
  {
    title: 'one endpoint three times, in all with the same chance as another',
    endpoints: ['pod2', 'pod2', 'remote'],
    moreSlices: [{ endpoints: ['pod2'] }],
    flows: ['pod1 to vip:80: pod2, remote', 'outside to lb:80: pod2 masqueraded, remote masqueraded'],
  },
  {
    title: 'policy Local and duplicates of which one does not say its node',
    spec: () => localOutside,
    endpoints: [{ at: 'pod2', nodeName: undefined }, 'remote'],
    moreSlices: [{ endpoints: ['pod2'] }],
    flows: ['outside to lb:80: pod2', 'pod1 to lb:80: pod2, remote'],
  },
  {
    title: 'conditions that say nothing mean ready',
    endpoints: [
      { at: 'pod2', conditions: {} },
      { at: 'remote', conditions: { ready: true } },
    ],
    flows: ['pod1 to vip:80: pod2, remote'],
  },
];
