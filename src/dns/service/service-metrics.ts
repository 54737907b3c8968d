import { createHash } from 'node:crypto';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Pages } from '../../base/http-listener.ts';
import { version } from '../../base/version.ts';
import { QueryBooks, registerQueryMetrics } from '../metrics/query-books.ts';
import { counter, Distribution, exponential, gauge, histogram, type Sample } from '../metrics/scraped.ts';
import type { FollowedCluster } from './cluster.ts';

export interface MetricsSource {
  readonly clusters: () => readonly FollowedCluster[];
  /** `server`, `zone` and `name` of every plugin of every block. */
  readonly enabledPlugins: () => Iterable<Record<'server' | 'zone' | 'name', string>>;
  /** The files that the configuration was read from. */
  readonly configuration: () => string;
}

/** The process's metrics under CoreDNS's names, those of our own under `signalbox_dns_`. Counts survive a reload. */
export class ServiceMetrics {
  readonly registry = new Registry();
  readonly healthSeconds = new Distribution(exponential(0.00025, 10, 5));
  mistakes = 0;
  failedReloads = 0;
  failedHealthChecks = 0;
  readonly #books = new Map<string, QueryBooks>();

  constructor(source: MetricsSource) {
    collectDefaultMetrics({ register: this.registry });
    registerQueryMetrics(this.registry, () => this.#books.values());
    this.#registerServer(source);
    this.#registerCluster(source);
  }

  /** The books of a zone go on where they were after a reload: counters must not fall. */
  readonly books = (server: string, zone: string): QueryBooks => {
    const key = `${server} ${zone}`;
    const books = this.#books.get(key) ?? new QueryBooks(server, zone);
    this.#books.set(key, books);
    return books;
  };

  readonly pages: Pages = async (path) =>
    path === '/metrics'
      ? { status: 200, headers: { 'content-type': this.registry.contentType }, body: await this.registry.metrics() }
      : undefined;

  #registerServer({ enabledPlugins, configuration }: MetricsSource): void {
    const one = (value: () => number) => () => [{ value: value() }];
    const { registry } = this;
    const description = (name: string, help: string) => ({ name: `coredns_${name}`, help });
    gauge(registry, description('build_info', "A metric with a constant '1' value labeled by version."), () => [
      { labels: { version, revision: '', goversion: `node ${process.version}` }, value: 1 },
    ]);
    counter(
      registry,
      description('panics_total', 'A metrics that counts the number of panics.'),
      one(() => this.mistakes),
    );
    gauge(
      registry,
      description('plugin_enabled', 'A metric that indicates whether a plugin is enabled per server and zone.'),
      function* (): Generator<Sample> {
        for (const labels of enabledPlugins()) yield { labels: { ...labels, view: '' }, value: 1 };
      },
    );
    counter(
      registry,
      description('reload_failed_total', 'Counter of the number of failed reload attempts.'),
      one(() => this.failedReloads),
    );
    gauge(registry, description('reload_version_info', 'A metric with the hash of the configuration.'), () => [
      { labels: { hash: 'sha512', value: createHash('sha512').update(configuration()).digest('hex') }, value: 1 },
    ]);
    histogram(
      registry,
      description('health_request_duration_seconds', 'Histogram of the time (in seconds) each request took.'),
      () => [{ labels: {}, value: this.healthSeconds }],
    );
    counter(
      registry,
      description('health_request_failures_total', 'The number of times the health check failed.'),
      one(() => this.failedHealthChecks),
    );
  }

  #registerCluster({ clusters }: MetricsSource): void {
    histogram(
      this.registry,
      {
        name: 'coredns_kubernetes_dns_programming_duration_seconds',
        help: 'Histogram of the time (in seconds) it took to program a dns instance.',
      },
      () =>
        clusters().map(({ latency }) => ({
          labels: { service_kind: 'headless_with_selector' },
          value: latency.seconds,
        })),
    );
    gauge(
      this.registry,
      {
        name: 'signalbox_dns_cluster_silence_seconds',
        help: 'How long ago the API server was last heard, by a list, an event or a bookmark: answers may be so old.',
      },
      () =>
        clusters()
          .filter(({ isSynced }) => isSynced)
          .map(({ ageSeconds }) => ({ value: ageSeconds })),
    );
  }
}
