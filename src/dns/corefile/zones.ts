import ipaddr from 'ipaddr.js';
import { mistake, suggestion } from './mistake.ts';
import type { Token } from './token.ts';

/** One zone of a server block and the port on which it is served. */
export interface ServerKey {
  /** In lower case, without the final dot; `.` is the root. */
  readonly zone: string;
  readonly port: number;
}

const otherTransports = ['tls', 'https', 'https3', 'grpc', 'quic'];

/** `.:53`, `dns://example.org`, `10.0.0.0/20:5353`, of which the last is sixteen zones. Throws UsageError. */
export function readServerKey(token: Token, defaultPort: number): ServerKey[] {
  const [, transport, rest = ''] = /^(?:([a-z0-9]+):\/\/)?(.*)$/i.exec(token.text) ?? [];
  if (transport !== undefined && transport !== 'dns') {
    const known = otherTransports.includes(transport);
    const state = known ? 'only plain DNS is served here' : `no such transport${suggestion(transport, ['dns'])}`;
    throw mistake(token, `${token.text}: ${state}`);
  }
  const [, zone = '', portText] = /^(.*?)(?::(\d+))?$/.exec(rest) ?? [];
  const port = portText === undefined ? defaultPort : Number(portText);
  if (port > 65_535) throw mistake(token, `${portText} is not a port`);
  return readZone({ ...token, text: zone === '' ? '.' : zone }).map((name) => ({ zone: name, port }));
}

/** A name, or an address range that becomes the zones of its reverse names. Throws UsageError. */
export function readZone(token: Token): string[] {
  const { text } = token;
  if (text.includes('/')) {
    if (!ipaddr.isValidCIDR(text)) throw mistake(token, `${JSON.stringify(text)} is not an address range`);
    return reverseZones(text);
  }
  const name = text.toLowerCase().replace(/\.$/, '');
  if (name === '' && text === '.') return ['.'];
  if (name.length > 253 || !name.split('.').every((label) => /^[^\s.{}()"]{1,63}$/.test(label))) {
    throw mistake(token, `${JSON.stringify(text)} is not a zone such as example.org or 10.0.0.0/24`);
  }
  return [name];
}

export const readZones = (tokens: readonly Token[]): string[] => tokens.flatMap(readZone);

/** The zones under in-addr.arpa or ip6.arpa that hold a range; several when its prefix ends within a digit. */
function reverseZones(cidr: string): string[] {
  const [network, prefixBits] = ipaddr.parseCIDR(cidr);
  const isIpv4 = network.kind() === 'ipv4';
  const bytes = network.toByteArray();
  const digits = isIpv4 ? bytes : bytes.flatMap((byte) => [byte >> 4, byte & 0xf]);
  const bits = isIpv4 ? 8 : 4;
  const count = Math.ceil(prefixBits / bits);
  const looseBits = count * bits - prefixBits;
  const tree = isIpv4 ? 'in-addr.arpa' : 'ip6.arpa';
  const fixed = digits.slice(0, count);
  if (fixed.length === 0) return [tree];
  const first = (fixed.pop()! >> looseBits) << looseBits;
  return Array.from({ length: 1 << looseBits }, (_, index) =>
    [...fixed, first + index]
      .map((digit) => digit.toString(isIpv4 ? 10 : 16))
      .reverse()
      .concat(tree)
      .join('.'),
  );
}
