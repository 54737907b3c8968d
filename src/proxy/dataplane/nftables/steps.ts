import { type Expression, fullyRandom, type MetaKey, type Verdict } from '../../../wire/nftables/mod.ts';
import type { Protocol } from '../../plan/mod.ts';
import { type FamilyFacts, maskOf, type Range } from './family.ts';

/** The words in which the layout is written: each yields the expressions for one thought, as nft's own syntax has them. */

/** NFT_REG32_00: keys begin here, and a key's parts must lie side by side. Anything short-lived goes here as well. */
export const firstRegister = 8;

/** IPPROTO_*. */
export const protocolNumbers: Readonly<Record<Protocol | 'ICMP' | 'ICMPv6', number>> = {
  ICMP: 1,
  TCP: 6,
  UDP: 17,
  ICMPv6: 58,
  SCTP: 132,
};

/** RTN_LOCAL of linux/rtnetlink.h. */
const localAddressType = 2;

/** NF_CT_STATE_INVALID_BIT, NF_CT_STATE_BIT(IP_CT_NEW) and IPS_DST_NAT of nf_conntrack_common.h. */
const stateInvalid = 1;
const stateNew = 8;
const statusDnat = 0x20;

/** Offset of the destination port, which TCP, UDP and SCTP have in the same place. */
const destinationPortOffset = 2;

/** IFNAMSIZ. */
const interfaceNameLength = 16;

/** The machine's byte order, which is little-endian wherever Node.js and this program run. */
function hostOrder(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes.toString('hex');
}

/** One part of a key: what is loaded, and how many registers of four bytes it fills. */
interface Part {
  readonly width: number;
  readonly load: (register: number) => Expression[];
}

/** `daddr`, `saddr`, … of one family. */
export interface FieldsOfFamily {
  readonly source: Part;
  readonly destination: Part;
  /** `ip daddr . meta l4proto . th dport`. */
  readonly frontend: readonly Part[];
  /** `meta l4proto . th dport`. */
  readonly nodePort: readonly Part[];
  /** `ip saddr & MASK`. */
  readonly sourceNetwork: (length: number) => Part;
}

export function fieldsOf({ addressLength, sourceOffset, destinationOffset }: FamilyFacts): FieldsOfFamily {
  const address = (offset: number): Part => ({
    width: addressLength / 4,
    load: (register) => [{ kind: 'payload', base: 'network', offset, length: addressLength, register }],
  });
  const [source, destination] = [address(sourceOffset), address(destinationOffset)];
  const protocol: Part = { width: 1, load: (register) => [loadMeta('l4proto', register)] };
  const port: Part = {
    width: 1,
    load: (register) => [{ kind: 'payload', base: 'transport', offset: destinationPortOffset, length: 2, register }],
  };
  return {
    source,
    destination,
    frontend: [destination, protocol, port],
    nodePort: [protocol, port],
    sourceNetwork: (length) => ({
      width: source.width,
      load: (register) => [...source.load(register), maskedWith(maskOf(length, addressLength), register)],
    }),
  };
}

const loadMeta = (key: MetaKey, register: number): Expression => ({ kind: 'meta', key, register });

const maskedWith = (mask: string, register: number): Expression => ({
  kind: 'bitwise',
  source: register,
  register,
  mask,
  xor: '00'.repeat(mask.length / 2),
});

/** Loads the parts side by side. */
function concatenated(parts: readonly Part[]): { expressions: Expression[]; next: number } {
  const expressions: Expression[] = [];
  let next = firstRegister;
  for (const { width, load } of parts) {
    expressions.push(...load(next));
    next += width;
  }
  return { expressions, next };
}

const equals = (value: string): Expression => ({ kind: 'compare', source: firstRegister, operator: '==', value });
const differs = (value: string): Expression => ({ kind: 'compare', source: firstRegister, operator: '!=', value });

/** Ends the rule unless a bit of `bits` is set. */
const anyOf = (bits: number): Expression[] => [maskedWith(hostOrder(bits), firstRegister), differs(hostOrder(0))];

const inState = (bit: number): Expression[] => [
  { kind: 'conntrack', key: 'state', register: firstRegister },
  ...anyOf(bit),
];

/** `ct state new`, `ct state invalid`. */
export const isNew: readonly Expression[] = inState(stateNew);
export const isInvalid: readonly Expression[] = inState(stateInvalid);

/** `ct status dnat`: somebody, most likely these rules, has given the connection another destination. */
export const isRedirected: readonly Expression[] = [
  { kind: 'conntrack', key: 'status', register: firstRegister },
  ...anyOf(statusDnat),
];

/** `meta l4proto tcp`. */
export const isProtocol = (name: keyof typeof protocolNumbers): Expression[] => [
  loadMeta('l4proto', firstRegister),
  equals(protocolNumbers[name].toString(16).padStart(2, '0')),
];

