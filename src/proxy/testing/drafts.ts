import type { Endpoint } from '../plan/mod.ts';
import type { PortDraft } from '../plan/model.ts';

interface DraftOptions {
  /** Index of an endpoint that has moved to another address. */
  readonly moved?: number;
  /** Index of an endpoint that has gone. */
  readonly without?: number;
}

/** One TCP port with a VIP and a node port, and distinct endpoints, the first of them on this node. */
export function drafts(service: number, endpoints: number, { moved, without }: DraftOptions = {}): PortDraft[] {
  const list: Endpoint[] = [];
  for (let i = 0; i < endpoints; i++) {
    const network = i === moved ? 11 : 10;
    const address = `${network}.${service >> 8}.${service & 255}.${i & 255}`;
    if (i !== without) list.push({ address, port: 9376 + (i >> 8), local: i === 0 });
  }
  return [
    {
      name: { service: `default/s${service}`, port: '', protocol: 'TCP' },
      family: 'IPv4',
      since: '2026-01-01T00:00:00Z',
      frontends: [
        { kind: 'cluster-ip', address: `10.96.${service >> 8}.${service & 255}`, port: 80 },
        { kind: 'node-port', port: 30_000 + service },
      ],
      internal: { policy: 'Cluster', verdict: list.length > 0 ? 'forward' : 'reject' },
      external: { policy: 'Cluster', verdict: list.length > 0 ? 'forward' : 'reject' },
      cluster: { endpoints: list, leftOut: [] },
    },
  ];
}
