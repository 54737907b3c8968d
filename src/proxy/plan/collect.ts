import type { EndpointSlice, ServicePort } from '../../kube/mod.ts';
import {
  belongsToOtherFamily,
  better,
  type Candidate,
  type Candidates,
  candidatesIn,
  type SliceCandidates,
} from './candidates.ts';
import type { LeftOut, NodeFacts } from './model.ts';

/** Gathers all candidates of a Service port out of its slices. */
export type Collect = (
  service: string,
  slices: readonly EndpointSlice[],
  port: ServicePort,
  node: NodeFacts,
) => Candidates;

export const collect: Collect = (_service, slices, port, node) => {
  const known = new Map<string, Candidate>();
  const leftOut: LeftOut[] = [];
  for (const slice of slices) {
    if (belongsToOtherFamily(slice, node)) continue;
    const found = candidatesIn(slice, port, node);
    leftOut.push(...found.leftOut);
    for (const [key, candidate] of found.byKey) {
      const other = known.get(key);
      known.set(key, other ? better(candidate, other) : candidate);
    }
  }
  return { list: [...known.values()], leftOut };
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
    if (collection !== known) collection.follow(own, read);
    this.#kept.set(service, byPort.set(key, collection));
    return collection.candidates();
  };

  /** The Service is gone. */
  forget(service: string): void {
    this.#kept.delete(service);
  }
}

/**
 * The candidates of all slices, in an order that changes as little as the slices do: a newcomer takes the place of one
 * that went. So whoever compares two lists finds nearly all of them in their places.
 */
class Collection {
  readonly #slices = new Map<EndpointSlice, SliceCandidates>();
  readonly #list: Candidate[] = [];
  readonly #keys: string[] = [];
  readonly #places = new Map<string, number>();
  /** Keys that more than one slice has had: what is left of them when one goes cannot be told without reading the others. */
  readonly #shared = new Set<string>();

  /** Slices are never changed in place, only replaced. False: it has to be made anew. */
  follow(slices: readonly EndpointSlice[], read: (slice: EndpointSlice) => SliceCandidates): boolean {
    const staying = new Set(slices);
    const gone = [...this.#slices].filter(([slice]) => !staying.has(slice));
    if (gone.some(([, { byKey }]) => byKey.some(([key]) => this.#shared.has(key)))) return false;
    const free = new Map<string, number>();
    for (const [slice, { byKey }] of gone) {
      this.#slices.delete(slice);
      for (const [key] of byKey) this.#leave(key, free);
    }
    const newcomers: SliceCandidates['byKey'][number][] = [];
    for (const slice of slices) {
      if (this.#slices.has(slice)) continue;
      const found = read(slice);
      this.#slices.set(slice, found);
      for (const [key, candidate] of found.byKey) {
        if (!this.#comeBack(key, candidate, free)) newcomers.push([key, candidate]);
      }
    }
    const holes = [...free.values()].sort((a, b) => b - a);
    for (const [key, candidate] of newcomers) this.#come(key, candidate, holes);
    for (const hole of holes) this.#fillWithLast(hole);
    return true;
  }

  /** As they are until slices are followed again. */
  candidates(): Candidates {
    const leftOut = [...this.#slices.values()].flatMap((one) => one.leftOut);
    return { list: this.#list, leftOut };
  }

  /** Also where one slice has an endpoint twice: then it has left already. */
  #leave(key: string, free: Map<string, number>): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    free.set(key, place);
    this.#places.delete(key);
  }

  #comeBack(key: string, candidate: Candidate, free: Map<string, number>): boolean {
    const place = free.get(key);
    if (place === undefined) return false;
    free.delete(key);
    this.#sit(key, candidate, place);
    return true;
  }

  #come(key: string, candidate: Candidate, holes: number[]): void {
    const place = this.#places.get(key);
    if (place === undefined) this.#sit(key, candidate, holes.pop() ?? this.#list.length);
    else {
      this.#shared.add(key);
      this.#list[place] = better(candidate, this.#list[place]!);
    }
  }

  #sit(key: string, candidate: Candidate, place: number): void {
    this.#list[place] = candidate;
    this.#keys[place] = key;
    this.#places.set(key, place);
  }

  /** From the highest hole down: everything behind it is seated. */
  #fillWithLast(hole: number): void {
    const [key, candidate] = [this.#keys.pop()!, this.#list.pop()!];
    if (hole < this.#list.length) this.#sit(key, candidate, hole);
  }
}
