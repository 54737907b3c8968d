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
  wireOf,
} from '../../wire/dns/mod.ts';
import { AddressIndex, podLabelAddress } from './address-index.ts';
import { Apex } from './apex.ts';
import { explainMissing } from './explain.ts';
import { addressKey, podAddresses, type SliceFacts, serviceFacts, sliceFacts } from './facts.ts';
import { parseReverseName, ReverseZones } from './reverse.ts';
import { ServiceEntry } from './service-entry.ts';
import { type RecordSet, type RecordSets, ZoneName } from './zone-name.ts';

/** Whether `10-244-1-7.<namespace>.pod` is answered: never, for every address, or for addresses of Pods of that namespace. */
export type PodRecords = 'disabled' | 'insecure' | 'verified';

export interface ZoneOptions {
  /** `cluster.local` */
  readonly clusterDomain: string;
  readonly ttlSeconds: number;
  readonly podRecords: PodRecords;
  /** Address ranges whose reverse names are answered here even when nobody has the address: `10.96.0.0/16`. */
  readonly reverseCidrs: readonly string[];
  /** `namespace/name` of the Service by which clients reach this server. */
  readonly nameServerService: string;
  /** No name for a Service with a cluster IP but without a ready endpoint, so that clients search on. Default false. */
  readonly hideEmptyServices?: boolean;
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

/**
 * The names of the cluster, kept current change by change: one change touches its own Service's names and nothing
 * else. Answers are made ready when first asked for and fall when what they were made from changes.
 */
export class ClusterZone {
  readonly #options: ZoneOptions;
  readonly #apex: Apex;
  readonly #domainLabels: readonly string[];
  readonly #reverse: ReverseZones;
  readonly #missing: Found;
  readonly #entries = new Map<string, ServiceEntry>();
  readonly #addresses = new AddressIndex();
  readonly #namespaces = new Set<string>();
  readonly #servicesIn = new Map<string, number>();
  /** `namespace/address` → number of Pods; more than one for Pods in the host's network. */
  readonly #pods = new Map<string, number>();
  /** Names at and below Services that were asked for, with their ready answers. */
  readonly #ready = new Map<string, Found>();
  #serial: number;

  /** Throws UsageError for an unusable range, MalformedMessageError for an unusable domain. */
  constructor(options: ZoneOptions) {
    const { clusterDomain, ttlSeconds } = options;
    this.#options = options;
    this.#apex = new Apex({ zone: clusterDomain, clusterDomain, ttlSeconds });
    this.#domainLabels = labelsOf(keyOf(clusterDomain));
    this.#reverse = new ReverseZones(options.reverseCidrs, { clusterDomain, ttlSeconds });
    this.#missing = { apex: this.#apex, name: undefined };
    this.#serial = options.nowSeconds();
  }

  applyService({ key, after }: Change<Service>): void {
    const entry = this.#entry(key);
    const before = entry.service;
    entry.service = after && serviceFacts(after);
    this.#addresses.replaceService(entry, before, entry.service);
    this.#countServices(entry.namespace, Number(entry.service !== undefined) - Number(before !== undefined));
    this.#changed(key, entry);
  }

  applySlice({ key, before, after }: Change<EndpointSlice>): void {
    const old = before && sliceFacts(before)?.service;
    const facts = after && sliceFacts(after);
    if (old !== undefined && old !== facts?.service) this.#setSlice(old, key, undefined);
    if (facts) this.#setSlice(facts.service, key, facts);
  }

