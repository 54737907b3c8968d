import { encodeAddress } from '../../wire/dns/mod.ts';
import type { Domain } from './domain.ts';
import { type Address, addressKey, type ServiceFacts } from './facts.ts';
import type { HeldSlice, ServiceEntry } from './service-entry.ts';

/** The Services that are answered for. */
type Entries = (namespace: string, service: string) => ServiceEntry | undefined;

/** Who has an address, for PTR records. */
export class AddressIndex {
  readonly #clusterIPs = new Map<Address, OneOrMore<ServiceEntry>>();
  readonly #endpoints = new Map<Address, OneOrMore<HeldSlice>>();

  replaceService(entry: ServiceEntry, before: ServiceFacts | undefined, after: ServiceFacts | undefined): void {
    for (const key of clusterIPsOf(before)) removeFrom(this.#clusterIPs, key, entry);
    for (const key of clusterIPsOf(after)) addTo(this.#clusterIPs, key, entry);
  }

  replaceSlice(before: HeldSlice | undefined, after: HeldSlice | undefined): void {
    for (const { address } of before?.endpoints ?? []) removeFrom(this.#endpoints, address, before!);
    for (const { address } of after?.endpoints ?? []) addTo(this.#endpoints, address, after!);
  }

  /**
   * Names that the address stands for: the Service whose VIP it is, else its endpoint in every Service that gives it
   * out, headless or not, which is what CoreDNS answers too.
   */
  namesOf(address: Uint8Array, entries: Entries, domain: Domain): Uint8Array[] {
    const key = addressKey(address);
    const services = allOf(this.#clusterIPs.get(key)).flatMap(({ namespace, name }) =>
      entries(namespace, name) ? (domain.serviceName(namespace, name) ?? []) : [],
    );
    if (services.length > 0) return services;
    const names = new Map<string, Uint8Array>();
    for (const slice of allOf(this.#endpoints.get(key))) {
      const entry = entries(slice.entry.namespace, slice.entry.name);
      if (!entry?.service) continue;
      for (const endpoint of slice.endpoints) {
        if (endpoint.address !== key || !entry.publishes(endpoint)) continue;
        const name = domain.endpointName(entry.namespace, entry.name, endpoint.hostname);
        if (name) names.set(Buffer.from(name).toString('latin1'), name);
      }
    }
    return [...names.values()];
  }

  get size(): number {
    return this.#clusterIPs.size + this.#endpoints.size;
  }
}

const clusterIPsOf = (service: ServiceFacts | undefined): readonly Address[] =>
  service?.kind === 'cluster-ip' ? service.addresses : [];

/** Nearly every address is one object's: a Set for each would cost more than all the rest of it. */
export type OneOrMore<Value extends object> = Value | Set<Value>;

export function allOf<Value extends object>(values: OneOrMore<Value> | undefined): Value[] {
  if (values === undefined) return [];
  return values instanceof Set ? [...values] : [values];
}

export function addTo<Value extends object>(index: Map<Address, OneOrMore<Value>>, key: Address, value: Value): void {
  const values = index.get(key);
  if (values instanceof Set) values.add(value);
  else index.set(key, values === undefined || values === value ? value : new Set([values, value]));
}

export function removeFrom<Value extends object>(
  index: Map<Address, OneOrMore<Value>>,
  key: Address,
  value: Value,
): void {
  const values = index.get(key);
  if (values instanceof Set) {
    values.delete(value);
    if (values.size === 0) index.delete(key);
  } else if (values === value) index.delete(key);
}

/** `10-244-1-7`, or `fd00--7` for IPv6 (a colon became a dash), as CoreDNS reads it; undefined when it is no address. */
export function podLabelAddress(label: string): Uint8Array | undefined {
  const isIPv4 = /^\d+-\d+-\d+-\d+$/.test(label);
  return encodeAddress(label.replaceAll('-', isIPv4 ? '.' : ':'));
}
