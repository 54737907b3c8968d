import ipaddr from 'ipaddr.js';
import { UsageError } from '../../base/errors.ts';
import { keyOf, labelsOf } from '../../wire/dns/mod.ts';
import { Apex, type ApexOptions } from './apex.ts';

/** A name under in-addr.arpa or ip6.arpa: digits of an address, from its first on, as far as the name goes. */
export interface ReverseName {
  readonly family: 'in-addr' | 'ip6';
  /** Octets, or nibbles. */
  readonly digits: readonly number[];
  /** The whole address, when there are enough digits and no more. */
  readonly address: Uint8Array | undefined;
}

const shapes = {
  'in-addr': { digits: 4, bits: 8, pattern: /^(?:0|[1-9]\d{0,2})$/, radix: 10 },
  ip6: { digits: 32, bits: 4, pattern: /^[\da-f]$/, radix: 16 },
} as const;

/** Undefined: not a name under the reverse trees, or not one of an address. */
export function parseReverseName(labels: readonly string[]): ReverseName | undefined {
  const family = labels.at(-2);
  if (labels.at(-1) !== 'arpa' || (family !== 'in-addr' && family !== 'ip6')) return undefined;
  const shape = shapes[family];
  const texts = labels.slice(0, -2).reverse();
  if (texts.length > shape.digits || !texts.every((text) => shape.pattern.test(text))) return undefined;
  const digits = texts.map((text) => Number.parseInt(text, shape.radix));
  if (digits.some((digit) => digit >= 1 << shape.bits)) return undefined;
  return { family, digits, address: digits.length === shape.digits ? addressOf(family, digits) : undefined };
}

function addressOf(family: ReverseName['family'], digits: readonly number[]): Uint8Array {
  if (family === 'in-addr') return Uint8Array.from(digits);
  return Uint8Array.from({ length: 16 }, (_, index) => (digits[2 * index]! << 4) | digits[2 * index + 1]!);
}

/** `1.0.96.10.in-addr.arpa`; `address` is 4 or 16 bytes. */
export const reverseName = (address: Uint8Array): string =>
  address.length === 4
    ? `${[...address].reverse().join('.')}.in-addr.arpa`
    : `${[...Buffer.from(address).toString('hex')].reverse().join('.')}.ip6.arpa`;

interface Range {
  readonly family: ReverseName['family'];
  readonly digits: readonly number[];
  readonly prefixBits: number;
  /** How many digits the zone's name has: a prefix within a digit makes several zones. */
  readonly zoneDigits: number;
}

/** The address ranges whose reverse names are ours: what we do not know in there is not there. */
export class ReverseZones {
  readonly #ranges: readonly Range[];
  readonly #apexes = new Map<string, Apex>();
  readonly #options: Omit<ApexOptions, 'zone'>;
  readonly #onlyZones: boolean;

  /**
   * `zones` are names such as `in-addr.arpa`; given, no other reverse name is answered. Throws UsageError for text that
   * is not a CIDR, or no name of a reverse zone.
   */
  constructor(cidrs: readonly string[], options: Omit<ApexOptions, 'zone'>, zones?: readonly string[]) {
    const ranges = [...cidrs.map(parseRange), ...(zones ?? []).map(zoneRange)];
    // The narrowest zone that holds a name is the one that it is in.
    this.#ranges = ranges.sort((one, other) => other.prefixBits - one.prefixBits);
    this.#options = options;
    this.#onlyZones = zones !== undefined;
  }

  /** Whether any name under the reverse trees is answered that somebody of the cluster has. */
  covers(name: ReverseName): boolean {
    return !this.#onlyZones || this.zoneOf(name) !== undefined;
  }

  /** The zone that holds this name, if it is one of ours. */
  zoneOf(name: ReverseName): Apex | undefined {
    const range = this.#ranges.find((candidate) => contains(candidate, name));
    return range && this.#apex(name.family, name.digits.slice(0, range.zoneDigits));
  }

  /** The zone of a name that exists outside of the configured ranges: the whole tree, as CoreDNS has it. */
  treeOf(name: ReverseName): Apex {
    return this.#apex(name.family, []);
  }

  #apex(family: ReverseName['family'], digits: readonly number[]): Apex {
    const { radix } = shapes[family];
    const zone = [...digits.map((digit) => digit.toString(radix)).reverse(), family, 'arpa'].join('.');
    const apex = this.#apexes.get(zone) ?? new Apex({ ...this.#options, zone });
    this.#apexes.set(zone, apex);
    return apex;
  }
}

function parseRange(cidr: string): Range {
  if (!ipaddr.isValidCIDR(cidr)) {
    throw new UsageError('Read reverse zones', `${JSON.stringify(cidr)} is not an address range such as 10.96.0.0/16`);
  }
  const [network, prefixBits] = ipaddr.parseCIDR(cidr);
  const family = network.kind() === 'ipv4' ? 'in-addr' : 'ip6';
  const bytes = network.toByteArray();
  const digits = family === 'in-addr' ? bytes : bytes.flatMap((byte) => [byte >> 4, byte & 0xf]);
  return { family, digits, prefixBits, zoneDigits: Math.ceil(prefixBits / shapes[family].bits) };
}

function zoneRange(zone: string): Range {
  const name = parseReverseName(labelsOf(keyOf(zone)));
  if (!name) {
    throw new UsageError('Read reverse zones', `${JSON.stringify(zone)} is not a name such as 96.10.in-addr.arpa`);
  }
  const { family, digits } = name;
  return { family, digits, prefixBits: digits.length * shapes[family].bits, zoneDigits: digits.length };
}

function contains(range: Range, name: ReverseName): boolean {
  if (range.family !== name.family || name.digits.length < range.zoneDigits) return false;
  const { bits } = shapes[range.family];
  for (let index = 0; index < range.zoneDigits; index++) {
    const looseBits = Math.max(0, bits * (index + 1) - range.prefixBits);
    if (name.digits[index]! >> looseBits !== range.digits[index]! >> looseBits) return false;
  }
  return true;
}
