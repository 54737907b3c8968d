import { encodeSetNotes, type SetDefinition } from '../../../wire/nftables/mod.ts';
import type { FamilyFacts } from './family.ts';
import { endpointsMap, isInside, type KeyKind, keyKindOf, keyKinds, type Pool, pools } from './pools.ts';
import { numbersPerBlock, type Shape } from './shape.ts';

/** The table's sets by name, and how each is made. */

/** Sets that exist always. */
export type StaticSet =
  | ReturnType<typeof endpointsMap>
  | 'cluster-ips'
  | 'external-ips'
  | 'hairpins'
  | 'node-ports'
  | 'firewalled'
  | 'node-local-vips'
  | `${'dropped' | 'cluster' | 'local'}-${'frontends' | 'node-ports'}`
  | `${'frontends' | 'node-ports'}-0`;

/** Sets that exist as long as they have elements; each has a rule of its own. */
export type DynamicSet = DrawnSet | StickySet | AffinitySet | SourcesSet;
/** Frontends with so many endpoints to draw from. */
export type DrawnSet = `${Pool}-${number}`;
/** Frontends with affinity, by the number of rows that they draw from. */
export type StickySet = `sticky-${Pool}-${number}`;
/** Frontends whose clients are remembered for so many seconds. */
export type AffinitySet = `${KeyKind}-affinity-${number}`;
/** Networks of one prefix length that may connect to a frontend. */
export type SourcesSet = `sources-${number}`;

/** Filled by packets: who has an endpoint of that number, and where. The number is that within its block. */
export type ClientsSet = `${KeyKind}-clients-${number}` | `${KeyKind}-clients-block-${number}`;

export type SetName = StaticSet | DynamicSet;

/** nft's numbers for data types (include/datatype.h), put together as it does for concatenations, six bits each. */
const DataType = { integer: 4, protocol: 12, port: 13 } as const;
const concatenated = (...types: number[]): number => types.reduce((sum, type) => (sum << 6) | type, 0);

/** Of all clients of endpoints of one number. A full set takes nobody up; connections are made all the same. */
const clientsLimit = 1 << 20;

type Definition = SetDefinition & { readonly name: SetName | ClientsSet };

export function staticSets(family: FamilyFacts): readonly Definition[] {
  const { addressLength, addressType } = family;
  const addresses = { keyType: addressType, keyLength: addressLength };
  const [frontends, nodePorts] = [keyOf('frontend', family), keyOf('node-port', family)];
  return [
    ...pools.map((pool) => endpointsDefinition(pool, family)),
    { name: 'cluster-ips', ...addresses, ...comment('cluster IPs of all Services') },
    { name: 'external-ips', ...addresses, ...comment('external and load balancer IPs') },
    {
      name: 'hairpins',
      keyType: concatenated(addressType, addressType),
      keyLength: addressLength * 2,
      ...comment('endpoints of this node as their own clients'),
    },
    { name: 'node-ports', ...nodePorts, ...comment('all but those that are refused') },
    { name: 'frontends-0', ...frontends, ...comment('no endpoints: refused') },
    { name: 'node-ports-0', ...nodePorts, ...comment('no endpoints: refused') },
    { name: 'dropped-frontends', ...frontends, ...comment('policy Local, none on this node') },
    { name: 'dropped-node-ports', ...nodePorts, ...comment('policy Local, none on this node') },
    { name: 'cluster-frontends', ...frontends, ...comment('external, policy Cluster: masqueraded') },
    { name: 'cluster-node-ports', ...nodePorts, ...comment('policy Cluster: masqueraded') },
    { name: 'local-frontends', ...frontends, ...comment('external, policy Local') },
    { name: 'local-node-ports', ...nodePorts, ...comment('policy Local') },
    { name: 'node-local-vips', ...frontends, ...comment('cluster IPs, internal policy Local') },
    { name: 'firewalled', ...frontends, ...comment('open to their sources only') },
  ];
}

export function dynamicSets(shape: Shape, family: FamilyFacts): Definition[] {
  const { addressLength, addressType } = family;
  const definitions: Definition[] = [];
  for (const pool of pools) {
    const key = keyOf(keyKindOf(pool), family);
    const { drawn, sticky } = shape.pools[pool];
    for (const count of drawn) definitions.push({ name: `${pool}-${count}`, ...key, ...comment(`${count} endpoints`) });
    for (const rows of sticky) {
      definitions.push({ name: `sticky-${pool}-${rows}`, ...key, ...comment(`affinity, ${rows} rows`) });
    }
  }
  for (const kind of keyKinds) {
    const key = keyOf(kind, family);
    for (const seconds of shape.affinitySeconds[kind])
      definitions.push({ name: `${kind}-affinity-${seconds}`, ...key });
    const clients = { keyType: concatenated(key.keyType, addressType), keyLength: key.keyLength + addressLength };
    for (const name of clientsSets(kind, shape.clientNumbers[kind])) {
      definitions.push({ name, ...clients, dynamic: { size: clientsLimit } });
    }
  }
  for (const length of shape.sourceLengths) {
    const key = keyOf('frontend', family);
    definitions.push({
      name: `sources-${length}`,
      keyType: concatenated(key.keyType, addressType),
      keyLength: key.keyLength + addressLength,
    });
  }
  return definitions;
}

function clientsSets(kind: KeyKind, numbers: number): ClientsSet[] {
  const digits = Array.from({ length: Math.min(numbers, numbersPerBlock) }, (_, i) => i);
  const blocks = Array.from({ length: Math.ceil(numbers / numbersPerBlock) }, (_, i) => i);
  return [
    ...digits.map((digit) => `${kind}-clients-${digit}` as const),
    ...(blocks.length > 1 ? blocks.map((block) => `${kind}-clients-block-${block}` as const) : []),
  ];
}

/** Address, protocol and port; or without the address. */
function keyOf(kind: KeyKind, { addressLength, addressType }: FamilyFacts): { keyType: number; keyLength: number } {
  if (kind === 'node-port') return { keyType: concatenated(DataType.protocol, DataType.port), keyLength: 8 };
  return { keyType: concatenated(addressType, DataType.protocol, DataType.port), keyLength: addressLength + 8 };
}

/** With the notes `nft` shows rows as plain numbers, and can load what it has listed. */
function endpointsDefinition(pool: Pool, family: FamilyFacts): Definition {
  const { addressLength, addressType, keyword } = family;
  const kind = keyKindOf(pool);
  const { keyType, keyLength } = keyOf(kind, family);
  const address = `${keyword} daddr` as const;
  const frontend = kind === 'node-port' ? [] : [address];
  return {
    name: endpointsMap(pool),
    keyType: concatenated(keyType, DataType.integer),
    keyLength: keyLength + 4,
    data: { type: concatenated(addressType, DataType.port), length: addressLength + 4 },
    notes: encodeSetNotes({
      typeof: {
        key: [...frontend, 'meta l4proto', 'th dport', 'numgen random mod 2'],
        data: [address, 'th dport'],
      },
      ...(isInside(pool) && { comment: 'policy Local, for clients inside the cluster' }),
    }).toString('hex'),
  };
}

function comment(text: string): { notes: string } {
  return { notes: encodeSetNotes({ comment: text }).toString('hex') };
}
