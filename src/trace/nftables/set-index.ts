import type { Element } from '../../wire/nftables/mod.ts';
import type { NftSet } from './table.ts';

/** A set's elements, found by key. Made when the first packet looks into it. */
export class SetIndex {
  readonly keyLength: number;
  readonly #set: NftSet;
  #byKey: Map<string, Element> | undefined;

  constructor(set: NftSet) {
    this.keyLength = set.definition.keyLength;
    this.#set = set;
  }

  find(key: Uint8Array): Element | undefined {
    this.#byKey ??= new Map([...this.#set.elements].map((element) => [hexOf(element.key), element]));
    return this.#byKey.get(hexOf(key));
  }
}

export const hexOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
