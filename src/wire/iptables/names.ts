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
  nameOf(prefixes[kind], portText(port) + port.protocol.toLowerCase());

/** `endpoint` is `10.244.1.7:9376` or `[fd00::7]:9376`. */
export const endpointChain = (port: NamedPort, endpoint: string): string =>
  nameOf(endpointPrefix, portText(port) + port.protocol.toLowerCase() + endpoint);

/** Likewise of one among many: a port with 10,000 endpoints names them all again for each change of one. */
export function rememberedEndpointChain(port: NamedPort, endpoint: string): string {
  const text = portText(port) + port.protocol.toLowerCase() + endpoint;
  let name = rememberedChains.get(text);
  if (name === undefined) {
    name = nameOf(endpointPrefix, text);
    if (rememberedChains.size >= rememberedChainsLimit) rememberedChains.clear();
    rememberedChains.set(text, name);
  }
  return name;
}

const rememberedChainsLimit = 20_000;
const rememberedChains = new Map<string, string>();

/** Whether the chain belongs to one Service port, ours or another kube-proxy's. */
export const isServiceChain = (chain: string): boolean =>
  chain.startsWith(endpointPrefix) || Object.values(prefixes).some((prefix) => chain.startsWith(prefix));

/** base32 (RFC 4648) of SHA-256, its first 16 characters: 80 bits. */
export const hash = (text: string): string => nameOf('', text);

/** Written as bytes: a string that is put together character by character takes ten times the memory. */
function nameOf(prefix: string, text: string): string {
  const digest = digestOf('sha256', text, 'buffer');
  let length = nameRoom.write(prefix, 'latin1');
  for (let bit = 0; bit < 80; bit += 5) {
    const pair = (digest[bit >> 3]! << 8) | digest[(bit >> 3) + 1]!;
    nameRoom[length++] = alphabet[(pair >> (11 - (bit & 7))) & 31]!;
  }
  return nameRoom.toString('latin1', 0, length);
}

const nameRoom = Buffer.alloc(32);
const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567');
