import type { Scenario } from '../scenario.ts';

/** At the address of a server outside of the cluster, which is what clients reach when nobody serves the Service. */
const untouched = [
  'pod1 to balancer:80: routed on',
  'node to balancer:80: routed on',
  'outside to node:30080: untouched',
];

/** Services and slices that are somebody else's, or nobody's. */
export const ignored: readonly Scenario[] = [
  ...['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless'].flatMap((label): Scenario[] => [
    {
      title: `a Service with the label ${label}`,
      labels: { [label]: '' },
      spec: (at) => ({ clusterIP: at.balancer, clusterIPs: [at.balancer] }),
      endpoints: ['pod2'],
      flows: untouched,
    },
    {
      title: `a slice with the label ${label}`,
      endpoints: ['pod2'],
      moreSlices: [{ endpoints: ['remote'], labels: { [label]: '' } }],
      flows: ['pod1 to vip:80: pod2', 'outside to node:30080: pod2 masqueraded'],
    },
  ]),
  {
    title: 'a headless Service',
    spec: (at) => ({ type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'], externalIPs: [at.balancer] }),
    endpoints: ['pod2'],
    flows: untouched,
  },
  {
    title: 'an ExternalName Service',
    spec: (at) => ({
      type: 'ExternalName',
      externalName: 'example.org',
      clusterIP: '',
      clusterIPs: [],
      externalIPs: [at.balancer],
    }),
    endpoints: ['pod2'],
    flows: untouched,
  },
  {
    // Its clusterIP is left from the time before, as when only its type was changed.
    title: 'a Service that has become an ExternalName',
    spec: (at) => ({
      type: 'ExternalName',
      externalName: 'example.org',
      clusterIP: at.balancer,
      clusterIPs: [at.balancer],
    }),
    endpoints: ['pod2'],
    flows: untouched,
  },
];
