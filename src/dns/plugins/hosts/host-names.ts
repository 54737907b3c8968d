import ipaddr from 'ipaddr.js';
import {
  addressRecord,
  encodeAddress,
  encodeName,
  keyOf,
  MalformedMessageError,
  nameKey,
  ptrRecord,
  recordTypes,
  wireOf,
} from '../../../wire/dns/mod.ts';
import { type RecordSets, reverseName, ZoneName } from '../../zone/mod.ts';
import { isWithinAny } from '../zones.ts';

interface HostNamesOptions {
  /** Keys; names elsewhere are passed over. */
  readonly zones: readonly string[];
  readonly ttlSeconds: number;
  /** Whether addresses have names too. */
  readonly reverse: boolean;
}

/** What hosts(5) files say, read line by line; a reader of one is made anew when its text changes. */
export class HostNames {
  readonly #options: HostNamesOptions;
  readonly #addresses = new Map<string, Uint8Array[]>();
  /** By the keys of reverse names. */
  readonly #hosts = new Map<string, string[]>();
  readonly #ready = new Map<string, ZoneName>();
  #entries = 0;

  /** Texts in the order in which their addresses are given out. */
  constructor(texts: readonly string[], options: HostNamesOptions) {
    this.#options = options;
    for (const text of texts) for (const line of text.split('\n')) this.#addLine(line);
  }

  /** As `coredns_hosts_entries` counts: addresses of names, and names of addresses. */
  get entries(): number {
    return this.#entries;
  }

  /** Undefined: no line names it. */
  name(key: string): ZoneName | undefined {
    const addresses = this.#addresses.get(key);
    return addresses && this.#make(key, () => this.#addressSets(key, addresses));
  }

  /** By the key of a name such as `1.0.0.10.in-addr.arpa`. */
  pointer(key: string): ZoneName | undefined {
    const hosts = this.#hosts.get(key);
    return hosts && this.#make(key, () => this.#pointerSets(key, hosts));
  }

  #addLine(line: string): void {
    const [addressText = '', ...names] = line.split('#', 1)[0]!.trim().split(/\s+/);
    // The zone of a link-local address means nothing to others.
    const address = encodeAddress(addressText.split('%', 1)[0]!);
    if (!address) return;
    for (const name of names) {
      const key = tryKey(name);
      if (key !== undefined && isWithinAny(key, this.#options.zones)) this.#add(unmapped(address), key);
    }
  }

  #add(address: Uint8Array, key: string): void {
    const addresses = this.#addresses.get(key) ?? [];
    if (!addresses.some((known) => Buffer.compare(known, address) === 0)) {
      addresses.push(address);
      this.#entries++;
    }
    this.#addresses.set(key, addresses);
    if (!this.#options.reverse) return;
    const reverse = keyOf(reverseName(address));
    const hosts = this.#hosts.get(reverse);
    this.#entries++;
    if (hosts) hosts.push(key);
    else this.#hosts.set(reverse, [key]);
  }

  #make(key: string, sets: () => RecordSets): ZoneName {
    const known = this.#ready.get(key) ?? new ZoneName(key, sets());
    this.#ready.set(key, known);
    return known;
  }

  #addressSets(key: string, addresses: readonly Uint8Array[]): RecordSets {
    const records = addresses.map((address) => addressRecord(wireOf(key), address, this.#options.ttlSeconds));
    const ofType = (type: number) => () => ({ answers: records.filter((record) => record.type === type) });
    return new Map([
      [recordTypes.A, ofType(recordTypes.A)],
      [recordTypes.AAAA, ofType(recordTypes.AAAA)],
    ]);
  }

  #pointerSets(key: string, hosts: readonly string[]): RecordSets {
    const records = () =>
      [...new Set(hosts)].map((host) => ptrRecord(wireOf(key), wireOf(host), this.#options.ttlSeconds));
    return new Map([[recordTypes.PTR, () => ({ answers: records() })]]);
  }
}

function tryKey(name: string): string | undefined {
  try {
    return nameKey(encodeName(name));
  } catch (error) {
    if (error instanceof MalformedMessageError) return undefined;
    throw error;
  }
}

/** `::ffff:10.0.0.1` is an IPv4 address, however it is written. */
function unmapped(address: Uint8Array): Uint8Array {
  if (address.length === 4) return address;
  return Uint8Array.from(ipaddr.process(ipaddr.fromByteArray([...address]).toString()).toByteArray());
}
