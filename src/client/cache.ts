import type { KubeObject } from '../kube/port.ts';

/** The values under which an object is found by one index; none: not at all. */
export type IndexFunction<S> = (object: S) => readonly string[];
export type Indexes<S> = Readonly<Record<string, IndexFunction<S>>>;

/** Objects of one kind by key and by the values of index functions. */
export class ObjectCache<S extends KubeObject> {
  readonly #objects = new Map<string, S>();
  readonly #indexes: {
    readonly name: string;
    readonly of: IndexFunction<S>;
    readonly keys: Map<string, Set<string>>;
  }[];

  constructor(indexes: Indexes<S>) {
    this.#indexes = Object.entries(indexes).map(([name, of]) => ({ name, of, keys: new Map() }));
  }

  get(key: string): S | undefined {
    return this.#objects.get(key);
  }

  /** Returns what was there before. */
  set(key: string, object: S): S | undefined {
    const before = this.delete(key);
    this.#objects.set(key, object);
    for (const { of, keys } of this.#indexes) {
      for (const value of of(object)) {
        const found = keys.get(value);
        if (found) found.add(key);
        else keys.set(value, new Set([key]));
      }
    }
    return before;
  }

  delete(key: string): S | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    this.#objects.delete(key);
    for (const { of, keys } of this.#indexes) {
      for (const value of of(before)) {
        const found = keys.get(value);
        found?.delete(key);
        if (found?.size === 0) keys.delete(value);
      }
    }
    return before;
  }

  *byIndex(index: string, value: string): Generator<S> {
    const found = this.#indexes.find(({ name }) => name === index);
    if (!found) throw new RangeError(`There is no index named ${index}`);
    for (const key of found.keys.get(value) ?? []) yield this.#objects.get(key)!;
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  values(): IterableIterator<S> {
    return this.#objects.values();
  }

  get size(): number {
    return this.#objects.size;
  }
}