  applyNamespace({ key, after }: Change<Namespace>): void {
    if (after) this.#namespaces.add(key);
    else this.#namespaces.delete(key);
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

  /** Whether the name would be ours once all is known: reverse names are until then, since any might turn out to be. */
  covers(key: string): boolean {
    const labels = labelsOf(key);
    return this.#belowDomain(labels) !== undefined || parseReverseName(labels)?.address !== undefined;
  }

  /** Why there is no such name, or no such record: a sentence for people. */
  explain(key: string): string {
    const below = this.#belowDomain(labelsOf(key));
    if (!below) return 'No Service and no endpoint has this address';
    return explainMissing(below, {
      hasNamespace: (namespace) => this.#hasNamespace(namespace),
      entry: (service) => this.#entries.get(service),
      podRecords: this.#options.podRecords,
    });
  }

  /** How much the zone holds; ready names are those that were asked for since they last changed. */
  get size(): { services: number; namespaces: number; addresses: number; pods: number; readyNames: number } {
    return {
      services: this.#entries.size,
      namespaces: this.#namespaces.size,
      addresses: this.#addresses.size,
      pods: this.#pods.size,
      readyNames: this.#ready.size,
    };
  }

  #resolve(key: string): Found | undefined {
    const labels = labelsOf(key);
    const below = this.#belowDomain(labels);
    if (!below) return this.#resolveReverse(key, labels);
    if (below.length >= 3 && below.at(-1) === 'svc') return this.#resolveService(key, below);
    const sets = below.at(-1) === 'pod' ? this.#podSets(key, below) : this.#topSets(key, below);
    return sets ? { apex: this.#apex, name: new ZoneName(key, sets) } : this.#missing;
  }

  /** The labels before the cluster's domain. */
  #belowDomain(labels: readonly string[]): string[] | undefined {
    const count = labels.length - this.#domainLabels.length;
    if (count < 0 || this.#domainLabels.some((label, index) => labels[count + index] !== label)) return undefined;
    return labels.slice(0, count);
  }

  #resolveService(key: string, below: readonly string[]): Found {
    const entry = this.#entries.get(`${below.at(-2)}/${below.at(-3)}`);
    const sets = entry?.lookup(key, below.slice(0, -3));
    if (!entry || !sets) return this.#missing;
    const found = { apex: this.#apex, name: new ZoneName(key, sets) };
    this.#ready.set(key, found);
    entry.readyKeys.add(key);
    return found;
  }

  /** The domain itself, the levels between it and the Services, and the few names that are no Service's. */
  #topSets(key: string, below: readonly string[]): RecordSets | undefined {
    switch (below.join('.')) {
      case '':
        return this.#apexSets(this.#apex, key);
      case 'svc':
      case 'dns':
        return new Map();
      case 'dns-version':
        return new Map([
          [recordTypes.TXT, () => answer(txtRecord(wireOf(key), schemaVersion, schemaVersionTtlSeconds))],
        ]);
      case 'ns.dns':
        return this.#nameServerSets(key);
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
    if (podRecords === 'verified' && !this.#pods.has(`${namespace}/${addressKey(address)}`)) return undefined;
    return this.#addressSets(key, [address]);
  }

  #resolveReverse(key: string, labels: readonly string[]): Found | undefined {
    const reverse = parseReverseName(labels);
    if (!reverse) return undefined;
    const zone = this.#reverse.zoneOf(reverse);
    const names = reverse.address ? this.#addresses.namesOf(reverse.address, (key) => this.#entries.get(key)) : [];
    if (names.length > 0) {
      const records = names.map((name) => ptrRecord(wireOf(key), name, this.#options.ttlSeconds));
      const sets: RecordSets = new Map([[recordTypes.PTR, () => ({ answers: records })]]);
      return { apex: zone ?? this.#reverse.treeOf(reverse), name: new ZoneName(key, sets) };
    }
    if (!zone) return undefined;
    if (reverse.address) return { apex: zone, name: undefined };
    // Between the zone and its addresses: a level without records of its own.
    const atApex = wireOf(key).length === zone.wireName.length;
    return { apex: zone, name: new ZoneName(key, atApex ? this.#apexSets(zone, key) : new Map()) };
  }

  #apexSets(apex: Apex, key: string): RecordSets {
    const nameServer = encodeName(`ns.dns.${this.#options.clusterDomain}`);
    const addresses = this.#nameServerAddresses();
    return new Map([
      [recordTypes.SOA, () => answer(apex.soa(this.#serial))],
      [
        recordTypes.NS,
        () => ({
          answers: [nsRecord(wireOf(key), nameServer, this.#options.ttlSeconds)],
          additionals: addresses.map((address) => addressRecord(nameServer, address, this.#options.ttlSeconds)),
        }),
      ],
    ]);
  }

  #nameServerSets(key: string): RecordSets {
    return this.#addressSets(key, this.#nameServerAddresses());
  }

  #nameServerAddresses(): readonly Uint8Array[] {
    const service = this.#entries.get(this.#options.nameServerService)?.service;
    return service?.kind === 'cluster-ip' ? service.addresses : [];
  }

  #addressSets(key: string, addresses: readonly Uint8Array[]): RecordSets {
    const records = addresses.map((address) => addressRecord(wireOf(key), address, this.#options.ttlSeconds));
    const ofType = (type: number) => () => ({ answers: records.filter((record) => record.type === type) });
    return new Map([
      [recordTypes.A, ofType(recordTypes.A)],
      [recordTypes.AAAA, ofType(recordTypes.AAAA)],
    ]);
  }

  /** The watch on Services may run ahead of the one on Namespaces: a Service proves its Namespace. */
  #hasNamespace(name: string): boolean {
    return this.#namespaces.has(name) || this.#servicesIn.has(name);
  }

  #setSlice(service: string, sliceKey: string, facts: SliceFacts | undefined): void {
    const entry = this.#entry(service);
    this.#addresses.replaceSlice(entry.slices.get(sliceKey), facts);
    if (facts) entry.slices.set(sliceKey, facts);
    else entry.slices.delete(sliceKey);
    this.#changed(service, entry);
  }

  #entry(key: string): ServiceEntry {
    let entry = this.#entries.get(key);
    if (!entry) {
      const { clusterDomain, ttlSeconds, hideEmptyServices } = this.#options;
      entry = new ServiceEntry(key, `svc.${clusterDomain}`, ttlSeconds, hideEmptyServices);
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #changed(key: string, entry: ServiceEntry): void {
    for (const name of entry.readyKeys) this.#ready.delete(name);
    entry.readyKeys.clear();
    if (!entry.service && entry.slices.size === 0) this.#entries.delete(key);
    this.#touch();
  }

  #touch(): void {
    this.#serial = Math.max(this.#serial, this.#options.nowSeconds());
  }

  #countServices(namespace: string, by: number): void {
    addCount(this.#servicesIn, namespace, by);
  }

  #countPods(namespace: string | undefined, address: Uint8Array, by: number): void {
    addCount(this.#pods, `${namespace}/${addressKey(address)}`, by);
  }
}

function addCount(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

const answer = (record: ResourceRecord): RecordSet => ({ answers: [record] });
