import { addressRecord, cnameRecord, type ResourceRecord, recordTypes, srvRecord, wireOf } from '../../wire/dns/mod.ts';
import { type Domain, tryEncode } from './domain.ts';
import {
  type Address,
  addressBytes,
  type EndpointFacts,
  type PortFacts,
  type ServiceFacts,
  type SliceFacts,
} from './facts.ts';
import type { RecordSet, RecordSets } from './zone-name.ts';

interface PublishedPort {
  readonly endpoint: EndpointFacts;
  readonly port: PortFacts;
}

/** A slice among the others of its Service. */
export interface HeldSlice extends Omit<SliceFacts, 'service'> {
  readonly key: string;
  readonly entry: ServiceEntry;
}

/** What most Services have of most things. */
const none: readonly never[] = [];

export interface EntryOptions {
  readonly ttlSeconds: number;
  /** A Service with a cluster IP but without a ready endpoint does not exist (CoreDNS's `ignore empty_service`). */
  readonly ignoreEmptyServices?: boolean | undefined;
  /** `*` and `any` stand for every endpoint, port or protocol. */
  readonly wildcards?: boolean | undefined;
}

export const isWildcard = (label: string): boolean => label === '*' || label === 'any';

/** One Service with its slices: everything that names at and below `<service>.<namespace>.svc` are answered from. */
export class ServiceEntry {
  readonly namespace: string;
  readonly name: string;
  service: ServiceFacts | undefined;
  #readyKeys: string[] | undefined;
  #slices: readonly HeldSlice[] = none;
  readonly #options: EntryOptions;

  constructor(namespace: string, name: string, options: EntryOptions) {
    this.namespace = namespace;
    this.name = name;
    this.#options = options;
  }

  /**
   * Records of the name that has these labels before the Service's own; undefined when there is no such name.
   * `key` is the whole name; names that the records lead to are in `domain`.
   */
  lookup(key: string, below: readonly string[], domain: Domain): RecordSets | undefined {
    if (!this.service || this.isIgnored()) return undefined;
    const [first, second] = below;
    if (first === undefined) return this.#ownSets(key, this.service, domain);
    if (this.service.kind === 'external-name') return undefined;
    if (second !== undefined) return below.length === 2 ? this.#portSets(key, first, second, domain) : undefined;
    return this.#endpointSets(key, first) ?? this.#protocolSets(first);
  }

  /** Notes a name whose ready-made answers fall when this entry changes. */
  noteReady(key: string): void {
    this.#readyKeys ??= [];
    this.#readyKeys.push(key);
  }

  /** The names that were noted, for the last time. */
  takeReady(): readonly string[] {
    const keys = this.#readyKeys ?? none;
    this.#readyKeys = undefined;
    return keys;
  }

  get hasSlices(): boolean {
    return this.#slices.length > 0;
  }

  /** Puts the slice of that key in the place of the one that was there; undefined takes it away. */
  setSlice(key: string, facts: SliceFacts | undefined): { readonly before?: HeldSlice; readonly after?: HeldSlice } {
    const before = this.#slices.find((slice) => slice.key === key);
    const after = facts && { key, entry: this, endpoints: facts.endpoints, ports: facts.ports };
    if (!before) this.#slices = after ? [...this.#slices, after] : this.#slices;
    else this.#slices = this.#slices.flatMap((slice) => (slice === before ? (after ?? []) : slice));
    return { ...(before && { before }), ...(after && { after }) };
  }

  /** There, but to be passed over since nobody would answer at its cluster IP. */
  isIgnored(): boolean {
    return (
      this.#options.ignoreEmptyServices === true && this.service?.kind === 'cluster-ip' && this.published().length === 0
    );
  }

  /** Endpoints that may be given out, each address and hostname once: an endpoint can stand in two slices for a while. */
  published(): EndpointFacts[] {
    const seen = new Map<string, EndpointFacts>();
    for (const { endpoints } of this.#slices) {
      for (const endpoint of endpoints) {
        if (this.publishes(endpoint)) seen.set(`${endpoint.hostname}/${endpoint.address}`, endpoint);
      }
    }
    return [...seen.values()];
  }

  publishes(endpoint: EndpointFacts): boolean {
    return endpoint.ready || (this.service?.kind === 'headless' && this.service.publishNotReady);
  }

  /** Ready or not. */
  endpoints(): EndpointFacts[] {
    return this.#slices.flatMap(({ endpoints }) => endpoints);
  }