/** `fib daddr type local`: for this node. `fib saddr type local`: from it. */
export const toThisNode: readonly Expression[] = [
  { kind: 'fib-daddr-type', register: firstRegister },
  equals(hostOrder(localAddressType)),
];
export const fromThisNode: readonly Expression[] = [
  { kind: 'fib-saddr-type', register: firstRegister },
  equals(hostOrder(localAddressType)),
];

/** `ip daddr RANGE`, `ip saddr != RANGE`, … */
export const inRange = (part: Part, range: Range): Expression[] => [...networkOf(part, range), equals(range.address)];
export const outOfRange = (part: Part, range: Range): Expression[] => [
  ...networkOf(part, range),
  differs(range.address),
];

/** nft takes no mask that masks nothing. */
function networkOf({ width, load }: Part, { mask, length }: Range): Expression[] {
  const isWhole = length === width * 32;
  return [...load(firstRegister), ...(isWhole ? [] : [maskedWith(mask, firstRegister)])];
}

/** `iifname NAME`, `iifname != NAME`; a prefix is compared as far as it goes (`iifname "veth*"`). */
export function cameInBy(name: string, { isPrefix = false, inverted = false } = {}): Expression[] {
  const bytes = Buffer.alloc(isPrefix ? Buffer.byteLength(name) : interfaceNameLength);
  bytes.write(name);
  const value = bytes.toString('hex');
  return [loadMeta('iifname', firstRegister), inverted ? differs(value) : equals(value)];
}

export function isIn(set: string, parts: readonly Part[]): Expression[] {
  return [...concatenated(parts).expressions, { kind: 'lookup', set, source: firstRegister }];
}

/** `update @SET { KEY timeout … }`, `delete @SET { KEY }`. */
export const remember = (set: string, parts: readonly Part[], timeoutMs: number): Expression[] => [
  ...concatenated(parts).expressions,
  { kind: 'dynamic', operation: 'update', set, source: firstRegister, timeoutMs },
];
export const forget = (set: string, parts: readonly Part[]): Expression[] => [
  ...concatenated(parts).expressions,
  { kind: 'dynamic', operation: 'delete', set, source: firstRegister },
];

export const setMarkBit = (bit: number): Expression[] => changeMark(~bit, bit);
export const clearMarkBit = (bit: number): Expression[] => changeMark(~bit, 0);

/** Ends the rule where the mark has the bit. */
export const lacksMarkBit = (bit: number): Expression[] => [
  loadMeta('mark', firstRegister),
  maskedWith(hostOrder(bit), firstRegister),
  equals(hostOrder(0)),
];

const changeMark = (mask: number, xor: number): Expression[] => [
  loadMeta('mark', firstRegister),
  { kind: 'bitwise', source: firstRegister, register: firstRegister, mask: hostOrder(mask), xor: hostOrder(xor) },
  { kind: 'meta-set', key: 'mark', source: firstRegister },
];

export const verdict = (value: Verdict): Expression => ({ kind: 'verdict', verdict: value });
export const jump = (chain: string): Expression => verdict({ kind: 'jump', chain });
export const goto = (chain: string): Expression => verdict({ kind: 'goto', chain });
export const drop: Expression = verdict({ kind: 'drop' });
export const giveBack: Expression = verdict({ kind: 'return' });

/** `numgen random mod COUNT 0`: true once in so many times. */
export const onceIn = (count: number): Expression[] => [
  { kind: 'random', modulus: count, register: firstRegister },
  equals(hostOrder(0)),
];

/** Which row of a map: any of the first so many, or this one. nft has no type for a constant there, hence one draw of one. */
export const anyRow = (count: number) => ({ modulus: count });
export const row = (number: number) => ({ modulus: 1, ...(number > 0 && { offset: number }) });

/** `dnat to KEY . numgen random mod … map @ENDPOINTS`; ends the rule where the map has no such row. */
export function redirect(
  { number, addressLength }: FamilyFacts,
  endpoints: string,
  parts: readonly Part[],
  choice: { readonly modulus: number; readonly offset?: number },
): Expression[] {
  const { expressions, next } = concatenated(parts);
  const address = next + 1;
  return [
    ...expressions,
    { kind: 'random', ...choice, register: next },
    { kind: 'lookup', set: endpoints, source: firstRegister, register: address },
    { kind: 'dnat', family: number, address, port: address + addressLength / 4 },
  ];
}

export const masquerade = (randomFully: boolean): Expression => ({
  kind: 'masquerade',
  flags: randomFully ? fullyRandom : 0,
});
export const resetTcp: Expression = { kind: 'reject', with: 'tcp-reset' };
export const rejectIcmp = ({ portUnreachable }: FamilyFacts): Expression => ({
  kind: 'reject',
  with: 'icmp',
  code: portUnreachable,
});
