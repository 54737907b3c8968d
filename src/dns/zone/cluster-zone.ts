import type { Change } from '../../client/port.ts';
import type { EndpointSlice, Namespace, Pod, Service } from '../../kube/mod.ts';
import {
  addressRecord,
  encodeName,
  keyOf,
  labelsOf,
  nsRecord,
  ptrRecord,
  type ResourceRecord,
  recordTypes,
  txtRecord,
  typeText,
  wireOf,
} from '../../wire/dns/mod.ts';
import { AddressIndex, podLabelAddress } from './address-index.ts';
import type { Apex } from './apex.ts';
import { Domain } from './domain.ts';
import { explainElsewhere, explainMissing, type ZoneFacts } from './explain.ts';
import {
  type Address,
  addressBytes,
  addressKey,
  podAddresses,
  type SliceFacts,
  serviceFacts,
  serviceOf,
  sliceFacts,
} from './facts.ts';
import { NamespaceIndex, type NamespaceOptions, partsOf } from './namespaces.ts';
import { parseReverseName, ReverseZones } from './reverse.ts';
import { type EntryOptions, isWildcard, ServiceEntry } from './service-entry.ts';
import { Suggestions } from './suggest.ts';
import { serviceRecords } from './transfer.ts';
import { wildcardSets } from './wildcard.ts';
import { type RecordSet, type RecordSets, ZoneName } from './zone-name.ts';

/** Whether `10-244-1-7.<namespace>.pod` is answered: never, for every address, or for addresses of Pods of that namespace. */
export type PodRecords = 'disabled' | 'insecure' | 'verified';

/** The options of CoreDNS's kubernetes plugin that make a difference to the answers, and ours. */
export interface ZoneOptions extends NamespaceOptions, EntryOptions {
  /** `cluster.local`; what PTR records lead to. */
  readonly clusterDomain: string;
  /** The same names again under other domains. */
  readonly otherDomains?: readonly string[];
  readonly podRecords: PodRecords;
  /** Address ranges whose reverse names are answered here even when nobody has the address: `10.96.0.0/16`. */
  readonly reverseCidrs: readonly string[];
  /** The same by name: `in-addr.arpa`. Given, reverse names outside of them and of the ranges are somebody else's. */
  readonly reverseZones?: readonly string[];
  /** `namespace/name` of the Service by which clients reach this server. */
  readonly nameServerService: string;
  /** Endpoints without a hostname are named after their Pod and not after their address. */
  readonly endpointPodNames?: boolean;
  /** No EndpointSlice will come (CoreDNS's `noendpoints`): said where it is the reason why a name is missing. */
  readonly withoutEndpoints?: boolean;
  /** Seconds since the epoch, for the serial number. */
  readonly nowSeconds: () => number;
}

/** What the zone says of a name that is its own. */
export interface Found {
  readonly apex: Apex;
  /** Undefined: there is no such name (NXDOMAIN). */
  readonly name: ZoneName | undefined;
}

/** The Kubernetes DNS specification's version that the names follow. */
const schemaVersion = '1.1.0';
/** The version does not change while a server runs: eight hours, as CoreDNS gives it. */
const schemaVersionTtlSeconds = 28_800;

/** Names that are ready at one time, of 600 bytes each: an endpoint may be asked for by name, and there may be many. */
const mostReadyNames = 1 << 18;

/**
 * The names of the cluster, kept current change by change: one change touches its own Service's names and nothing
 * else. Answers are made ready when first asked for and fall when what they were made from changes.
 */
export class ClusterZone {
  readonly #options: ZoneOptions;
  /** The first one is the one that reverse names lead to. */
  readonly #domains: readonly [Domain, ...Domain[]];
  readonly #reverse: ReverseZones;
  readonly #missing: ReadonlyMap<Domain, Found>;
  readonly #index: NamespaceIndex;
  readonly #addresses = new AddressIndex();
  /** `namespace/address` → number of Pods; more than one for Pods in the host's network. */
  readonly #pods = new Map<string, number>();
  /** Names at and below Services that were asked for, with their ready answers. */
  readonly #ready = new Map<string, Found>();
  readonly #facts: ZoneFacts;
  #serial: number;

