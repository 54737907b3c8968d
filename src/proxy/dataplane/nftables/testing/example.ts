import type { Endpoint, Family } from '../../../plan/mod.ts';
import type { GroupDraft, PortDraft } from '../../../plan/model.ts';

/** One Service port for each thing that the table can do, in either family. */
export function exampleDrafts(family: Family): PortDraft[] {
  const isV4 = family === 'IPv4';
  const vip = (n: number) => (isV4 ? `10.96.0.${n}` : `fd00:96::${n}`);
  const external = (n: number) => (isV4 ? `192.0.2.${n}` : `2001:db8::${n}`);
  const here: Endpoint = { address: isV4 ? '10.244.1.2' : 'fd00:244:1::2', port: 9376, local: true };
  const there: Endpoint = { address: isV4 ? '10.244.2.2' : 'fd00:244:2::2', port: 9376, local: false };
  const group = (...endpoints: Endpoint[]): GroupDraft => ({ endpoints, leftOut: [] });
  const forward = { policy: 'Cluster', verdict: 'forward' } as const;
  const draft = (name: string, n: number, more: Partial<PortDraft>): PortDraft => ({
    name: { service: `default/${name}`, port: '', protocol: 'TCP' },
    family,
    since: '2026-01-01T00:00:00Z',
    frontends: [{ kind: 'cluster-ip', address: vip(n), port: 80 }],
    internal: forward,
    ...(!more.local && { cluster: group(here, there) }),
    ...more,
  });
  return [
    draft('open', 1, {
      frontends: [
        { kind: 'cluster-ip', address: vip(1), port: 80 },
        { kind: 'external-ip', address: external(1), port: 80 },
        { kind: 'load-balancer', address: external(11), port: 80 },
        { kind: 'node-port', port: 30001 },
      ],
      external: forward,
      firewall: { ranges: isV4 ? ['198.51.100.0/24', '203.0.113.7/32'] : ['2001:db8:1::/48'], admitsNode: true },
    }),
    draft('on-this-node', 2, {
      frontends: [
        { kind: 'cluster-ip', address: vip(2), port: 80 },
        { kind: 'load-balancer', address: external(12), port: 80 },
        { kind: 'node-port', port: 30002 },
      ],
      external: { policy: 'Local', verdict: 'forward' },
      cluster: group(here, there),
      local: group(here),
    }),
    draft('on-another-node', 3, {
      frontends: [
        { kind: 'cluster-ip', address: vip(3), port: 80 },
        { kind: 'load-balancer', address: external(13), port: 80 },
        { kind: 'node-port', port: 30003 },
      ],
      internal: { policy: 'Local', verdict: 'drop' },
      external: { policy: 'Local', verdict: 'drop' },
      cluster: group(there),
      local: group(),
    }),
    draft('remembered', 4, {
      frontends: [
        { kind: 'cluster-ip', address: vip(4), port: 80 },
        { kind: 'node-port', port: 30004 },
      ],
      external: forward,
      affinitySeconds: 10_800,
    }),
    draft('empty', 5, {
      frontends: [
        { kind: 'cluster-ip', address: vip(5), port: 80 },
        { kind: 'node-port', port: 30005 },
      ],
      internal: { policy: 'Cluster', verdict: 'reject' },
      external: { policy: 'Cluster', verdict: 'reject' },
      cluster: group(),
    }),
    draft('datagrams', 6, {
      name: { service: 'default/datagrams', port: 'dns', protocol: 'UDP' },
      frontends: [{ kind: 'cluster-ip', address: vip(6), port: 53 }],
      internal: { policy: 'Local', verdict: 'forward' },
      local: group(here),
    }),
    draft('streams', 7, {
      name: { service: 'default/streams', port: '', protocol: 'SCTP' },
      frontends: [{ kind: 'cluster-ip', address: vip(7), port: 3868 }],
    }),
  ];
}
