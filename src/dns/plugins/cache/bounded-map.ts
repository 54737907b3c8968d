/** More used entries than this in a row are not spared: an eviction stays a matter of a few steps. */
const sparedAtMost = 8;

/**
 * At most `capacity` entries. The oldest goes first, unless it was used since it was last looked at: then it is spared
 * once and counts as new. So a flood of names that are asked for once passes by those that are asked for again.
 */
export class BoundedMap<V extends { used: boolean }> {
  readonly #capacity: number;
  readonly #entries = new Map<string, V>();
  readonly #onEvicted: () => void;

  constructor(capacity: number, onEvicted: () => void) {
    this.#capacity = capacity;
    this.#onEvicted = onEvicted;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    if (this.#entries.size >= this.#capacity) this.#evict();
    this.#entries.set(key, value);
  }

  #evict(): void {
    let spared = 0;
    for (const [key, entry] of this.#entries) {
      this.#entries.delete(key);
      if (!entry.used || ++spared > sparedAtMost) break;
      entry.used = false;
      this.#entries.set(key, entry);
    }
    this.#onEvicted();
  }
}