  /** Throws UsageError for an unusable range or reverse zone, MalformedMessageError for an unusable domain. */
  constructor(options: ZoneOptions) {
    const { clusterDomain, otherDomains = [], reverseCidrs, reverseZones, ttlSeconds, nowSeconds } = options;
    this.#options = options;
    this.#domains = [
      new Domain(clusterDomain, ttlSeconds),
      ...otherDomains.map((text) => new Domain(text, ttlSeconds)),
    ];
    this.#reverse = new ReverseZones(reverseCidrs, { clusterDomain, ttlSeconds }, reverseZones);
    this.#missing = new Map(this.#domains.map((domain) => [domain, { apex: domain.apex, name: undefined }]));
    this.#index = new NamespaceIndex(options);
    this.#facts = {
      index: this.#index,
      suggestions: new Suggestions(this.#index, nowSeconds),
      podRecords: options.podRecords,
      withoutEndpoints: options.withoutEndpoints === true,
    };
    this.#serial = nowSeconds();
  }

  applyService({ key, after }: Change<Service>): void {
    const entry = this.#entry(key);
    const before = entry.service;
    entry.service = after && serviceFacts(after);
    this.#addresses.replaceService(entry, before, entry.service);
    this.#index.countService(entry, Number(entry.service !== undefined) - Number(before !== undefined));
    this.#changed(entry);
  }

  applySlice({ key, before, after }: Change<EndpointSlice>): void {
    const old = before && serviceOf(before);
    const facts = after && sliceFacts(after, this.#options.endpointPodNames === true);
    if (old !== undefined && old !== facts?.service) this.#setSlice(old, key, undefined);
    if (facts) this.#setSlice(facts.service, key, facts);
  }

  applyNamespace({ key, before, after }: Change<Namespace>): void {
    this.#index.setListed(key, after !== undefined);
    if (!before !== !after) this.#dropNamespace(key);
    this.#touch();
  }

  applyPod({ before, after }: Change<Pod>): void {
    const namespace = (after ?? before)?.metadata.namespace;
    for (const address of before ? podAddresses(before) : []) this.#countPods(namespace, address, -1);
    for (const address of after ? podAddresses(after) : []) this.#countPods(namespace, address, 1);
  }

  /** `key` is the name as `nameKey` makes it. Undefined: the name is somebody else's. */
  lookup(key: string): Found | undefined {
    return this.#ready.get(key) ?? this.#resolve(key);
  }

  get serial(): number {
    return this.#serial;
  }

  /** `cluster.local`, and what else the cluster is called. */
  get domains(): readonly string[] {
    return this.#domains.map(({ text }) => text);
  }

  /** Whether the name would be ours once all is known: reverse names are until then, since any might turn out to be. */
  covers(key: string): boolean {
    const labels = labelsOf(key);
    if (this.#domains.some((domain) => domain.labelsBelow(labels))) return true;
    const reverse = parseReverseName(labels);
    return reverse?.address !== undefined && this.#reverse.covers(reverse);
  }

  /**
   * Why there is no such name, or no such record, in a sentence for people; of somebody else's name only what was
   * probably meant, if that can be said.
   */
  explain(key: string, type: number): string | undefined {
    const labels = labelsOf(key);
    for (const domain of this.#domains) {
      const below = domain.labelsBelow(labels);
      if (below) return explainMissing({ below, type, domain: domain.text }, this.#facts);
    }
    const reverse = parseReverseName(labels);
    if (!reverse) return explainElsewhere(labels, this.#domains[0].text, this.#facts);
    if (!reverse.address) return 'Reverse names of whole addresses only have records';
    return this.#namesOf(reverse.address).length > 0
      ? `No ${typeText(type)} record, but a PTR record`
      : 'No Service and no endpoint has this address';
  }

  /**
   * All records of the domain whose name this is, the SOA record first and last, for a zone transfer (RFC 5936); made
   * while they are read. Undefined for any other name, those of reverse zones too.
   */
  transfer(key: string): Iterable<ResourceRecord> | undefined {
    const domain = this.#domains.find(({ apex }) => keyOf(apex.zone) === key);
    return domain && this.#transferOf(domain, key);
  }

  /** How much the zone holds; ready names are those that were asked for since they last changed. */
  get size(): { services: number; namespaces: number; addresses: number; pods: number; readyNames: number } {
    return {
      ...this.#index.size,
      addresses: this.#addresses.size,
      pods: this.#pods.size,
      readyNames: this.#ready.size,
    };
  }

  #resolve(key: string): Found | undefined {
    const labels = labelsOf(key);
    for (const domain of this.#domains) {
      const below = domain.labelsBelow(labels);
      if (below) return this.#resolveBelow(key, below, domain);
    }
    return this.#resolveReverse(key, labels);
  }

  #resolveBelow(key: string, below: readonly string[], domain: Domain): Found {
    const kind = below.at(-1);
    if (below.length >= 3 && kind === 'svc') return this.#resolveService(key, below, domain);
    const sets = kind === 'pod' ? this.#podSets(key, below) : this.#topSets(key, below, domain);
    return sets ? { apex: domain.apex, name: new ZoneName(key, sets) } : this.#missing.get(domain)!;
  }

  #resolveService(key: string, below: readonly string[], domain: Domain): Found {
    const [service = '', namespace = ''] = below.slice(-3, -1);
    if (this.#isWildcard(service) || this.#isWildcard(namespace)) {
      // Not kept ready: any change of any Service might have to let it fall.
      const sets = wildcardSets(key, below, domain, this.#index);
      return sets ? { apex: domain.apex, name: new ZoneName(key, sets) } : this.#missing.get(domain)!;
    }
    const entry = this.#index.entry(namespace, service);
    const inner = below.slice(0, -3);
    const sets = entry?.lookup(key, inner, domain);
    if (!entry || !sets) return this.#missing.get(domain)!;
    // When the entry has changed this one is asked by those only who were on their way with it.
    const name = new ZoneName(key, sets, () => entry.lookup(key, inner, domain) ?? noSets);
    return this.#keepReady(entry, key, { apex: domain.apex, name });
  }

  #keepReady(entry: ServiceEntry, key: string, found: Found): Found {
    if (this.#ready.size >= mostReadyNames) {
      for (const namespace of this.#index.names())
        for (const each of this.#index.allEntriesOf(namespace)) each.takeReady();
      this.#ready.clear();
    }
    this.#ready.set(key, found);
    entry.noteReady(key);
    return found;
  }

  /** The domain itself, the levels between it and the Services, and the few names that are no Service's. */
  #topSets(key: string, below: readonly string[], domain: Domain): RecordSets | undefined {
    switch (below.join('.')) {
      case '':
        return this.#apexSets(domain.apex, key, domain.text);
      case 'svc':
      case 'dns':
        return new Map();
      case 'dns-version':
        return new Map([
          [recordTypes.TXT, () => answer(txtRecord(wireOf(key), schemaVersion, schemaVersionTtlSeconds))],
        ]);
      case 'ns.dns':
        return this.#addressSets(key, this.#nameServerAddresses());
    }
    return below.length === 2 && below[1] === 'svc' && this.#hasNamespace(below[0]!) ? new Map() : undefined;
  }

  #podSets(key: string, below: readonly string[]): RecordSets | undefined {
    const { podRecords } = this.#options;
    if (below.length === 1) return new Map();
    const namespace = below.at(-2)!;
    if (!this.#hasNamespace(namespace) || below.length > 3) return undefined;
    if (below.length === 2) return new Map();
    const address = podRecords === 'disabled' ? undefined : podLabelAddress(below[0]!);
    if (!address) return undefined;
    if (podRecords === 'verified' && !this.#isPodAddress(namespace, address)) return undefined;
    return this.#addressSets(key, [address]);
  }

  #isPodAddress(namespace: string, address: Uint8Array): boolean {
    for (const each of this.#isWildcard(namespace) ? this.#index.names() : [namespace]) {
      if (this.#pods.has(`${each}/${addressKey(address)}`)) return true;
    }
    return false;
  }

  #resolveReverse(key: string, labels: readonly string[]): Found | undefined {
    const reverse = parseReverseName(labels);
    if (!reverse || !this.#reverse.covers(reverse)) return undefined;
    const zone = this.#reverse.zoneOf(reverse);
    const names = reverse.address ? this.#namesOf(reverse.address) : [];
    if (names.length > 0) {
      const records = names.map((name) => ptrRecord(wireOf(key), name, this.#options.ttlSeconds));
      const sets: RecordSets = new Map([[recordTypes.PTR, () => ({ answers: records })]]);
      return { apex: zone ?? this.#reverse.treeOf(reverse), name: new ZoneName(key, sets) };
    }
    if (!zone) return undefined;
    if (reverse.address) return { apex: zone, name: undefined };
    // Between the zone and its addresses: a level without records of its own.
    const atApex = wireOf(key).length === zone.wireName.length;
    const sets = atApex ? this.#apexSets(zone, key, this.#options.clusterDomain) : new Map();
    return { apex: zone, name: new ZoneName(key, sets) };
  }

  #namesOf(address: Uint8Array): Uint8Array[] {
    const entries = (namespace: string, service: string) => this.#index.entry(namespace, service);
    return this.#addresses.namesOf(address, entries, this.#domains[0]);
  }

  #apexSets(apex: Apex, key: string, domain: string): RecordSets {
    return new Map([
      [recordTypes.SOA, () => answer(apex.soa(this.#serial))],
      [recordTypes.NS, () => this.#nameServers(wireOf(key), domain)],
    ]);
  }

  #nameServers(zone: Uint8Array, domain: string): RecordSet {
    const { ttlSeconds } = this.#options;
    const nameServer = encodeName(`ns.dns.${domain}`);
    return {
      answers: [nsRecord(zone, nameServer, ttlSeconds)],
      additionals: this.#nameServerAddresses().map((address) => addressRecord(nameServer, address, ttlSeconds)),
    };
  }

  #nameServerAddresses(): readonly Uint8Array[] {
    const service = this.#index.entry(...partsOf(this.#options.nameServerService))?.service;
    return service?.kind === 'cluster-ip' ? service.addresses.map(addressBytes) : [];
  }

  *#transferOf(domain: Domain, key: string): Generator<ResourceRecord> {
    const soa = domain.apex.soa(this.#serial);
    const { answers, additionals = [] } = this.#nameServers(wireOf(key), domain.text);
    yield soa;
    yield* answers;
    yield* additionals;
    yield* serviceRecords(domain, this.#index);
    yield soa;
  }

  #addressSets(key: string, addresses: readonly Uint8Array[]): RecordSets {
    const records = addresses.map((address) => addressRecord(wireOf(key), address, this.#options.ttlSeconds));
    const ofType = (type: number) => () => ({ answers: records.filter((record) => record.type === type) });
    return new Map([
      [recordTypes.A, ofType(recordTypes.A)],
      [recordTypes.AAAA, ofType(recordTypes.AAAA)],
    ]);
  }

  #hasNamespace(name: string): boolean {
    return this.#isWildcard(name) || this.#index.has(name);
  }

  #isWildcard(label: string): boolean {
    return this.#options.wildcards === true && isWildcard(label);
  }

  #setSlice(service: string, sliceKey: string, facts: SliceFacts | undefined): void {
    const entry = this.#entry(service);
    const { before, after } = entry.setSlice(sliceKey, facts);
    this.#addresses.replaceSlice(before, after);
    this.#changed(entry);
  }

  #entry(key: string): ServiceEntry {
    return this.#index.getOrCreate(key, (namespace, name) => new ServiceEntry(namespace, name, this.#options));
  }

  #changed(entry: ServiceEntry): void {
    this.#drop(entry);
    if (!entry.service && !entry.hasSlices) this.#index.delete(entry);
    this.#touch();
  }

  #drop(entry: ServiceEntry): void {
    for (const name of entry.takeReady()) this.#ready.delete(name);
  }

  /** Answers for a namespace that is no longer to be answered for. */
  #dropNamespace(namespace: string): void {
    if (!this.#index.has(namespace)) for (const entry of this.#index.allEntriesOf(namespace)) this.#drop(entry);
  }

  #touch(): void {
    this.#serial = Math.max(this.#serial, this.#options.nowSeconds());
  }

  #countPods(namespace: string | undefined, address: Address, by: number): void {
    const key = `${namespace}/${address}`;
    const count = (this.#pods.get(key) ?? 0) + by;
    if (count > 0) this.#pods.set(key, count);
    else this.#pods.delete(key);
  }
}

const noSets: RecordSets = new Map();

const answer = (record: ResourceRecord): RecordSet => ({ answers: [record] });
