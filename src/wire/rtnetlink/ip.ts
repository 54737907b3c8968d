import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { UsageError } from '../../base/errors.ts';
import { MalformedError } from '../netlink/mod.ts';
import { Family } from './constants.ts';

/** An address as the kernel takes it: 4 or 16 bytes. */
export interface IpBytes {
  readonly family: number;
  readonly bytes: Uint8Array;
}

/** An address with a prefix length: `10.244.1.1/24`. */
export interface PrefixBytes extends IpBytes {
  readonly prefixLength: number;
}

/** Throws UsageError for what is not an IPv4 or IPv6 address. */
export function parseIp(text: string): IpBytes {
  const version = isIP(text);
  // A zone (fe80::1%eth0) is a link's name, which the kernel takes elsewhere.
  if (version === 0 || text.includes('%')) throw new UsageError('Read an IP address', `"${text}" is none`);
  return {
    family: version === 4 ? Family.ipv4 : Family.ipv6,
    bytes: Uint8Array.from(ipaddr.parse(text).toByteArray()),
  };
}

/** Throws UsageError for what is not `address/length`. */
export function parsePrefix(text: string): PrefixBytes {
  const [address, length, ...rest] = text.split('/');
  const ip = parseIp(address ?? '');
  const bits = ip.bytes.length * 8;
  if (rest.length > 0 || !/^\d{1,3}$/.test(length ?? '') || Number(length) > bits) {
    throw new UsageError('Read an IP prefix', `"${text}" does not end in a length from /0 to /${bits}`);
  }
  return { ...ip, prefixLength: Number(length) };
}

/** The canonical text: lower case and shortest for IPv6 (RFC 5952). */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length !== 4 && bytes.length !== 16) {
    throw new MalformedError('Decode an IP address', `${bytes.length} bytes instead of 4 or 16`);
  }
  return ipaddr.fromByteArray([...bytes]).toString();
}

/** The prefix with all bits behind its length zero, in canonical text: `10.244.1.7/24` is `10.244.1.0/24`. */
export function networkOf(text: string): string {
  const { bytes, prefixLength } = parsePrefix(text);
  const masked = bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefixLength - i * 8))));
  return `${formatIp(masked)}/${prefixLength}`;
}
