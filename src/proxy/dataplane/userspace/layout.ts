import type { Prefix, TableName } from '../../../wire/iptables/mod.ts';

/** Chains and comments of kube-proxy's userspace mode (to 1.25), which runbooks and other people's firewalls know. */
export const Chain = {
  containerPortals: 'KUBE-PORTALS-CONTAINER',
  hostPortals: 'KUBE-PORTALS-HOST',
  containerNodePorts: 'KUBE-NODEPORT-CONTAINER',
  hostNodePorts: 'KUBE-NODEPORT-HOST',
  nonLocalNodePorts: 'KUBE-NODEPORT-NON-LOCAL',
  /** Ours: what was not redirected, because nobody would answer or because it may not come in. */
  refused: 'KUBE-PORTALS-REFUSED',
} as const;
export type Chain = (typeof Chain)[keyof typeof Chain];

export const tableOf: Readonly<Record<Chain, TableName>> = {
  [Chain.containerPortals]: 'nat',
  [Chain.hostPortals]: 'nat',
  [Chain.containerNodePorts]: 'nat',
  [Chain.hostNodePorts]: 'nat',
  [Chain.nonLocalNodePorts]: 'filter',
  [Chain.refused]: 'filter',
};

/** Reads `10.0.0.0/8`; undefined for all addresses, of which iptables makes no condition. */
export function prefix(range: string): Prefix | undefined {
  const [address = '', length] = range.split('/');
  return length === '0' ? undefined : { address, length: Number(length) };
}
