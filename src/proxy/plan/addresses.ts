import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Family } from './model.ts';

/**
 * An address in canonical text (RFC 5952 for IPv6), so that equal addresses are equal strings, also when one was read
 * from the kernel. Undefined: it is none of this family. Leading zeros, which old objects may have, are decimal as
 * upstream reads them (KEP-4858).
 */
export function canonicalAddress(text: string, family: Family): string | undefined {
  if (family === 'IPv4') {
    if (isIPv4(text)) return text;
    const plain = text.replace(/\b0+(?=\d)/g, '');
    return plain !== text && isIPv4(plain) ? plain : undefined;
  }
  if (!isIPv6(text) || text.includes('%')) return undefined;
  return isCanonicalIpv6.test(text) ? text : ipaddr.IPv6.parse(text).toString();
}

/** Most are: eight groups without a leading zero and nothing to shorten, or one `::` at the end, as Pods and VIPs have it. */
const isCanonicalIpv6 = /^(?:[1-9a-f][0-9a-f]{0,3}:){1,5}:[1-9a-f][0-9a-f]{0,3}$/;

/** `10.1.2.3/8` is `10.0.0.0/8`. Undefined: it is no range of addresses. */
export function parseRange(text: string): { readonly family: Family; readonly range: string } | undefined {
  const [address = '', length = '', ...rest] = text.split('/');
  const family: Family = address.includes(':') ? 'IPv6' : 'IPv4';
  const canonical = canonicalAddress(address, family);
  const bits = /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (canonical === undefined || rest.length > 0 || !(bits <= (family === 'IPv4' ? 32 : 128))) return undefined;
  const masked = ipaddr
    .parse(canonical)
    .toByteArray()
    .map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))));
  return { family, range: `${ipaddr.fromByteArray(masked).toString()}/${bits}` };
}

/** Both in canonical text; false when they are of different families. */
export function isInRange(address: string, range: string): boolean {
  const [one, network] = [ipaddr.parse(address), ipaddr.parseCIDR(range)];
  return one.kind() === network[0].kind() && one.match(network);
}
