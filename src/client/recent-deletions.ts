/** Beyond so many the oldest are forgotten: late events are late by moments. */
const rememberedDeletions = 1000;

/** The versions at which objects were deleted, by key. */
export class RecentDeletions {
  readonly #versions = new Map<string, string>();

  get(key: string): string | undefined {
    return this.#versions.get(key);
  }

  set(key: string, version: string): void {
    this.#versions.delete(key);
    this.#versions.set(key, version);
    if (this.#versions.size > rememberedDeletions) this.#versions.delete(this.#versions.keys().next().value!);
  }

  clear(): void {
    this.#versions.clear();
  }
}
