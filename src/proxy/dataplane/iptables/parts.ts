import { isIPv6 } from 'node:net';
import type { Match, Prefix } from '../../../wire/iptables/mod.ts';

export const comment = (text: string): Match => ({ kind: 'comment', text });

/** Of a range `10.0.0.0/8`, or of one address. */
export function prefixOf(text: string): Prefix {
  const [address = '', length] = text.split('/');
  return { address, length: length === undefined ? (isIPv6(address) ? 128 : 32) : Number(length) };
}
