import {
  addressRecord,
  cnameRecord,
  encodeName,
  MalformedMessageError,
  type ResourceRecord,
  recordTypes,
  srvRecord,
  wireOf,
} from '../../wire/dns/mod.ts';
import { addressKey, type EndpointFacts, type PortFacts, type ServiceFacts, type SliceFacts } from './facts.ts';
import type { RecordSet, RecordSets } from './zone-name.ts';

interface PublishedPort {
  readonly endpoint: EndpointFacts;
  readonly port: PortFacts;
}

/** One Service with its slices: everything that names at and below `<service>.<namespace>.svc` are answered from. */
export class ServiceEntry {
  readonly namespace: string;
  readonly name: string;
  service: ServiceFacts | undefined;
  readonly slices = new Map<string, SliceFacts>();
  /** Names whose ready-made answers fall when this entry changes. */
  readonly readyKeys = new Set<string>();
  readonly #wireName: Uint8Array | undefined;
  readonly #ttlSeconds: number;

  readonly #hideEmpty: boolean;

  /** `hideEmpty`: there is no such name while a Service with a cluster IP has no endpoint that is ready. */
  constructor(key: string, serviceDomain: string, ttlSeconds: number, hideEmpty = false) {
    this.#hideEmpty = hideEmpty;
    [this.namespace = '', this.name = ''] = key.split('/');
    this.#wireName = tryEncode(`${this.name}.${this.namespace}.${serviceDomain}`);
    this.#ttlSeconds = ttlSeconds;
  }

  /**
   * Records of the name that has these labels before the Service's own; undefined when there is no such name.
   * `key` is the whole name.
   */
  lookup(key: string, below: readonly string[]): RecordSets | undefined {
    if (!this.service || this.#isHidden()) return undefined;
    const [first, second] = below;
    if (first === undefined) return this.#ownSets(key, this.service);
    if (this.service.kind === 'external-name') return undefined;
    if (second !== undefined) return below.length === 2 ? this.#portSets(key, first, second) : undefined;
    return this.#endpointSets(key, first) ?? this.#protocolSets(first);
  }

  #isHidden(): boolean {
    return this.#hideEmpty && this.service?.kind === 'cluster-ip' && this.published().length === 0;
  }

  /** Endpoints that may be given out, each address and hostname once: an endpoint can stand in two slices for a while. */
  published(): EndpointFacts[] {
    const seen = new Map<string, EndpointFacts>();
    for (const slice of this.slices.values()) {
      for (const endpoint of slice.endpoints) {
        if (this.publishes(endpoint)) seen.set(`${endpoint.hostname}/${addressKey(endpoint.address)}`, endpoint);
      }
    }
    return [...seen.values()];
  }

  publishes(endpoint: EndpointFacts): boolean {
    return endpoint.ready || (this.service?.kind === 'headless' && this.service.publishNotReady);
  }

  endpointCount(): number {
    let count = 0;
    for (const slice of this.slices.values()) count += slice.endpoints.length;
    return count;
  }

