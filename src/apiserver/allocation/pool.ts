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

/** The first free one of `size` candidates, looked for from a random start; undefined when all are taken. */
export function pickFree<Candidate>(
  size: number,
  candidateAt: (index: number) => Candidate,
  isFree: (candidate: Candidate) => boolean,
  random: () => number,
): Candidate | undefined {
  const start = Math.floor(random() * size);
  for (let step = 0; step < size; step++) {
    const candidate = candidateAt((start + step) % size);
    if (isFree(candidate)) return candidate;
  }
  return undefined;
}
