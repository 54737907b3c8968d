import { createHash } from 'node:crypto';
import type { Pages } from '../../base/http-listener.ts';
import { version } from '../../base/version.ts';
import { ForwardBooks } from '../metrics/forward-books.ts';
import { registerProcessMetrics } from '../metrics/process-metrics.ts';
import { QueryBooks, registerQueryMetrics } from '../metrics/query-books.ts';
import { Registry } from '../metrics/registry.ts';
import { counter, Distribution, exponential, gauge, histogram, type Sample } from '../metrics/scraped.ts';
import { type CachePlugin, CacheTotals } from '../plugins/cache/mod.ts';
import type { FollowedCluster } from './cluster.ts';
import type { NamePlugins } from './name-plugins.ts';

export interface MetricsSource {
  readonly clusters: () => readonly FollowedCluster[];
  /** `server`, `zone` and `name` of every plugin of every block. */
  readonly enabledPlugins: () => Iterable<Record<'server' | 'zone' | 'name', string>>;
  readonly caches: () => Iterable<{
    readonly server: string;
    readonly zones: string;
    readonly cache: CachePlugin;
  }>;
  /** One for each block. */
  readonly names: () => readonly { readonly server: string; readonly names: NamePlugins }[];
  /** The files that the configuration was read from. */
  readonly configuration: () => string;
}

/** The process's metrics under CoreDNS's names, those of our own under `signalbox_dns_`. Counts survive a reload. */
export class ServiceMetrics {
  readonly registry = new Registry();
  readonly forwards = new ForwardBooks();
  readonly healthSeconds = new Distribution(exponential(0.00025, 10, 5));
  mistakes = 0;
  failedReloads = 0;
  failedHealthChecks = 0;
  readonly #books = new Map<string, QueryBooks>();
  readonly #cacheTotals = new Map<string, CacheTotals>();

  constructor(source: MetricsSource) {
    registerProcessMetrics(this.registry);
    registerQueryMetrics(this.registry, () => this.#books.values());
    this.#registerServer(source);
    this.#registerCluster(source);
    this.#registerCaches(source);
    this.#registerHosts(source);
    this.#registerNames(source);
    this.forwards.register(this.registry);
  }

  /** The books of a zone go on where they were after a reload: counters must not fall. */
  readonly books = (server: string, zone: string): QueryBooks => {
    const key = `${server} ${zone}`;
    const books = this.#books.get(key) ?? new QueryBooks(server, zone);
    this.#books.set(key, books);
    return books;
  };

  /** The same for a cache. */
  readonly cacheTotals = (server: string, zones: string): CacheTotals => {
    const key = `${server} ${zones}`;
    const totals = this.#cacheTotals.get(key) ?? new CacheTotals();
    this.#cacheTotals.set(key, totals);
    return totals;
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

  #registerNames({ names }: MetricsSource): void {
    const perServer = (of: (names: NamePlugins) => number | undefined) => () =>
      [...Map.groupBy(names(), ({ server }) => server)].flatMap(([server, blocks]) => {
        const counts = blocks.flatMap((block) => of(block.names) ?? []);
        return counts.length === 0 ? [] : [{ labels: { server }, value: counts.reduce((sum, count) => sum + count) }];
      });
    counter(
      this.registry,
      { name: 'coredns_autopath_success_total', help: 'Counter of requests that did autopath.' },
      perServer(({ foundBySearch }) => foundBySearch),
    );
    counter(
      this.registry,
      { name: 'coredns_dns64_requests_translated_total', help: 'Counter of DNS requests translated by dns64.' },
      perServer(({ translated }) => translated),
    );
    counter(
      this.registry,
      {
        name: 'coredns_local_localhost_requests_total',
        help: 'Counter of localhost.<domain> requests.',
      },
      () => {
        const counts = names().flatMap((block) => block.names.localhosts ?? []);
        return counts.length === 0 ? [] : [{ value: counts.reduce((sum, count) => sum + count) }];
      },
    );
  }

  #registerHosts({ names }: MetricsSource): void {
    const files = () => names().flatMap((block) => block.names.hosts ?? []);
    const description = (name: string, help: string) => ({ name: `coredns_hosts_${name}`, help });
    gauge(this.registry, description('entries', 'The combined number of entries in hosts and Corefile.'), () =>
      files().length === 0 ? [] : [{ value: files().reduce((sum, { names }) => sum + names.entries, 0) }],
    );
    gauge(
      this.registry,
      description('reload_timestamp_seconds', 'The timestamp of the last reload of hosts file.'),
      () => [{ value: Math.max(0, ...files().map(({ modifiedMs }) => modifiedMs)) / 1000 }],
    );
  }

  #registerCaches({ caches }: MetricsSource): void {
    const byType = (read: (cache: CachePlugin) => Readonly<Record<'success' | 'denial', number>>) =>
      function* (): Generator<Sample> {
        for (const { server, zones, cache } of caches()) {
          for (const [type, value] of Object.entries(read(cache))) {
            yield { labels: { server, type, zones, view: '' }, value };
          }
        }
      };
    const each = (read: (totals: CacheTotals) => number) =>
      function* (): Generator<Sample> {
        for (const { server, zones, cache } of caches()) {
          yield { labels: { server, zones, view: '' }, value: read(cache.totals) };
        }
      };
    const description = (name: string, help: string) => ({ name: `coredns_cache_${name}`, help });
    const { registry } = this;
    gauge(
      registry,
      description('entries', 'The number of elements in the cache.'),
      byType(({ entries }) => entries),
    );
    counter(
      registry,
      description('hits_total', 'The count of cache hits.'),
      byType(({ totals }) => totals.hits),
    );
    counter(
      registry,
      description('evictions_total', 'The count of cache evictions.'),
      byType(({ totals }) => totals.evictions),
    );
    counter(
      registry,
      description('requests_total', 'The count of cache requests.'),
      each(({ requests }) => requests),
    );
    counter(
      registry,
      description(
        'misses_total',
        'The count of cache misses. Deprecated, derive misses from cache hits/requests counters.',
      ),
      each(({ misses }) => misses),
    );
    counter(
      registry,
      description('prefetch_total', 'The number of times the cache has prefetched a cached item.'),
      each(({ prefetches }) => prefetches),
    );
    counter(
      registry,
      description('served_stale_total', 'The number of requests served from stale cache entries.'),
      each(({ servedStale }) => servedStale),
    );
    counter(
      registry,
      description('drops_total', 'The number of responses that are not cached, because the reply is malformed.'),
      each(({ drops }) => drops),
    );
  }
}
