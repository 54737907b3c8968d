import { type Chain, type Expression, encodeSetNotes, type SetDefinition } from '../../../wire/nftables/mod.ts';
import {
  clearMarkBit,
  destination,
  frontendKey,
  goto,
  type Ipv4Range,
  inRange,
  isIn,
  isNew,
  isProtocol,
  isRedirected,
  jump,
  lacksMarkBit,
  loopback,
  masquerade,
  nodePortKey,
  outOfRange,
  Register,
  redirectToAny,
  rejectIcmp,
  resetTcp,
  setMarkBit,
  source,
  toThisNode,
  verdict,
} from './steps.ts';

/**
 * The table's chains and sets: all that does not depend on how many Services there are. README.md shows how a packet
 * goes through it.
 */
export interface LayoutOptions {
  /** Pods' addresses: whoever connects to a VIP from outside of it is masqueraded. Absent: nobody is. */
  readonly clusterRange?: Ipv4Range;
  /** Addresses that can be VIPs: a packet to one that no Service has is dropped instead of sent to the default gateway. */
  readonly serviceRange?: Ipv4Range;
  /** One bit of the packet mark, as a number. */
  readonly masqueradeMark: number;
}

/** Written into the table's comment. Another number there means that another version of this program laid it out. */
export const layoutVersion = 2;
export const tableName = 'signalbox';
export const tableComment = `signalbox service proxy, layout ${layoutVersion}`;

export interface ChainProgram {
  readonly chain: Chain;
  readonly rules: readonly (readonly Expression[])[];
}

/** nft's numbers for data types (include/datatype.h), put together as it does for concatenations, six bits each. */
const DataType = { integer: 4, address: 7, protocol: 12, port: 13 } as const;
const concatenated = (...types: number[]): number => types.reduce((sum, type) => (sum << 6) | type, 0);

export const SetName = {
  endpoints: 'endpoints',
  nodePortEndpoints: 'node-port-endpoints',
  clusterIps: 'cluster-ips',
  nodePorts: 'node-ports',
  hairpins: 'hairpins',
} as const;

/** VIP frontends, or node ports, with so many endpoints; those with none exist always, others as needed. */
export type CountedKind = 'frontends' | 'node-ports';
export type CountedSet = `${CountedKind}-${number}`;
export const countedSet = (kind: CountedKind, count: number): CountedSet => `${kind}-${count}`;

export type SetName = (typeof SetName)[keyof typeof SetName] | CountedSet;

const frontendType = { keyType: concatenated(DataType.address, DataType.protocol, DataType.port), keyLength: 12 };
const nodePortType = { keyType: concatenated(DataType.protocol, DataType.port), keyLength: 8 };
const endpointType = { type: concatenated(DataType.address, DataType.port), length: 8 };

type Definition = SetDefinition & { readonly name: SetName };

export const staticSets: readonly Definition[] = [
  {
    name: SetName.endpoints,
    keyType: concatenated(DataType.address, DataType.protocol, DataType.port, DataType.integer),
    keyLength: 16,
    data: endpointType,
    notes: endpointNotes('ip daddr', 'meta l4proto', 'th dport'),
  },
  {
    name: SetName.nodePortEndpoints,
    keyType: concatenated(DataType.protocol, DataType.port, DataType.integer),
    keyLength: 12,
    data: endpointType,
    notes: endpointNotes('meta l4proto', 'th dport'),
  },
  { name: SetName.clusterIps, keyType: DataType.address, keyLength: 4, ...comment('VIPs of all Services') },
  { name: SetName.nodePorts, ...nodePortType, ...comment('those with endpoints') },
  {
    name: SetName.hairpins,
    keyType: concatenated(DataType.address, DataType.address),
    keyLength: 8,
    ...comment('endpoints of this node as their own clients'),
  },
  countedSetDefinition(countedSet('frontends', 0)),
  countedSetDefinition(countedSet('node-ports', 0)),
];

/** With them `nft` shows slots as plain numbers, and can load what it has listed. */
function endpointNotes(...frontend: ('ip daddr' | 'meta l4proto' | 'th dport')[]): string {
  const types = { key: [...frontend, 'numgen random mod 2'] as const, data: ['ip daddr', 'th dport'] as const };
  return encodeSetNotes({ typeof: types }).toString('hex');
}

export function countedSetDefinition(name: CountedSet): Definition {
  const count = name.slice(name.lastIndexOf('-') + 1);
  const isNodePort = name.startsWith('node-ports');
  return { name, ...(isNodePort ? nodePortType : frontendType), ...comment(`${count} endpoints each`) };
}

function comment(text: string): { notes: string } {
  return { notes: encodeSetNotes({ comment: text }).toString('hex') };
}

/** The numbers of endpoints that occur, ascending, without 0. */
export interface Counts {
  readonly frontends: readonly number[];
  readonly nodePorts: readonly number[];
}

/** NF_IP_PRI_NAT_DST and NF_IP_PRI_NAT_SRC, and as far before and behind as kube-proxy's nftables mode goes. */
const Priority = { beforeDnat: -110, dnat: -100, afterDnat: -90, snat: 100 } as const;

