import type { Chain, Expression, SetDefinition } from '../../../wire/nftables/mod.ts';
import {
  anySlot,
  clearMarkBit,
  destination,
  differs,
  dispatch,
  equals,
  firstSlot,
  frontendKey,
  goto,
  hostOrder,
  type Ipv4Range,
  inRange,
  isIn,
  isNew,
  isProtocol,
  isRedirected,
  jump,
  lacksMarkBit,
  load,
  loopback,
  masquerade,
  nodePortKey,
  outOfRange,
  Register,
  redirect,
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
export const layoutVersion = 1;
export const tableName = 'signalbox';
export const tableComment = `signalbox service proxy, layout ${layoutVersion}`;

export interface ChainProgram {
  readonly chain: Chain;
  readonly rules: readonly (readonly Expression[])[];
}

/** nft's numbers for data types (include/datatype.h), put together as it does for concatenations, six bits each. */
const DataType = { address: 7, protocol: 12, port: 13, mark: 19 } as const;
const concatenated = (...types: number[]): number => types.reduce((sum, type) => (sum << 6) | type, 0);

export const SetName = {
  frontends: 'frontends',
  nodePorts: 'node-ports',
  endpoints: 'endpoints',
  pickers: 'pickers',
  clusterIps: 'cluster-ips',
  hairpins: 'hairpins',
} as const;
export type SetName = (typeof SetName)[keyof typeof SetName];

/** Number of endpoints and id. */
const target = { type: concatenated(DataType.mark, DataType.mark), length: 8 };

export const sets: readonly (SetDefinition & { readonly name: SetName })[] = [
  {
    name: SetName.frontends,
    keyType: concatenated(DataType.address, DataType.protocol, DataType.port),
    keyLength: 12,
    data: target,
  },
  { name: SetName.nodePorts, keyType: concatenated(DataType.protocol, DataType.port), keyLength: 8, data: target },
  {
    name: SetName.endpoints,
    keyType: concatenated(DataType.mark, DataType.mark),
    keyLength: 8,
    data: { type: concatenated(DataType.address, DataType.port), length: 8 },
  },
  // By number of endpoints: one element per number that occurs. No Service has a verdict of its own, because adding a
  // verdict makes the kernel walk all chains again.
  { name: SetName.pickers, keyType: DataType.mark, keyLength: 4, data: 'verdict' },
  { name: SetName.clusterIps, keyType: DataType.address, keyLength: 4 },
  { name: SetName.hairpins, keyType: concatenated(DataType.address, DataType.address), keyLength: 8 },
];

/** NF_IP_PRI_NAT_DST and NF_IP_PRI_NAT_SRC, and as far before and behind as kube-proxy's nftables mode goes. */
const Priority = { beforeDnat: -110, dnat: -100, afterDnat: -90, snat: 100 } as const;

export function staticChains(options: LayoutOptions): ChainProgram[] {
  const { masqueradeMark } = options;
  return [
    {
      chain: base('filter-prerouting', 'filter', 'prerouting', Priority.beforeDnat),
      rules: [[...isNew, jump('no-endpoints')]],
    },
    {
      chain: base('filter-output', 'filter', 'output', Priority.beforeDnat),
      rules: [[...isNew, jump('no-endpoints')]],
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
      chain: { name: 'no-endpoints' },
      rules: [[...frontendKey, load(SetName.frontends, Register.key, Register.count), ...isZero, goto('reject')]],
    },
    {
      chain: { name: 'node-port-without-endpoints' },
      rules: [[...nodePortKey, load(SetName.nodePorts, Register.key, Register.count), ...isZero, goto('reject')]],
    },
    { chain: { name: 'reject' }, rules: [[...isProtocol('TCP'), resetTcp], [rejectIcmp]] },
    { chain: { name: 'not-redirected' }, rules: notRedirected(options) },
    { chain: { name: 'services' }, rules: services(masqueradeMark) },
    { chain: { name: 'masquerading' }, rules: masquerading(masqueradeMark) },
  ];
}

/** What is still addressed to a VIP behind the redirection: other protocols, other ports, and VIPs that nobody has. */
function notRedirected({ serviceRange }: LayoutOptions): Expression[][] {
  const toVip = [destination(Register.key), isIn(SetName.clusterIps)];
  return [
    [...isProtocol('ICMP'), ...toVip, verdict({ kind: 'drop' })],
    // A change was under way while the packet passed: the client's next attempt finds its endpoint.
    [...frontendKey, load(SetName.frontends, Register.key, Register.count), verdict({ kind: 'drop' })],
    [...toVip, goto('reject')],
    ...(serviceRange
      ? [[...inRange(destination(Register.key), serviceRange), verdict({ kind: 'drop' as const })]]
      : []),
  ];
}

function services(masqueradeMark: number): Expression[][] {
  return [
    [...frontendKey, load(SetName.frontends, Register.key, Register.count), dispatch(SetName.pickers, Register.count)],
    [
      ...toThisNode,
      ...outOfRange(destination(Register.key), loopback),
      ...nodePortKey,
      load(SetName.nodePorts, Register.key, Register.count),
      differs(Register.count, hostOrder(0)),
      ...setMarkBit(masqueradeMark),
      dispatch(SetName.pickers, Register.count),
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

export const pickerName = (count: number): string => `pick-${count}`;

/**
 * Chooses one of `count` endpoints, for a packet whose key is known to be a frontend or a node port. Registers do not
 * survive from rule to rule, hence the second look at the entry.
 *
 * A packet that read the entry before a change and reads the endpoint after it may miss its slot; the last rules then
 * take slot 0, which exists as long as any does.
 */
export function pickerChain(count: number, { clusterRange, masqueradeMark }: LayoutOptions): ChainProgram {
  const slots = count === 1 ? [firstSlot] : [anySlot(count), firstSlot];
  return {
    chain: { name: pickerName(count) },
    rules: [
      ...(clusterRange ? [[...outOfRange(source(Register.key), clusterRange), ...setMarkBit(masqueradeMark)]] : []),
      ...slots.flatMap((slot) => [
        [...frontendKey, load(SetName.frontends, Register.key, Register.count), slot, ...redirectToSlot],
        [...nodePortKey, load(SetName.nodePorts, Register.key, Register.count), slot, ...redirectToSlot],
      ]),
    ],
  };
}

const redirectToSlot: readonly Expression[] = [load(SetName.endpoints, Register.id, Register.address), redirect];

const isZero = [equals(Register.count, hostOrder(0))];

function base(
  name: string,
  type: NonNullable<Chain['base']>['type'],
  hook: NonNullable<Chain['base']>['hook'],
  priority: number,
): Chain {
  return { name, base: { type, hook, priority } };
}