  #ownSets(key: string, service: ServiceFacts, domain: Domain): RecordSets | undefined {
    switch (service.kind) {
      case 'addressless':
        return undefined;
      case 'external-name': {
        const target = tryEncode(service.target);
        const record = target && cnameRecord(wireOf(key), target, this.#options.ttlSeconds);
        return record && new Map([[recordTypes.CNAME, () => ({ answers: [record] })]]);
      }
      case 'cluster-ip':
        return this.#addressSets(key, service.addresses).set(recordTypes.SRV, () =>
          this.#srvSet(key, () => true, domain),
        );
      case 'headless': {
        const published = this.published();
        // Upstream settled that a headless Service without an endpoint to give is no name (kubernetes/dns 234, 245).
        if (published.length === 0) return undefined;
        const addresses = new Set(published.map(({ address }) => address));
        return this.#addressSets(key, [...addresses]).set(recordTypes.SRV, () => this.#srvSet(key, () => true, domain));
      }
    }
  }

  #endpointSets(key: string, hostname: string): RecordSets | undefined {
    const all = this.#isWildcard(hostname);
    const endpoints = this.published().filter((endpoint) => all || endpoint.hostname === hostname);
    if (endpoints.length === 0) return undefined;
    return this.#addressSets(
      key,
      endpoints.map(({ address }) => address),
    );
  }

  #portSets(key: string, portLabel: string, protocolLabel: string, domain: Domain): RecordSets | undefined {
    const anyPort = this.#isWildcard(portLabel);
    const anyProtocol = this.#isWildcard(protocolLabel);
    const named = ({ name, protocol }: PortFacts) =>
      (anyPort || (name !== '' && `_${name}` === portLabel)) && (anyProtocol || `_${protocol}` === protocolLabel);
    if (!this.#hasPort(named)) return undefined;
    return new Map([[recordTypes.SRV, () => this.#srvSet(key, named, domain)]]);
  }

  #isWildcard(label: string): boolean {
    return this.#options.wildcards === true && isWildcard(label);
  }

  /** `_tcp.<service>` has no records but names below it, so it is there (RFC 8020). */
  #protocolSets(label: string): RecordSets | undefined {
    return this.#hasPort(({ name, protocol }) => name !== '' && `_${protocol}` === label) ? new Map() : undefined;
  }

  /** Each once; those of a headless Service are its endpoints'. */
  namedPorts(): PortFacts[] {
    const ports =
      this.service?.kind === 'cluster-ip' ? this.service.ports : this.#slices.flatMap(({ ports: some }) => some);
    const named = ports.filter(({ name }) => name !== '');
    return [...new Map(named.map((port) => [`${port.name}/${port.protocol}`, port])).values()];
  }

  #hasPort(wanted: (port: PortFacts) => boolean): boolean {
    if (this.service?.kind === 'cluster-ip') return this.service.ports.some(wanted);
    for (const slice of this.#slices) {
      if (slice.ports.some(wanted) && slice.endpoints.some((endpoint) => this.publishes(endpoint))) return true;
    }
    return false;
  }

  #addressSets(key: string, addresses: readonly Address[]): Map<number, () => RecordSet> {
    const name = wireOf(key);
    const ofLength = (length: number) => () => ({
      answers: addresses
        .filter((address) => address.length === length)
        .map((address) => addressRecord(name, addressBytes(address), this.#options.ttlSeconds)),
    });
    return new Map([
      [recordTypes.A, ofLength(4)],
      [recordTypes.AAAA, ofLength(16)],
    ]);
  }

  #srvSet(key: string, wanted: (port: PortFacts) => boolean, domain: Domain): RecordSet {
    const name = wireOf(key);
    return this.service?.kind === 'cluster-ip'
      ? this.#clusterSrvSet(name, this.service.addresses, this.service.ports.filter(wanted), domain)
      : this.#headlessSrvSet(name, this.#publishedPorts(wanted), domain);
  }

  #clusterSrvSet(
    name: Uint8Array,
    addresses: readonly Address[],
    ports: readonly PortFacts[],
    domain: Domain,
  ): RecordSet {
    const target = domain.serviceName(this.namespace, this.name);
    if (!target) return { answers: [] };
    // One record for a port number that is there by TCP and by UDP.
    const numbers = [...new Set(ports.map(({ port }) => port))];
    const weight = weightOf(numbers.length);
    return {
      answers: numbers.map((port) => srvRecord(name, { priority: 0, weight, port, target }, this.#options.ttlSeconds)),
      additionals: addresses.map((address) => addressRecord(target, addressBytes(address), this.#options.ttlSeconds)),
    };
  }

  #headlessSrvSet(name: Uint8Array, published: readonly PublishedPort[], domain: Domain): RecordSet {
    const answers = new Map<string, ResourceRecord>();
    const additionals = new Map<string, ResourceRecord>();
    for (const { endpoint, port } of published) {
      const target = domain.endpointName(this.namespace, this.name, endpoint.hostname);
      if (!target) continue;
      const to = { priority: 0, weight: weightOf(published.length), port: port.port, target };
      answers.set(`${port.port}/${endpoint.hostname}`, srvRecord(name, to, this.#options.ttlSeconds));
      additionals.set(
        `${endpoint.address}/${endpoint.hostname}`,
        addressRecord(target, addressBytes(endpoint.address), this.#options.ttlSeconds),
      );
    }
    return { answers: [...answers.values()], additionals: [...additionals.values()] };
  }

  #publishedPorts(wanted: (port: PortFacts) => boolean): PublishedPort[] {
    return this.#slices.flatMap(({ ports, endpoints }) =>
      ports
        .filter(wanted)
        .flatMap((port) =>
          endpoints.filter((endpoint) => this.publishes(endpoint)).map((endpoint) => ({ endpoint, port })),
        ),
    );
  }
}

/** Equal shares of a hundred, as CoreDNS gives them. */
const weightOf = (records: number): number => Math.max(1, Math.floor(100 / Math.max(1, records)));
