import type { Element, NftBatch } from '../../../wire/nftables/mod.ts';
import { formatElement, type PlacedElement } from './elements.ts';
import type { FamilyFacts } from './family.ts';

/** Elements to take out and to put in, set by set. Writing new data to a key takes both. */
export class ElementDelta {
  readonly #sets = new Map<string, { removed: Element[]; added: Element[] }>();

  remove(set: string, element: Element): void {
    this.#of(set).removed.push(element);
  }

  add(set: string, element: Element): void {
    this.#of(set).added.push(element);
  }

  addAll(elements: Iterable<PlacedElement>): void {
    for (const { set, element } of elements) this.add(set, element);
  }

  removeAll(elements: Iterable<PlacedElement>): void {
    for (const { set, element } of elements) this.remove(set, element);
  }

  /** Removals come first, so that a key may change hands within one batch. */
  write(batch: NftBatch, family: FamilyFacts): void {
    for (const [set, { removed, added }] of this.#sets) {
      const describe = (element: Element) => formatElement(family, set, element);
      batch.deleteElements(set, removed, describe);
      batch.addElements(set, added, describe);
    }
  }

  #of(set: string): { removed: Element[]; added: Element[] } {
    const lists = this.#sets.get(set) ?? { removed: [], added: [] };
    this.#sets.set(set, lists);
    return lists;
  }
}
