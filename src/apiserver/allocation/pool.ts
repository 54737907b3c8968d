import type { Entry, StoreEvent } from '../../store/port.ts';
import type { FeedReader } from '../cache/feed.ts';

/**
 * Which keys of one folder of the store are taken. The store alone decides who gets a key (a commit that creates it
 * twice fails); this copy is how a free one is found without asking it.
 */
export class Pool implements FeedReader {
  readonly prefix: string;
  readonly #taken = new Map<string, Entry>();
  /** Chosen for commits under way, so that two at a time do not choose alike. */
  readonly #reserved = new Set<string>();

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  load(entries: readonly Entry[]): void {
    for (const entry of entries) this.#taken.set(entry.key, entry);
  }

  apply({ key, entry }: StoreEvent): void {
    if (entry) this.#taken.set(key, entry);
    else this.#taken.delete(key);
  }

  get takenCount(): number {
    return this.#taken.size;
  }

  entry(name: string): Entry | undefined {
    return this.#taken.get(this.prefix + name);
  }

  isFree(name: string): boolean {
    return !this.#taken.has(this.prefix + name) && !this.#reserved.has(name);
  }

  reserve(name: string): void {
    this.#reserved.add(name);
  }

  release(name: string): void {
    this.#reserved.delete(name);
  }
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
