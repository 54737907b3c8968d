import { apiVersionOf, IPAddress, type KubeInput, type KubeObject, type Service } from '../../kube/mod.ts';
import type { Entry, StoreEvent } from '../../store/port.ts';
import type { FeedReader } from '../cache/feed.ts';
import type { ResourceCache } from '../cache/resource-cache.ts';
import { encodeStored } from '../cache/version.ts';
import { stampNew } from '../registry/metadata.ts';
import { familyOf } from './address-range.ts';

/**
 * Which keys of one folder of the store are taken. The store alone decides who gets a key (a commit that creates it
 * twice fails); memory is how a free one is found without asking it.
 */
export abstract class Pool {
  readonly prefix: string;
  /** Chosen for commits under way, so that two at a time do not choose alike. */
  readonly #reserved = new Set<string>();

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  abstract entry(name: string): Pick<Entry, 'key' | 'modRevision'> | undefined;

  isFree(name: string): boolean {
    return !this.entry(name) && !this.#reserved.has(name);
  }

  reserve(name: string): void {
    this.#reserved.add(name);
  }

  release(name: string): void {
    this.#reserved.delete(name);
  }
}

/** Node ports: keys that nobody sees, each with who has it. */
export class PortPool extends Pool implements FeedReader {
  readonly #taken = new Map<string, Entry>();

  load(entries: readonly Entry[]): void {
    for (const entry of entries) this.#taken.set(entry.key, entry);
  }

  apply({ key, entry }: StoreEvent): void {
    if (entry) this.#taken.set(key, entry);
    else this.#taken.delete(key);
  }

  entry(name: string): Entry | undefined {
    return this.#taken.get(this.prefix + name);
  }

  /** As `tcp/30080`. */
  *names(): Generator<string> {
    for (const key of this.#taken.keys()) yield key.slice(this.prefix.length);
  }
}

/** Addresses of Services: each is an IPAddress object (KEP-1880). */
export class AddressPool extends Pool {
  readonly #cache: ResourceCache;

  constructor(cache: ResourceCache) {
    super(cache.prefix);
    this.#cache = cache;
  }

  entry(name: string): Pick<Entry, 'key' | 'modRevision'> | undefined {
    const version = this.#cache.get(this.prefix + name);
    return version && { key: version.key, modRevision: version.revision };
  }

  /** Those that Services hold; others may have made some for purposes of their own. */
  *ours(): Generator<IPAddress> {
    for (const { object } of this.#cache.list(this.prefix)) {
      const address = object as IPAddress;
      if (address.metadata.labels?.[managedByLabel] === manager) yield address;
    }
  }
}

const managedByLabel = 'ipaddress.kubernetes.io/managed-by';
const manager = 'ipallocator.k8s.io';

/** What says that a Service has an address; for the store. */
export function addressObject(address: string, { metadata: { namespace, name } }: Service, nowMs: number): string {
  const labels = { 'ipaddress.kubernetes.io/ip-family': familyOf(address), [managedByLabel]: manager };
  const object: KubeInput & { spec: IPAddress['spec'] } = {
    apiVersion: apiVersionOf(IPAddress),
    kind: IPAddress.kind,
    metadata: { name: address, labels },
    spec: { parentRef: { group: '', resource: 'services', namespace: namespace!, name } },
  };
  stampNew(object as KubeObject, IPAddress, undefined, nowMs);
  return encodeStored(object as KubeObject);
}

/** So much of the bottom of a range is left to those who choose for themselves, as long as there is room above. */
export interface StaticBand {
  readonly divisor: number;
  readonly least: number;
  readonly most: number;
}

/** KEP-3070, "min(max(16, size/16), 256)", and KEP-3668, "min(max(16, size/32), 128)"; nothing of a range of 16. */
export const addressBand: StaticBand = { divisor: 16, least: 16, most: 256 };
export const portBand: StaticBand = { divisor: 32, least: 16, most: 128 };

export const staticCount = (size: number, { divisor, least, most }: StaticBand): number =>
  size <= least ? 0 : Math.min(Math.max(least, Math.floor(size / divisor)), most);

/**
 * A free one of `size` candidates, looked for from a random start in the dynamic band, then in the static one; undefined
 * when all are taken.
 */
export function pickFree<Candidate>(
  size: number,
  band: StaticBand,
  candidateAt: (index: number) => Candidate,
  isFree: (candidate: Candidate) => boolean,
  random: () => number,
): Candidate | undefined {
  const below = staticCount(size, band);
  return pickBetween(below, size) ?? pickBetween(0, below);

  function pickBetween(first: number, end: number): Candidate | undefined {
    const count = end - first;
    const start = Math.floor(random() * count);
    for (let step = 0; step < count; step++) {
      const candidate = candidateAt(first + ((start + step) % count));
      if (isFree(candidate)) return candidate;
    }
    return undefined;
  }
}
