import type { Element, NftBatch } from '../../../wire/nftables/mod.ts';
import { formatElement, type PlacedElement } from './elements.ts';
import type { SetName } from './layout.ts';

/** Elements to take out and to put in, set by set. Writing new data to a key takes both. */
export class ElementDelta {
  readonly #sets = new Map<SetName, { removed: Element[]; added: Element[] }>();

  remove({ set, element }: PlacedElement): void {
    this.#of(set).removed.push(element);
  }

  add({ set, element }: PlacedElement): void {
    this.#of(set).added.push(element);
  }

  /** Removals come first, so that a key may change hands within one batch. */
  write(batch: NftBatch): void {
    for (const [set, { removed, added }] of this.#sets) {
      const describe = (element: Element) => formatElement(set, element);
      batch.deleteElements(set, removed, describe);
      batch.addElements(set, added, describe);
    }
  }

  #of(set: SetName): { removed: Element[]; added: Element[] } {
    const lists = this.#sets.get(set) ?? { removed: [], added: [] };
    this.#sets.set(set, lists);
    return lists;
  }
}