export function staticChains(options: LayoutOptions): ChainProgram[] {
  return [
    {
      chain: base('filter-prerouting', 'filter', 'prerouting', Priority.beforeDnat),
      rules: [[...isNew, jump('without-endpoints')]],
    },
    {
      chain: base('filter-output', 'filter', 'output', Priority.beforeDnat),
      rules: [[...isNew, jump('without-endpoints')]],
    },
    {
      chain: base('filter-input', 'filter', 'input', Priority.beforeDnat),
      rules: [[...isNew, ...outOfRange(destination(Register.key), loopback), jump('node-port-without-endpoints')]],
    },
    {
      chain: base('filter-forward', 'filter', 'forward', Priority.beforeDnat),
      rules: [[...isNew, jump('not-redirected')]],
    },
    {
      chain: base('filter-output-post-dnat', 'filter', 'output', Priority.afterDnat),
      rules: [[...isNew, jump('not-redirected')]],
    },
    { chain: base('nat-prerouting', 'nat', 'prerouting', Priority.dnat), rules: [[jump('services')]] },
    { chain: base('nat-output', 'nat', 'output', Priority.dnat), rules: [[jump('services')]] },
    { chain: base('nat-postrouting', 'nat', 'postrouting', Priority.snat), rules: [[jump('masquerading')]] },
    {
      chain: { name: 'without-endpoints' },
      rules: [[...frontendKey, isIn(countedSet('frontends', 0)), goto('refuse')]],
    },
    {
      chain: { name: 'node-port-without-endpoints' },
      rules: [[...nodePortKey, isIn(countedSet('node-ports', 0)), goto('refuse')]],
    },
    { chain: { name: 'refuse' }, rules: [[...isProtocol('TCP'), resetTcp], [rejectIcmp]] },
    { chain: { name: 'not-redirected' }, rules: notRedirected(options) },
    { chain: { name: 'services' }, rules: services(options) },
    { chain: { name: 'masquerading' }, rules: masquerading(options.masqueradeMark) },
  ];
}

/** What is still addressed to a VIP behind the redirection: other protocols, other ports, and VIPs that nobody has. */
function notRedirected({ serviceRange }: LayoutOptions): Expression[][] {
  const toVip = [destination(Register.key), isIn(SetName.clusterIps)];
  return [
    [...isProtocol('ICMP'), ...toVip, verdict({ kind: 'drop' })],
    [...toVip, goto('refuse')],
    ...(serviceRange
      ? [[...inRange(destination(Register.key), serviceRange), verdict({ kind: 'drop' as const })]]
      : []),
  ];
}

function services({ clusterRange, masqueradeMark }: LayoutOptions): Expression[][] {
  const toVip = [destination(Register.key), isIn(SetName.clusterIps)];
  return [
    ...(clusterRange
      ? [[...toVip, ...outOfRange(source(Register.key), clusterRange), ...setMarkBit(masqueradeMark)]]
      : []),
    [...toVip, goto('to-vips')],
    [
      ...toThisNode,
      ...outOfRange(destination(Register.key), loopback),
      ...nodePortKey,
      isIn(SetName.nodePorts),
      ...setMarkBit(masqueradeMark),
      goto('to-node-ports'),
    ],
  ];
}

function masquerading(masqueradeMark: number): Expression[][] {
  const isHairpin = [source(Register.key), destination(Register.key + 1), isIn(SetName.hairpins)];
  return [
    [...isRedirected, ...isHairpin, masquerade],
    [...lacksMarkBit(masqueradeMark), verdict({ kind: 'return' })],
    [...clearMarkBit(masqueradeMark), masquerade],
  ];
}

/**
 * The chains that choose an endpoint: a rule for each number of endpoints that occurs, because the kernel wants to be told
 * in the rule how many there are to choose from. A packet that sees the sets before a change and the endpoints after it may
 * miss its slot: the last rule takes slot 0, which exists as long as any does.
 */
export function choosers({ frontends, nodePorts }: Counts): ChainProgram[] {
  return [
    {
      chain: { name: 'to-vips' },
      rules: chooserRules('frontends', frontendKey, SetName.endpoints, frontends),
    },
    {
      chain: { name: 'to-node-ports' },
      rules: chooserRules('node-ports', nodePortKey, SetName.nodePortEndpoints, nodePorts),
    },
  ];
}

function chooserRules(
  kind: CountedKind,
  key: readonly Expression[],
  endpoints: SetName,
  counts: readonly number[],
): Expression[][] {
  const rules = counts.map((count) => [...key, isIn(countedSet(kind, count)), ...redirectToAny(count, key, endpoints)]);
  return [...rules, redirectToAny(1, key, endpoints)];
}

function base(
  name: string,
  type: NonNullable<Chain['base']>['type'],
  hook: NonNullable<Chain['base']>['hook'],
  priority: number,
): Chain {
  return { name, base: { type, hook, priority } };
}
