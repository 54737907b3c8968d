import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { UsageError } from '../../base/errors.ts';

export type IpFamily = 'IPv4' | 'IPv6';

/** The addresses of one CIDR that Services may get: without its first and, of IPv4, without its last. */
export interface AddressRange {
  readonly family: IpFamily;
  readonly cidr: string;
  /** How many there are to choose from; of a large IPv6 range the first 2^32. */
  readonly size: number;
  /** The address at an index from 0 on. */
  at(index: number): string;
  /** Of any address of the range, beyond `size` too. */
  contains(address: string): boolean;
}

/** What is offered to choose from; a writer may insist on any address of a larger range. */
const mostChoices = 2n ** 32n;

/** One way of writing for each address (RFC 5952 for IPv6), so that two spellings are one. Undefined for no address. */
export function canonicalAddress(text: string): string | undefined {
  if (isIP(text) === 0 || text.includes('%')) return undefined;
  const address = ipaddr.parse(text);
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}

export const familyOf = (address: string): IpFamily => (address.includes(':') ? 'IPv6' : 'IPv4');

/**
 * One range, or two of different families: the first one's family is what Services get that ask for none.
 * @throws UsageError unless each is an IPv4 CIDR between /12 (upstream's limit, 2^20 addresses) and /30, or an IPv6 one
 * between /64 and /126
 */
export function parseServiceCidrs(text: string): readonly AddressRange[] {
  const ranges = text.split(',').map(parseServiceCidr);
  if (ranges.length > 2 || new Set(ranges.map(({ family }) => family)).size < ranges.length)
    throw new UsageError(
      'Read the service CIDR',
      `${JSON.stringify(text)} is not one range, or one of IPv4 and one of IPv6`,
    );
  return ranges;
}

function parseServiceCidr(text: string): AddressRange {
  const [address = '', length = ''] = text.split('/');
  const canonical = /^\d{1,3}$/.test(length) ? canonicalAddress(address) : undefined;
  const family = familyOf(address);
  const bits = Number(length);
  const [widest, narrowest, width] = family === 'IPv4' ? [12, 30, 32] : [64, 126, 128];
  if (canonical === undefined || bits < widest || bits > narrowest)
    throw new UsageError(
      'Read the service CIDR',
      `${JSON.stringify(text)} is not an IPv4 range between /12 and /30 or an IPv6 range between /64 and /126`,
    );
  return rangeOf(family, canonical, bits, 2n ** BigInt(width - bits));
}

function rangeOf(family: IpFamily, address: string, bits: number, total: bigint): AddressRange {
  const base = (toNumber(address) / total) * total;
  const last = base + total - (family === 'IPv4' ? 2n : 1n);
  const count = last - base;
  return {
    family,
    cidr: `${toAddress(family, base)}/${bits}`,
    size: Number(count < mostChoices ? count : mostChoices),
    at: (index) => toAddress(family, base + 1n + BigInt(index)),
    contains: (text) => {
      const canonical = canonicalAddress(text);
      if (canonical === undefined || familyOf(canonical) !== family) return false;
      const number = toNumber(canonical);
      return number > base && number <= last;
    },
  };
}

const toNumber = (address: string): bigint =>
  ipaddr
    .parse(address)
    .toByteArray()
    .reduce((number, byte) => number * 256n + BigInt(byte), 0n);

function toAddress(family: IpFamily, number: bigint): string {
  const length = family === 'IPv4' ? 4 : 16;
  const bytes = Array.from({ length }, (_, index) => Number((number >> BigInt(8 * (length - 1 - index))) & 255n));
  return canonicalAddress(ipaddr.fromByteArray(bytes).toString())!;
}

/** Node ports, both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `30000-32767`. @throws UsageError */
export function parsePortRange(text: string): PortRange {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || first < 1 || last > 65_535 || first > last)
    throw new UsageError('Read the node port range', `${JSON.stringify(text)} is not of the form 30000-32767`);
  return { first, last };
}
