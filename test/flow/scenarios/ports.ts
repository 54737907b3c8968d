import type { Scenario } from '../scenario.ts';

const dns = { protocol: 'UDP', port: 53 } as const;
const dnsTcp = { protocol: 'TCP', port: 53 } as const;
const web = { protocol: 'TCP', port: 80, targetPort: 'web' } as const;

/** Services with several ports, and target ports that differ by slice. */
export const ports: readonly Scenario[] = [
  {
    title: 'many ports, two of them with the same number',
    ports: [
      { name: 'web', protocol: 'TCP', port: 80, targetPort: 9376, nodePort: 30080 },
      { name: 'metrics', protocol: 'TCP', port: 81, targetPort: 9377, nodePort: 30081 },
      { name: 'dns', ...dns, targetPort: 9376, nodePort: 30053 },
      { name: 'dns-tcp', ...dnsTcp, targetPort: 9377, nodePort: 30053 },
    ],
    slicePorts: [
      { name: 'web', protocol: 'TCP', port: 9376 },
      { name: 'metrics', protocol: 'TCP', port: 9377 },
      { name: 'dns', protocol: 'UDP', port: 9376 },
      { name: 'dns-tcp', protocol: 'TCP', port: 9377 },
    ],
    endpoints: ['pod2', 'remote'],
    flows: [
      'pod1 to vip:80: pod2, remote',
      'pod1 to vip:81: pod2:9377, remote:9377',
      'pod1 to vip:53/UDP: pod2, remote',
      'pod1 to vip:53/TCP: pod2:9377, remote:9377',
      'node to vip:81: pod2:9377 masqueraded, remote:9377 masqueraded',
      'outside to external:53/UDP: pod2 masqueraded, remote masqueraded',
      'outside to lb:53/TCP: pod2:9377 masqueraded, remote:9377 masqueraded',
      'outside to node:30081: pod2:9377 masqueraded, remote:9377 masqueraded',
      'outside to node:30053/UDP: pod2 masqueraded, remote masqueraded',
      'outside to node:30053/TCP: pod2:9377 masqueraded, remote:9377 masqueraded',
      'outside to node:30080/UDP: untouched',
    ],
  },
  {
    title: 'one number in three protocols',
    ports: [
      { name: 'tcp', ...dnsTcp, targetPort: 9376 },
      { name: 'udp', ...dns, targetPort: 9376 },
      { name: 'sctp', protocol: 'SCTP', port: 53, targetPort: 9377 },
    ],
    slicePorts: [
      { name: 'tcp', protocol: 'TCP', port: 9376 },
      { name: 'udp', protocol: 'UDP', port: 9376 },
      { name: 'sctp', protocol: 'SCTP', port: 9377 },
    ],
    endpoints: ['pod2', 'remote'],
    flows: [
      'pod1 to vip:53/TCP: pod2, remote',
      'pod1 to vip:53/UDP: pod2, remote',
      '[nftables, iptables on nft, iptables on legacy] pod1 to vip:53/SCTP: pod2:9377, remote:9377',
      '[userspace] pod1 to vip:53/SCTP: refused',
    ],
  },
  {
    title: 'a named target port that is another number in each slice',
    ports: [{ name: 'web', ...web, nodePort: 30080 }],
    slicePorts: [{ name: 'web', protocol: 'TCP', port: 9376 }],
    endpoints: ['pod1'],
    moreSlices: [{ endpoints: ['pod2', 'remote'], ports: [{ name: 'web', protocol: 'TCP', port: 9377 }] }],
    flows: [
      'pod1 to vip:80: pod1 masqueraded, pod2:9377, remote:9377',
      'outside to lb:80: pod1 masqueraded, pod2:9377 masqueraded, remote:9377 masqueraded',
      'outside to node:30080: pod1 masqueraded, pod2:9377 masqueraded, remote:9377 masqueraded',
    ],
  },
  {
    title: 'one Pod at two numbers of a named target port, in two slices',
    ports: [{ name: 'web', ...web }],
    slicePorts: [{ name: 'web', protocol: 'TCP', port: 9376 }],
    endpoints: ['pod2'],
    moreSlices: [{ endpoints: ['pod2'], ports: [{ name: 'web', protocol: 'TCP', port: 9377 }] }],
    flows: ['pod1 to vip:80: pod2, pod2:9377', 'pod2 to vip:80: pod2 masqueraded, pod2:9377 masqueraded'],
  },
  {
    title: 'a slice that does not have the port, and a port that no slice has',
    ports: [
      { name: 'web', ...web },
      { name: 'metrics', protocol: 'TCP', port: 81, targetPort: 'metrics' },
    ],
    slicePorts: [{ name: 'web', protocol: 'TCP', port: 9376 }],
    endpoints: ['pod2'],
    moreSlices: [
      { endpoints: ['remote'], ports: [{ name: 'admin', protocol: 'TCP', port: 9377 }] },
      { endpoints: ['pod1'], ports: [{ name: 'web', protocol: 'UDP', port: 9377 }] },
    ],
    flows: ['pod1 to vip:80: pod2', 'pod1 to vip:81: refused', 'outside to lb:81: refused', 'node to vip:81: refused'],
  },
  {
    title: 'two ports to the same port of the endpoints, with affinity',
    spec: () => ({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }),
    ports: [
      { name: 'one', protocol: 'TCP', port: 80, targetPort: 9376 },
      { name: 'two', protocol: 'TCP', port: 81, targetPort: 9376 },
    ],
    slicePorts: [
      { name: 'one', protocol: 'TCP', port: 9376 },
      { name: 'two', protocol: 'TCP', port: 9376 },
    ],
    endpoints: ['pod2', 'remote'],
    flows: ['pod1 to vip:80: sticks to pod2, remote', 'pod1 to vip:81: sticks to pod2, remote'],
  },
];
