import ipaddr from 'ipaddr.js';
import type { Dns64Options } from '../../plugins/dns64.ts';
import type { Words } from '../directive.ts';
import { mistake } from '../mistake.ts';
import type { Token } from '../token.ts';

type Prefix = Pick<Dns64Options, 'prefix' | 'prefixBits'>;

/** RFC 6052 section 2.1: the well-known prefix. */
const wellKnown = '64:ff9b::/96';
const prefixLengths = [32, 40, 48, 56, 64, 96];

/** https://coredns.io/plugins/dns64/ */
export function readDns64(words: Words): Omit<Dns64Options, 'onTranslated'> {
  let prefix = words.hasMore ? readPrefix(words.next('a prefix')) : parsePrefix(wellKnown)!;
  let translateAll = false;
  let allowIPv4 = false;
  words.end({ withBlock: true });
  words.properties({
    prefix: (property) => {
      prefix = readPrefix(property.next('a prefix'));
    },
    translate_all: () => {
      translateAll = true;
    },
    allow_ipv4: () => {
      allowIPv4 = true;
    },
  });
  return { ...prefix, translateAll, allowIPv4 };
}

function readPrefix(token: Token): Prefix {
  const prefix = parsePrefix(token.text);
  if (prefix) return prefix;
  const lengths = prefixLengths.join(', ');
  throw mistake(token, `${JSON.stringify(token.text)} is not an IPv6 prefix of ${lengths} bits, such as ${wellKnown}`);
}

function parsePrefix(text: string): Prefix | undefined {
  if (!ipaddr.isValidCIDR(text)) return undefined;
  const [address, prefixBits] = ipaddr.parseCIDR(text);
  if (address.kind() !== 'ipv6' || !prefixLengths.includes(prefixBits)) return undefined;
  return { prefix: Uint8Array.from(address.toByteArray()), prefixBits };
}
