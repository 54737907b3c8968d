import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/mod.ts';
import { createDnsInformers, type DnsInformers, followCluster } from '../cluster-source.ts';
import type { KubernetesDirective } from '../corefile/mod.ts';
import { ProgrammingLatency } from '../metrics/programming-latency.ts';
import { ClusterZone, PodOwners, splitZones, type ZoneOptions } from '../zone/mod.ts';

export interface ClusterDependencies {
  /** How this directive says that the API server is reached. Throws UsageError. */
  readonly connect: (directive: KubernetesDirective) => Client;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What one `kubernetes` directive names: a cluster followed for as long as some Corefile says the same of it. */
export class FollowedCluster {
  readonly zone: ClusterZone;
  readonly synced: Promise<void>;
  readonly latency: ProgrammingLatency;
  /** Whose addresses are whose, where somebody asks. */
  readonly owners: PodOwners | undefined;
  isSynced = false;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #informers: ReturnType<typeof createDnsInformers>;

  /** Throws UsageError for what the directive or the kubeconfig has wrong. */
  constructor(directive: KubernetesDirective, withOwners: boolean, { connect, clock, log }: ClusterDependencies) {
    this.#clock = clock;
    this.zone = zoneFor(directive, clock);
    this.#client = connect(directive);
    const { labels, namespaceLabels, endpoints } = directive;
    this.#informers = createDnsInformers({
      client: this.#client,
      clock,
      log,
      withPods: directive.pods === 'verified' || withOwners,
      withEndpoints: endpoints,
      ...(labels !== undefined && { labels }),
      ...(namespaceLabels !== undefined && { namespaceLabels }),
    });
    const informers: DnsInformers = this.#informers.informers;
    this.owners = withOwners ? new PodOwners(() => clock.now()) : undefined;
    informers.pods?.onChange((change) => this.owners?.apply(change));
    this.latency = new ProgrammingLatency(informers, () => clock.now());
    this.synced = followCluster(this.zone, informers).then(() => {
      this.isSynced = true;
      log.info('Cluster zone is complete', this.zone.size);
    });
    this.#informers.start();
  }

  /** Since the API server was last heard; while it is away the answers are as old as this. */
  get ageSeconds(): number {
    return Math.max(0, this.#clock.monotonicMs() - this.#informers.lastHeardMs()) / 1000;
  }

  awaySince = (): Date | undefined => this.#informers.awaySince();

  /** Whether what is known is what the API server knows, but for the moment that an event is on its way. */
  isCurrent = (): boolean => this.isSynced && this.awaySince() === undefined;

  async stop(): Promise<void> {
    await this.#informers.stop();
    await this.#client.close();
  }
}

const zoneFor = (directive: KubernetesDirective, clock: Clock): ClusterZone =>
  new ClusterZone({ ...zoneOptionsOf(directive), nowSeconds: () => Math.floor(clock.now() / 1000) });

/** Throws UsageError. */
export function zoneOptionsOf(directive: KubernetesDirective): Omit<ZoneOptions, 'nowSeconds'> {
  const { namespaces, namespaceLabels } = directive;
  return {
    ...splitZones(directive.zones),
    ttlSeconds: directive.ttlSeconds,
    podRecords: directive.pods,
    nameServerService: 'kube-system/kube-dns',
    ignoreEmptyServices: directive.ignoreEmptyServices,
    wildcards: directive.wildcards,
    endpointPodNames: directive.endpointPodNames,
    withoutEndpoints: !directive.endpoints,
    namespaces,
    onlyListedNamespaces: namespaceLabels !== undefined,
  };
}

/** Clusters by what is said of them, so that a reload that changes nothing of it goes on with what is known. */
export class Clusters {
  readonly #dependencies: ClusterDependencies;
  #known = new Map<string, FollowedCluster>();

  constructor(dependencies: ClusterDependencies) {
    this.#dependencies = dependencies;
  }

  get all(): FollowedCluster[] {
    return [...this.#known.values()];
  }

  /** `withOwners`: it is asked who has an address. Throws UsageError. */
  of(directive: KubernetesDirective, withOwners: boolean): FollowedCluster {
    // What is done with a name that is not there is the plugin's matter, not the zone's.
    const { fallthrough: _, startupTimeoutMs: __, ...followed } = directive;
    const key = JSON.stringify({ ...followed, withOwners });
    const cluster = this.#known.get(key) ?? new FollowedCluster(directive, withOwners, this.#dependencies);
    this.#known.set(key, cluster);
    return cluster;
  }

  /** Lets go of those that nobody follows any more. */
  async keep(used: ReadonlySet<FollowedCluster>): Promise<void> {
    const gone = this.all.filter((cluster) => !used.has(cluster));
    this.#known = new Map([...this.#known].filter(([, cluster]) => used.has(cluster)));
    await Promise.all(gone.map((cluster) => cluster.stop()));
  }
}
