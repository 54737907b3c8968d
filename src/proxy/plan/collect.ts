import type { EndpointSlice, ServicePort } from '../../kube/mod.ts';
import {
  belongsToOtherFamily,
  better,
  type Candidate,
  type Candidates,
  candidatesIn,
  type SliceCandidates,
} from './candidates.ts';
import type { NodeFacts } from './model.ts';

/** Gathers all candidates of a Service port out of its slices. */
export type Collect = (
  service: string,
  slices: readonly EndpointSlice[],
  port: ServicePort,
  node: NodeFacts,
) => Candidates;

export const collect: Collect = (_service, slices, port, node) => {
  const collection = new Collection();
  for (const slice of slices) {
    if (!belongsToOtherFamily(slice, node)) collection.add(slice, candidatesIn(slice, port, node));
  }
  return collection.candidates();
};

/** Endpoints of a Service. What is kept takes memory, and fewer are read anew in some hundred microseconds. */
const defaultWorthKeeping = 1000;

/**
 * Remembers large collections, so that the change of one slice of a hundred costs that slice. For one family of one node:
 * its name must stay the same.
 */
export class Collector {
  readonly #worthKeeping: number;
  readonly #kept = new Map<string, Map<string, Collection>>();

  constructor(worthKeeping = defaultWorthKeeping) {
    this.#worthKeeping = worthKeeping;
  }

  readonly collect: Collect = (service, slices, port, node) => {
    const own = slices.filter((slice) => !belongsToOtherFamily(slice, node));
    const size = own.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
    if (size < this.#worthKeeping) {
      this.#kept.delete(service);
      return collect(service, own, port, node);
    }
    const byPort = this.#kept.get(service) ?? new Map<string, Collection>();
    const key = `${port.name ?? ''}/${port.protocol}`;
    const read = (slice: EndpointSlice) => candidatesIn(slice, port, node);
    const known = byPort.get(key);
    const collection = known?.follow(own, read) ? known : new Collection();
    if (collection !== known) for (const slice of own) collection.add(slice, read(slice));
    this.#kept.set(service, byPort.set(key, collection));
    return collection.candidates();
  };

  /** The Service is gone. */
  forget(service: string): void {
    this.#kept.delete(service);
  }
}

class Collection {
  readonly #slices = new Map<EndpointSlice, SliceCandidates>();
  readonly #known = new Map<string, Candidate>();
  /** Keys that more than one slice has had: what is left of them when one goes cannot be told without reading the others. */
  readonly #shared = new Set<string>();

  add(slice: EndpointSlice, found: SliceCandidates): void {
    this.#slices.set(slice, found);
    for (const [key, candidate] of found.byKey) {
      const other = this.#known.get(key);
      if (other) this.#shared.add(key);
      this.#known.set(key, other ? better(candidate, other) : candidate);
    }
  }

  /** Slices are never changed in place, only replaced. False: it has to be made anew. */
  follow(slices: readonly EndpointSlice[], read: (slice: EndpointSlice) => SliceCandidates): boolean {
    const staying = new Set(slices);
    const gone = [...this.#slices].filter(([slice]) => !staying.has(slice));
    if (gone.some(([, { byKey }]) => byKey.some(([key]) => this.#shared.has(key)))) return false;
    for (const [slice, { byKey }] of gone) {
      this.#slices.delete(slice);
      for (const [key] of byKey) this.#known.delete(key);
    }
    for (const slice of slices) if (!this.#slices.has(slice)) this.add(slice, read(slice));
    return true;
  }

  candidates(): Candidates {
    const leftOut = [...this.#slices.values()].flatMap((one) => one.leftOut);
    return { list: [...this.#known.values()], leftOut };
  }
}
