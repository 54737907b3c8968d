import { formatIp, parseIp } from '../rtnetlink/mod.ts';

const plainIpv4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** The bytes of an address in canonical text; IPv4 by the short way, since a large cluster has 100,000 of them. */
export function addressBytes(text: string): Uint8Array {
  const parts = plainIpv4.exec(text);
  if (parts) return Uint8Array.of(Number(parts[1]), Number(parts[2]), Number(parts[3]), Number(parts[4]));
  return parseIp(text).bytes;
}

/** The canonical text of an address. */
export const addressText = (bytes: Uint8Array): string => (bytes.length === 4 ? bytes.join('.') : formatIp(bytes));