  /** `<label>.<service>.<namespace>.svc.<domain>`; undefined when that is too long for a name. */
  nameBelow(label: string): Uint8Array | undefined {
    if (!this.#wireName || label === '' || label.length > 63) return undefined;
    if (this.#wireName.length + label.length + 1 > 255) return undefined;
    return Buffer.concat([Uint8Array.of(label.length), Buffer.from(label, 'latin1'), this.#wireName]);
  }

  get wireName(): Uint8Array | undefined {
    return this.#wireName;
  }

  #ownSets(key: string, service: ServiceFacts): RecordSets | undefined {
    switch (service.kind) {
      case 'addressless':
        return undefined;
      case 'external-name': {
        const target = tryEncode(service.target);
        const record = target && cnameRecord(wireOf(key), target, this.#ttlSeconds);
        return record && new Map([[recordTypes.CNAME, () => ({ answers: [record] })]]);
      }
      case 'cluster-ip':
        return this.#addressSets(key, service.addresses).set(recordTypes.SRV, () => this.#srvSet(key, () => true));
      case 'headless': {
        const published = this.published();
        // Upstream settled that a headless Service without an endpoint to give is no name (kubernetes/dns 234, 245).
        if (published.length === 0) return undefined;
        const addresses = new Map(published.map(({ address }) => [addressKey(address), address]));
        return this.#addressSets(key, [...addresses.values()]).set(recordTypes.SRV, () =>
          this.#srvSet(key, () => true),
        );
      }
    }
  }

  #endpointSets(key: string, hostname: string): RecordSets | undefined {
    const endpoints = this.published().filter((endpoint) => endpoint.hostname === hostname);
    if (endpoints.length === 0) return undefined;
    return this.#addressSets(
      key,
      endpoints.map(({ address }) => address),
    );
  }

  #portSets(key: string, portLabel: string, protocolLabel: string): RecordSets | undefined {
    const named = ({ name, protocol }: PortFacts) =>
      name !== '' && `_${name}` === portLabel && `_${protocol}` === protocolLabel;
    if (!this.#hasPort(named)) return undefined;
    return new Map([[recordTypes.SRV, () => this.#srvSet(key, named)]]);
  }

  /** `_tcp.<service>` has no records but names below it, so it is there (RFC 8020). */
  #protocolSets(label: string): RecordSets | undefined {
    return this.#hasPort(({ name, protocol }) => name !== '' && `_${protocol}` === label) ? new Map() : undefined;
  }

  #hasPort(wanted: (port: PortFacts) => boolean): boolean {
    if (this.service?.kind === 'cluster-ip') return this.service.ports.some(wanted);
    for (const slice of this.slices.values()) {
      if (slice.ports.some(wanted) && slice.endpoints.some((endpoint) => this.publishes(endpoint))) return true;
    }
    return false;
  }

  #addressSets(key: string, addresses: readonly Uint8Array[]): Map<number, () => RecordSet> {
    const name = wireOf(key);
    const ofLength = (length: number) => () => ({
      answers: addresses
        .filter((address) => address.length === length)
        .map((address) => addressRecord(name, address, this.#ttlSeconds)),
    });
    return new Map([
      [recordTypes.A, ofLength(4)],
      [recordTypes.AAAA, ofLength(16)],
    ]);
  }

  #srvSet(key: string, wanted: (port: PortFacts) => boolean): RecordSet {
    const name = wireOf(key);
    return this.service?.kind === 'cluster-ip'
      ? this.#clusterSrvSet(name, this.service.addresses, this.service.ports.filter(wanted))
      : this.#headlessSrvSet(name, this.#publishedPorts(wanted));
  }

  #clusterSrvSet(name: Uint8Array, addresses: readonly Uint8Array[], ports: readonly PortFacts[]): RecordSet {
    const target = this.#wireName;
    if (!target) return { answers: [] };
    return {
      answers: ports.map(({ port }) =>
        srvRecord(name, { priority: 0, weight: weightOf(ports.length), port, target }, this.#ttlSeconds),
      ),
      additionals: addresses.map((address) => addressRecord(target, address, this.#ttlSeconds)),
    };
  }

  #headlessSrvSet(name: Uint8Array, published: readonly PublishedPort[]): RecordSet {
    const answers = new Map<string, ResourceRecord>();
    const additionals = new Map<string, ResourceRecord>();
    for (const { endpoint, port } of published) {
      const target = this.nameBelow(endpoint.hostname);
      if (!target) continue;
      const to = { priority: 0, weight: weightOf(published.length), port: port.port, target };
      answers.set(`${port.port}/${endpoint.hostname}`, srvRecord(name, to, this.#ttlSeconds));
      additionals.set(
        `${addressKey(endpoint.address)}/${endpoint.hostname}`,
        addressRecord(target, endpoint.address, this.#ttlSeconds),
      );
    }
    return { answers: [...answers.values()], additionals: [...additionals.values()] };
  }

  #publishedPorts(wanted: (port: PortFacts) => boolean): PublishedPort[] {
    return [...this.slices.values()].flatMap(({ ports, endpoints }) =>
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

/** Names come from other people's objects: one that DNS cannot carry has no records. */
function tryEncode(name: string): Uint8Array | undefined {
  try {
    return encodeName(name);
  } catch (error) {
    if (error instanceof MalformedMessageError) return undefined;
    throw error;
  }
}
