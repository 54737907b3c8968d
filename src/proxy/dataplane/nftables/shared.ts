import type { Endpoint, Frontend } from '../../plan/mod.ts';
import { addressElement, type PlacedElement } from './elements.ts';
import { type Shape, shapeOf } from './shape.ts';
import { UseCounts } from './use-counts.ts';

const addressSets = ['cluster-ips', 'external-ips', 'hairpins'] as const;
type AddressSet = (typeof addressSets)[number];

/** What several ports need and the kernel has once: whoever is the first or the last makes it come or go. */
export class Shared {
  readonly #addresses: Readonly<Record<AddressSet, UseCounts<string>>> = {
    'cluster-ips': new UseCounts(),
    'external-ips': new UseCounts(),
    hairpins: new UseCounts(),
  };
  /** Elements of each set that exists only with some. */
  readonly #dynamicSets = new UseCounts<string>();
  #shape: Shape | undefined;

  useFrontend({ kind, address }: Frontend, by: 1 | -1): void {
    if (address === undefined) return;
    this.#addresses[kind === 'cluster-ip' ? 'cluster-ips' : 'external-ips'].use(address, by);
  }

  useEndpoint({ address, local }: Endpoint, by: 1 | -1): void {
    if (local) this.#addresses.hairpins.use(address, by);
  }

  useElement({ set }: PlacedElement, by: 1 | -1): void {
    if (isDynamic(set)) this.#dynamicSets.use(set, by);
  }

  /** As it was when last settled. */
  get shape(): Shape {
    this.#shape ??= shapeOf(this.#dynamicSets.keys());
    return this.#shape;
  }

  /** Elements of addresses that came into use and went out of it since the last call, and whether the shape is another. */
  settle(): { appeared: PlacedElement[]; vanished: PlacedElement[]; isReshaped: boolean } {
    const appeared: PlacedElement[] = [];
    const vanished: PlacedElement[] = [];
    for (const set of addressSets) {
      const changes = this.#addresses[set].settle();
      for (const address of changes.appeared) appeared.push(addressElement(set, address));
      for (const address of changes.vanished) vanished.push(addressElement(set, address));
    }
    const sets = this.#dynamicSets.settle();
    const isReshaped = sets.appeared.length + sets.vanished.length > 0;
    if (isReshaped) this.#shape = undefined;
    return { appeared, vanished, isReshaped };
  }
}

/** A number that is not 0 at the end: `DynamicSet`. */
const isDynamic = (set: string): boolean => /-[1-9]\d*$/.test(set) || set === 'sources-0';
