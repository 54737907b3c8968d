import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/mod.ts';
import { createDnsInformers, type DnsInformers, followCluster } from '../cluster-source.ts';
import type { KubernetesDirective } from '../corefile/mod.ts';
import { ProgrammingLatency } from '../metrics/programming-latency.ts';
import { ClusterZone } from '../zone/mod.ts';

export interface ClusterDependencies {
  /** How this directive says that the API server is reached. Throws UsageError. */
  readonly connect: (directive: KubernetesDirective) => Client;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What one `kubernetes` directive names: a cluster followed for as long as some Corefile says the same of it. */
export class FollowedCluster {
  /** One a domain; all of the same objects. */
  readonly zones: readonly ClusterZone[];
  readonly synced: Promise<void>;
  readonly latency: ProgrammingLatency;
  isSynced = false;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #informers: ReturnType<typeof createDnsInformers>;

  /** Throws UsageError for what the directive or the kubeconfig has wrong. */
  constructor(directive: KubernetesDirective, { connect, clock, log }: ClusterDependencies) {
    this.#clock = clock;
    this.zones = domainsOf(directive).map((domain) => zoneFor(domain, directive, clock));
    this.#client = connect(directive);
    const { labels, namespaces, namespaceLabels, endpoints, endpointPodNames } = directive;
    this.#informers = createDnsInformers({
      client: this.#client,
      clock,
      log,
      withPods: directive.pods === 'verified',
      withEndpoints: endpoints,
      ...(labels !== undefined && { labels }),
      ...(namespaces && { namespaces }),
      ...(namespaceLabels !== undefined && { namespaceLabels }),
    });
    const informers: DnsInformers = this.#informers.informers;
    this.latency = new ProgrammingLatency(informers, () => clock.now());
    const followed = this.zones.map((zone) => followCluster(zone, informers, { endpointPodNames }));
    this.synced = Promise.all(followed).then(() => {
      this.isSynced = true;
      log.info('Cluster zone is complete', this.zones[0]!.size);
    });
    this.#informers.start();
  }

  /** Since the API server was last heard; while it is away the answers are as old as this. */
  get ageSeconds(): number {
    return Math.max(0, this.#clock.monotonicMs() - this.#informers.lastHeardMs()) / 1000;
  }

  async stop(): Promise<void> {
    await this.#informers.stop();
    await this.#client.close();
  }
}

const isReverse = (zone: string): boolean => zone.endsWith('.arpa');

const domainsOf = ({ zones }: KubernetesDirective): string[] => zones.filter((zone) => !isReverse(zone));
export const reverseZonesOf = ({ zones }: KubernetesDirective): string[] => zones.filter(isReverse);

function zoneFor(clusterDomain: string, directive: KubernetesDirective, clock: Clock): ClusterZone {
  return new ClusterZone({
    clusterDomain,
    ttlSeconds: directive.ttlSeconds,
    podRecords: directive.pods,
    reverseCidrs: reverseZonesOf(directive).map(cidrOf),
    nameServerService: 'kube-system/kube-dns',
    hideEmptyServices: directive.ignoreEmptyServices,
    nowSeconds: () => Math.floor(clock.now() / 1000),
  });
}

/** `96.10.in-addr.arpa` is the addresses 10.96.0.0/16. */
function cidrOf(zone: string): string {
  const labels = zone.split('.').slice(0, -2).reverse();
  if (zone.endsWith('in-addr.arpa')) {
    return `${[...labels, ...Array(4 - labels.length).fill('0')].join('.')}/${8 * labels.length}`;
  }
  const nibbles = labels.join('').padEnd(32, '0');
  return `${nibbles.match(/.{4}/g)!.join(':')}/${4 * labels.length}`;
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

  /** Throws UsageError. */
  of(directive: KubernetesDirective): FollowedCluster {
    // What is done with a name that is not there is the plugin's matter, not the zone's.
    const { fallthrough: _, startupTimeoutMs: __, ...followed } = directive;
    const key = JSON.stringify(followed);
    const cluster = this.#known.get(key) ?? new FollowedCluster(directive, this.#dependencies);
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
