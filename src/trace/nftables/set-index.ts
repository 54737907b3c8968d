import type { Element } from '../../wire/nftables/mod.ts';
import { UnevaluableError } from '../errors.ts';
import type { Memory } from '../memory.ts';
import type { NftSet } from './table.ts';

/** A set's elements, found by key, with what packets have put in and taken out since. */
export class SetIndex {
  readonly keyLength: number;
  readonly #set: NftSet;
  /** What the memory calls it. */
  readonly #name: string;
  /** Made when the first packet looks into the set. */
  #byKey: Map<string, Element> | undefined;

  constructor(table: string, set: NftSet) {
    this.keyLength = set.definition.keyLength;
    this.#name = `${table} ${set.definition.name}`;
    this.#set = set;
  }

  /** Throws UnevaluableError for a set of ranges. */
  find(key: Uint8Array, memory: Memory): Element | undefined {
    if (this.#set.holdsRanges) throw new UnevaluableError(`set ${this.#name} holds ranges`);
    this.#byKey ??= new Map([...this.#set.elements].map((element) => [hexOf(element.key), element]));
    const since = memory.get(this.#name, hexOf(key));
    if (since === 'delete') return undefined;
    return this.#byKey.get(hexOf(key)) ?? (since === 'update' ? { key: Buffer.from(key) } : undefined);
  }

  change(key: Uint8Array, operation: 'update' | 'delete', memory: Memory): void {
    memory.set(this.#name, hexOf(key), operation);
  }
}

export const hexOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
