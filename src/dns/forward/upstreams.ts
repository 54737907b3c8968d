import { isIP } from 'node:net';
import { UsageError } from '../../base/errors.ts';

/** Where a socket is. */
export interface SocketAddress {
  /** IPv4 or IPv6, a link-local one with its zone: `fe80::1%eth0`. */
  readonly address: string;
  readonly port: number;
}

/** A resolver, and how it is spoken to. */
export interface UpstreamTarget extends SocketAddress {
  readonly transport: 'dns' | 'tls' | 'https';
  /** The name that its certificate must bear; by default its address. */
  readonly serverName?: string;
  /** Of the requests over HTTPS; default `/dns-query`. */
  readonly path?: string;
}

/** Where a resolver is asked that names no port. */
export const ports = { dns: 53, tls: 853, https: 443 } as const;
export const isTransport = (scheme: string): scheme is UpstreamTarget['transport'] => Object.hasOwn(ports, scheme);
/** As many as CoreDNS takes. */
const mostInFile = 15;

/** The name servers of a resolv.conf(5) text. Lines that a resolver library would pass over are passed over here too. */
export function parseResolvConf(text: string): UpstreamTarget[] {
  const found: UpstreamTarget[] = [];
  for (const line of text.split('\n')) {
    const [keyword, address] = line.split(/[;#]/, 1)[0]!.trim().split(/\s+/);
    if (keyword !== 'nameserver' || !address || !isAddress(address)) continue;
    if (!found.some((known) => known.address === address)) found.push({ address, port: ports.dns, transport: 'dns' });
  }
  return found.slice(0, mostInFile);
}

/**
 * `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`, `tls://9.9.9.9`, and with the name that the
 * certificate must bear `tls://9.9.9.9%dns.quad9.net:853`; over HTTPS `https://9.9.9.9/dns-query`. Throws UsageError.
 */
export function parseUpstream(text: string): UpstreamTarget {
  const { scheme, rest, path } = splitTarget(text);
  const { place, serverName } = scheme === 'dns' ? { place: rest } : splitServerName(rest);
  const bracketed = /^\[(.+)\](?::(\d+))?$/.exec(place);
  const plain = isAddress(place) ? [place, place] : /^([\d.]+):(\d+)$/.exec(place);
  const [, address = '', portText] = bracketed ?? plain ?? [];
  if (!isTransport(scheme) || !isAddress(address)) throw unusable(text);
  const port = portText === undefined ? ports[scheme] : Number(portText);
  if (port < 1 || port > 65_535) throw unusable(text);
  return { address, port, transport: scheme, ...(serverName && { serverName }), ...(path && { path }) };
}

/** Only over HTTPS there is a path. */
export function splitTarget(text: string): { scheme: string; rest: string; path?: string } {
  const [, scheme = 'dns', rest = ''] = /^(?:([a-z0-9]+):\/\/)?(.*)$/.exec(text) ?? [];
  const slash = scheme === 'https' ? rest.indexOf('/') : -1;
  return slash < 0 ? { scheme, rest } : { scheme, rest: rest.slice(0, slash), path: rest.slice(slash) };
}

/** CoreDNS has the name where an IPv6 address has its zone, in front of the port. */
function splitServerName(text: string): { place: string; serverName?: string } {
  const [, before, serverName, bracket = '', port = ''] = /^(\[?[^%]+)%([^%:\]]+)(\])?(:\d+)?$/.exec(text) ?? [];
  return serverName === undefined ? { place: text } : { place: `${before}${bracket}${port}`, serverName };
}

/** A path, and no address. */
export const namesFile = (text: string): boolean => text.includes('/') && !/^[a-z0-9]+:\/\//.test(text);

const unusable = (text: string) =>
  new UsageError(
    'Read upstream resolver',
    `${JSON.stringify(text)} is not an address with an optional port`,
    'Write 192.0.2.1, 192.0.2.1:5353, [2001:db8::1]:53 or tls://192.0.2.1%dns.example.com',
  );

const isAddress = (text: string): boolean => isIP(text) !== 0;

export const sameAddress = (one: SocketAddress, other: SocketAddress): boolean =>
  one.address === other.address && one.port === other.port;

export const socketAddressText = ({ address, port }: SocketAddress): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** As an option has it; tells apart what must not share connections or health. */
export const targetText = (target: UpstreamTarget): string =>
  `${target.transport === 'dns' ? '' : `${target.transport}://`}${socketAddressText(target)}${target.path ?? ''}${target.serverName ? ` (${target.serverName})` : ''}`;
