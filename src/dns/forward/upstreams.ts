import { isIP } from 'node:net';
import { UsageError } from '../../base/errors.ts';

/** A resolver to ask. */
export interface SocketAddress {
  /** IPv4 or IPv6, a link-local one with its zone: `fe80::1%eth0`. */
  readonly address: string;
  readonly port: number;
}

const dnsPort = 53;

/**
 * The name servers of a resolv.conf(5) text, at most the three that a resolver library would use. Lines that it would
 * pass over are passed over here too.
 */
export function parseResolvConf(text: string): SocketAddress[] {
  const found: SocketAddress[] = [];
  for (const line of text.split('\n')) {
    const [keyword, address] = line.split(/[;#]/, 1)[0]!.trim().split(/\s+/);
    if (keyword !== 'nameserver' || !address || !isAddress(address)) continue;
    if (!found.some((known) => known.address === address)) found.push({ address, port: dnsPort });
  }
  return found.slice(0, 3);
}

/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`. Throws UsageError. */
export function parseUpstream(text: string): SocketAddress {
  const bracketed = /^\[(.+)\](?::(\d+))?$/.exec(text);
  const plain = isAddress(text) ? [text, text] : /^([\d.]+):(\d+)$/.exec(text);
  const [, address = '', portText] = bracketed ?? plain ?? [];
  const port = portText === undefined ? dnsPort : Number(portText);
  if (!isAddress(address) || port < 1 || port > 65_535) {
    throw new UsageError(
      'Read upstream resolver',
      `${JSON.stringify(text)} is not an address with an optional port`,
      'Write 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:53',
    );
  }
  return { address, port };
}

const isAddress = (text: string): boolean => isIP(text) !== 0;

export const sameAddress = (one: SocketAddress, other: SocketAddress): boolean =>
  one.address === other.address && one.port === other.port;

export const socketAddressText = ({ address, port }: SocketAddress): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
