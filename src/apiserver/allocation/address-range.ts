import { isIPv4 } from 'node:net';
import { UsageError } from '../../base/errors.ts';

/** The IPv4 addresses that Services may get: those of a CIDR without its first and its last. */
export interface AddressRange {
  readonly cidr: string;
  readonly size: number;
  /** The address at an index from 0 on. */
  at(index: number): string;
  contains(address: string): boolean;
}

const toNumber = (address: string): number =>
  address.split('.').reduce((number, octet) => number * 256 + Number(octet), 0);

const toAddress = (number: number): string => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');

/** @throws UsageError unless it is an IPv4 CIDR between /12 (upstream's limit, 2^20 addresses) and /30 */
export function parseServiceCidr(cidr: string): AddressRange {
  const [address = '', length = ''] = cidr.split('/');
  const bits = Number(length);
  if (!isIPv4(address) || !/^\d+$/.test(length) || bits < 12 || bits > 30)
    throw new UsageError('Read the service CIDR', `${JSON.stringify(cidr)} is not an IPv4 range between /12 and /30`);
  const total = 2 ** (32 - bits);
  const base = Math.floor(toNumber(address) / total) * total;
  const size = total - 2;
  return {
    cidr: `${toAddress(base)}/${bits}`,
    size,
    at: (index) => toAddress(base + 1 + index),
    contains: (text) => isIPv4(text) && toNumber(text) > base && toNumber(text) <= base + size,
  };
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
