/**
 * What rules have remembered of earlier packets: entries of dynamic sets and of iptables' recent lists, by the list's name
 * and a key. Nothing here ages: a trace asks what happens at one moment.
 */
export class Memory {
  readonly #lists: Map<string, Map<string, string>>;

  constructor(lists: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map()) {
    this.#lists = new Map([...lists].map(([name, list]) => [name, new Map(list)]));
  }

  get(list: string, key: string): string | undefined {
    return this.#lists.get(list)?.get(key);
  }

  set(list: string, key: string, value: string): void {
    const entries = this.#lists.get(list) ?? new Map<string, string>();
    this.#lists.set(list, entries.set(key, value));
  }

  delete(list: string, key: string): void {
    this.#lists.get(list)?.delete(key);
  }

  copy(): Memory {
    return new Memory(this.#lists);
  }

  /** Equal memories have equal texts. */
  toString(): string {
    const lists = [...this.#lists].map(([name, list]) => `${name} {${[...list].map(String).sort().join('; ')}}`);
    return lists.sort().join(' ');
  }
}
