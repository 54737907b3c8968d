/** How many users something has that exists once for all of them. */
export class UseCounts<Key> {
  readonly #counts = new Map<Key, number>();
  /** Keys that were touched since the last `settle`, with their count then. */
  readonly #before = new Map<Key, number>();

  use(key: Key, by: 1 | -1): void {
    const count = this.#counts.get(key) ?? 0;
    if (!this.#before.has(key)) this.#before.set(key, count);
    if (count + by === 0) this.#counts.delete(key);
    else this.#counts.set(key, count + by);
  }

  keys(): IterableIterator<Key> {
    return this.#counts.keys();
  }

  /** What has come into use and gone out of it since the last call. */
  settle(): { appeared: Key[]; vanished: Key[] } {
    const appeared: Key[] = [];
    const vanished: Key[] = [];
    for (const [key, before] of this.#before) {
      const isUsed = this.#counts.has(key);
      if (isUsed && before === 0) appeared.push(key);
      if (!isUsed && before > 0) vanished.push(key);
    }
    this.#before.clear();
    return { appeared, vanished };
  }
}
