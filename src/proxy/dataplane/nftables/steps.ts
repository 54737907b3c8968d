import { type Expression, fullyRandom, type Verdict } from '../../../wire/nftables/mod.ts';
import type { Protocol } from '../../plan/mod.ts';

/** The words in which the layout is written: each yields the expressions for one thought, as nft's own syntax has them. */

/** Registers (NFT_REG32_*), by what they hold in this program; a key's parts must lie side by side. */
export const Register = {
  /** Keys: address, protocol and port, or protocol and port, or two addresses. Anything short-lived as well. */
  key: 8,
  /** What an endpoint's entry holds. */
  address: 16,
  port: 17,
} as const;

/** IPPROTO_*. */
export const protocolNumbers: Readonly<Record<Protocol | 'ICMP', number>> = { ICMP: 1, TCP: 6, UDP: 17, SCTP: 132 };

/** RTN_LOCAL of linux/rtnetlink.h. */
const localAddressType = 2;

/** NF_CT_STATE_BIT(IP_CT_NEW) and IPS_DST_NAT of nf_conntrack_common.h. */
const stateNew = 8;
const statusDnat = 0x20;

/** ICMP_PORT_UNREACH. */
const portUnreachable = 3;

/** Offsets in the IPv4 header, and of the destination port, which TCP, UDP and SCTP have in the same place. */
const sourceOffset = 12;
const destinationOffset = 16;
const destinationPortOffset = 2;

/** The machine's byte order, which is little-endian wherever Node.js and this program run. */
function hostOrder(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes.toString('hex');
}

export const source = (register: number): Expression => address(sourceOffset, register);
export const destination = (register: number): Expression => address(destinationOffset, register);

function address(offset: number, register: number): Expression {
  return { kind: 'payload', base: 'network', offset, length: 4, register };
}

const protocol = (register: number): Expression => ({ kind: 'meta', key: 'l4proto', register });

const destinationPort = (register: number): Expression => ({
  kind: 'payload',
  base: 'transport',
  offset: destinationPortOffset,
  length: 2,
  register,
});

/** `ip daddr . meta l4proto . th dport`. */
export const frontendKey: readonly Expression[] = [
  destination(Register.key),
  protocol(Register.key + 1),
  destinationPort(Register.key + 2),
];

/** `meta l4proto . th dport`. */
export const nodePortKey: readonly Expression[] = [protocol(Register.key), destinationPort(Register.key + 1)];

const equals = (source: number, value: string): Expression => ({
  kind: 'compare',
  source,
  operator: '==',
  value,
});
const differs = (source: number, value: string): Expression => ({
  kind: 'compare',
  source,
  operator: '!=',
  value,
});

/** Ends the rule unless a bit of `bits` is set in the register. */
const anyOf = (register: number, bits: number): Expression[] => [
  { kind: 'bitwise', source: register, register, mask: hostOrder(bits), xor: hostOrder(0) },
  differs(register, hostOrder(0)),
];

/** `ct state new`. */
export const isNew: readonly Expression[] = [
  { kind: 'conntrack', key: 'state', register: Register.key },
  ...anyOf(Register.key, stateNew),
];

/** `ct status dnat`: somebody, most likely these rules, has given the connection another destination. */
export const isRedirected: readonly Expression[] = [
  { kind: 'conntrack', key: 'status', register: Register.key },
  ...anyOf(Register.key, statusDnat),
];

/** `meta l4proto tcp`. */
export const isProtocol = (name: keyof typeof protocolNumbers): Expression[] => [
  protocol(Register.key),
  equals(Register.key, protocolNumbers[name].toString(16).padStart(2, '0')),
];

/** `fib daddr type local`. */
export const toThisNode: readonly Expression[] = [
  { kind: 'fib-daddr-type', register: Register.key },
  equals(Register.key, hostOrder(localAddressType)),
];

export interface Ipv4Range {
  /** Both as eight hexadecimal digits; the address has no bit outside the mask. */
  readonly address: string;
  readonly mask: string;
}

export const loopback: Ipv4Range = { address: '7f000000', mask: 'ff000000' };

/** `ip daddr RANGE`, `ip saddr != RANGE`, … */
export function inRange(address: Expression, range: Ipv4Range): Expression[] {
  return [address, masked(range), equals(Register.key, range.address)];
}
export function outOfRange(address: Expression, range: Ipv4Range): Expression[] {
  return [address, masked(range), differs(Register.key, range.address)];
}

const masked = ({ mask }: Ipv4Range): Expression => ({
  kind: 'bitwise',
  source: Register.key,
  register: Register.key,
  mask,
  xor: '00000000',
});

export const isIn = (set: string): Expression => ({ kind: 'lookup', set, source: Register.key });

export const setMarkBit = (bit: number): Expression[] => changeMark(~bit, bit);
export const clearMarkBit = (bit: number): Expression[] => changeMark(~bit, 0);

/** Ends the rule where the mark has the bit. */
export const lacksMarkBit = (bit: number): Expression[] => [
  { kind: 'meta', key: 'mark', register: Register.key },
  { kind: 'bitwise', source: Register.key, register: Register.key, mask: hostOrder(bit), xor: hostOrder(0) },
  equals(Register.key, hostOrder(0)),
];

const changeMark = (mask: number, xor: number): Expression[] => [
  { kind: 'meta', key: 'mark', register: Register.key },
  { kind: 'bitwise', source: Register.key, register: Register.key, mask: hostOrder(mask), xor: hostOrder(xor) },
  { kind: 'meta-set', key: 'mark', source: Register.key },
];

export const verdict = (value: Verdict): Expression => ({ kind: 'verdict', verdict: value });
export const jump = (chain: string): Expression => verdict({ kind: 'jump', chain });
export const goto = (chain: string): Expression => verdict({ kind: 'goto', chain });

/** `dnat to KEY . numgen random mod COUNT map @ENDPOINTS`; ends the rule where the map has no such slot. */
export function redirectToAny(count: number, key: readonly Expression[], endpoints: string): Expression[] {
  const slot = Register.key + key.length;
  return [
    ...key,
    { kind: 'random', modulus: count, register: slot },
    { kind: 'lookup', set: endpoints, source: Register.key, register: Register.address },
    { kind: 'dnat', family: 2, address: Register.address, port: Register.port },
  ];
}
export const masquerade: Expression = { kind: 'masquerade', flags: fullyRandom };
export const resetTcp: Expression = { kind: 'reject', with: 'tcp-reset' };
export const rejectIcmp: Expression = { kind: 'reject', with: 'icmp', code: portUnreachable };
