import type { Change, Informer } from '../../client/port.ts';
import type { EndpointSlice, Service } from '../../kube/mod.ts';
import { serviceNameLabel } from '../plan/mod.ts';

/**
 * Coalesces events into the set of Services that they touch, and knows which slices belong to which Service, whichever
 * came first. `onTouched` is called when the set turns from empty to not.
 */
export class Tracker {
  readonly #services: Informer<Service>;
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  readonly #onTouched: () => void;
  #touched = new Set<string>();

  constructor(services: Informer<Service>, slices: Informer<EndpointSlice>, onTouched: () => void) {
    this.#services = services;
    this.#onTouched = onTouched;
    services.onChange(({ key }) => this.#touch(key));
    slices.onChange((change) => this.#onSlice(change));
  }

  service(key: string): Service | undefined {
    return this.#services.get(key);
  }

  slicesOf(key: string): Iterable<EndpointSlice> {
    return this.#slices.get(key)?.values() ?? [];
  }

  /** All Services that there are, by `namespace/name`. */
  *keys(): Generator<string> {
    for (const { metadata } of this.#services.list()) yield `${metadata.namespace}/${metadata.name}`;
  }

  /** Touches every Service that this says depends on what has changed, the node's place for instance. */
  touchWhere(depends: (service: Service, slices: Iterable<EndpointSlice>) => boolean): void {
    for (const service of this.#services.list()) {
      const key = `${service.metadata.namespace}/${service.metadata.name}`;
      if (depends(service, this.slicesOf(key))) this.#touch(key);
    }
  }

  /** The Services touched since the last call, by `namespace/name`. */
  take(): ReadonlySet<string> {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched;
  }

  #onSlice({ key, before, after }: Change<EndpointSlice>): void {
    const left = before && ownerOf(before);
    const joined = after && ownerOf(after);
    if (left !== undefined && left !== joined) this.#remove(left, key);
    if (joined !== undefined) this.#add(joined, key, after!);
  }

  #add(service: string, key: string, slice: EndpointSlice): void {
    const slices = this.#slices.get(service) ?? new Map();
    slices.set(key, slice);
    this.#slices.set(service, slices);
    this.#touch(service);
  }

  #remove(service: string, key: string): void {
    const slices = this.#slices.get(service);
    slices?.delete(key);
    if (slices?.size === 0) this.#slices.delete(service);
    this.#touch(service);
  }

  #touch(service: string): void {
    const isFirst = this.#touched.size === 0;
    this.#touched.add(service);
    if (isFirst) this.#onTouched();
  }
}

/** The Service that a slice belongs to (a label, KEP-752); a slice without it is nobody's. */
function ownerOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[serviceNameLabel];
  return name === undefined ? undefined : `${metadata.namespace}/${name}`;
}
