/** Above this many keys a chunk is halved: small enough that an insert moves little, large enough that chunks are few. */
const chunkLimit = 512;

interface Chunk<Value> {
  readonly keys: string[];
  readonly values: Value[];
}

interface Position {
  readonly chunk: number;
  readonly index: number;
}

export interface Slice<Value> {
  readonly values: Value[];
  /** How many more keys have the prefix behind the last value. */
  readonly remaining: number;
}

/**
 * A map whose keys stay in order (by UTF-16 code unit): a list of sorted chunks, a B-tree of two levels. Finding is
 * O(log n); inserting moves one chunk, and now and then the list of chunks (400 of them at 100,000 keys).
 */
export class SortedMap<Value> {
  readonly #chunks: Chunk<Value>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): Value | undefined {
    const at = this.#seek((other) => other >= key);
    const chunk = this.#chunks[at.chunk];
    return chunk?.keys[at.index] === key ? chunk.values[at.index] : undefined;
  }

  set(key: string, value: Value): void {
    const at = this.#seek((other) => other >= key);
    const found = this.#chunks[at.chunk];
    if (found?.keys[at.index] === key) {
      found.values[at.index] = value;
      return;
    }
    this.#size++;
    // Behind the last key, the new one goes at the end of the last chunk instead of opening another.
    const last = this.#chunks.length - 1;
    const chunk = found ?? this.#chunks[last];
    if (!chunk) {
      this.#chunks.push({ keys: [key], values: [value] });
      return;
    }
    const index = found ? at.index : chunk.keys.length;
    chunk.keys.splice(index, 0, key);
    chunk.values.splice(index, 0, value);
    if (chunk.keys.length > chunkLimit) this.#halve(found ? at.chunk : last);
  }

  delete(key: string): void {
    const at = this.#seek((other) => other >= key);
    const chunk = this.#chunks[at.chunk];
    if (chunk?.keys[at.index] !== key) return;
    this.#size--;
    chunk.keys.splice(at.index, 1);
    chunk.values.splice(at.index, 1);
    if (chunk.keys.length === 0) this.#chunks.splice(at.chunk, 1);
  }

  /** The values, in order, of at most `limit` keys that begin with `prefix` and come behind `after`. */
  slice(prefix: string, after = '', limit = Number.POSITIVE_INFINITY): Slice<Value> {
    const start = this.#seek((key) => key >= prefix && (after === '' || key > after));
    const end = this.#seek((key) => key > prefix && !key.startsWith(prefix) && key > after);
    const count = this.#distance(start, end);
    const values = this.#take(start, Math.min(count, limit));
    return { values, remaining: count - values.length };
  }

  /** The first key for which `isAtOrBehind` holds; it must hold for every key behind that one as well. */
  #seek(isAtOrBehind: (key: string) => boolean): Position {
    const chunk = firstIndex(this.#chunks.length, (i) => isAtOrBehind(this.#chunks[i]!.keys.at(-1)!));
    const keys = this.#chunks[chunk]?.keys ?? [];
    return { chunk, index: firstIndex(keys.length, (i) => isAtOrBehind(keys[i]!)) };
  }

  #distance(start: Position, end: Position): number {
    let count = end.index - start.index;
    for (let chunk = start.chunk; chunk < end.chunk; chunk++) count += this.#chunks[chunk]!.keys.length;
    return count;
  }

  #take(start: Position, count: number): Value[] {
    const values: Value[] = [];
    let { chunk, index } = start;
    while (values.length < count) {
      const source = this.#chunks[chunk]!.values;
      const end = Math.min(source.length, index + count - values.length);
      for (; index < end; index++) values.push(source[index]!);
      chunk++;
      index = 0;
    }
    return values;
  }

  #halve(at: number): void {
    const { keys, values } = this.#chunks[at]!;
    const middle = keys.length >> 1;
    this.#chunks.splice(at + 1, 0, { keys: keys.splice(middle), values: values.splice(middle) });
  }
}

/** The smallest index below `count` for which the monotone `test` holds, or `count`. */
export function firstIndex(count: number, test: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
