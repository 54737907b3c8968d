import { hash as digestOf } from 'node:crypto';

/** Chains of one Service port, and what each is for. */
const prefixes = {
  /** Traffic policy Cluster: one of all endpoints. */
  cluster: 'KUBE-SVC-',
  /** Traffic policy Local: one of this node's endpoints. */
  local: 'KUBE-SVL-',
  /** From outside of the cluster: node ports, external IPs, load balancers. */
  external: 'KUBE-EXT-',
  /** Load balancer addresses with source ranges. */
  firewall: 'KUBE-FW-',
} as const;
export type ServiceChainKind = keyof typeof prefixes;

const endpointPrefix = 'KUBE-SEP-';

export interface NamedPort {
  /** `namespace/name`. */
  readonly service: string;
  /** Empty for an unnamed port. */
  readonly port: string;
  /** `TCP`, `UDP` or `SCTP`, in any case. */
  readonly protocol: string;
}

/** As upstream writes a port in comments and hashes it: `default/web:http`, and `default/web` when it has no name. */
export const portText = ({ service, port }: NamedPort): string => (port === '' ? service : `${service}:${port}`);

/** Chain names hold 28 characters at most (XT_EXTENSION_MAXNAMELEN), which is why upstream hashes. */
export const serviceChain = (kind: ServiceChainKind, port: NamedPort): string =>
  prefixes[kind] + hash(portText(port) + port.protocol.toLowerCase());

/** `endpoint` is `10.244.1.7:9376` or `[fd00::7]:9376`. */
export function endpointChain(port: NamedPort, endpoint: string): string {
  const text = portText(port) + port.protocol.toLowerCase() + endpoint;
  let name = endpointChains.get(text);
  if (name === undefined) {
    name = endpointPrefix + hash(text);
    if (endpointChains.size >= rememberedChains) endpointChains.clear();
    endpointChains.set(text, name);
  }
  return name;
}

/** A Service with 10,000 endpoints names them all again for each change of one. */
const rememberedChains = 20_000;
const endpointChains = new Map<string, string>();

/** Whether the chain belongs to one Service port, ours or another kube-proxy's. */
export const isServiceChain = (chain: string): boolean =>
  chain.startsWith(endpointPrefix) || Object.values(prefixes).some((prefix) => chain.startsWith(prefix));

/** base32 (RFC 4648) of SHA-256, its first 16 characters: 80 bits. */
export function hash(text: string): string {
  const digest = digestOf('sha256', text, 'buffer');
  let encoded = '';
  for (let bit = 0; bit < 80; bit += 5) {
    const pair = (digest[bit >> 3]! << 8) | digest[(bit >> 3) + 1]!;
    encoded += alphabet[(pair >> (11 - (bit & 7))) & 31];
  }
  return encoded;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
