import type { Clock } from '../../base/clock.ts';
import type { AnsweredRequest, RequestObserver } from '../../client/mod.ts';
import type { Change, Informer } from '../../client/port.ts';
import type { EndpointSlice, Service } from '../../kube/mod.ts';
import type { Family, PortPlan } from '../plan/mod.ts';
import type { FlowCleaner, ProxyObserver, SyncReport } from '../ports.ts';
import type { Metrics } from './metrics.ts';
import type { ProxyHealth } from './proxy-health.ts';

export interface BookkeeperOptions {
  readonly metrics: Metrics;
  readonly health: ProxyHealth;
  readonly clock: Clock;
  /** The mode at the moment: failures are counted by its own metric. */
  readonly mode: () => string;
}

const families = ['IPv4', 'IPv6'] as const;

/** The EndpointSlice controller says with it when the Pod or the Service changed that the slice follows. */
const triggerTime = 'endpoints.kubernetes.io/last-change-trigger-time';

/** Keeps metrics and health while news come in and the proxy writes them. */
export class Bookkeeper implements ProxyObserver, RequestObserver {
  readonly #options: BookkeeperOptions;
  readonly #startedMs: number;
  /** When that happened in the cluster which the next sync brings into the kernel, in milliseconds since the epoch. */
  readonly #triggers: Record<Family, number[]> = { IPv4: [], IPv6: [] };
  #pendingServices = 0;
  #pendingSlices = 0;

  constructor(options: BookkeeperOptions) {
    this.#options = options;
    this.#startedMs = options.clock.now();
  }

  watch(services: Informer<Service>, slices: Informer<EndpointSlice>): void {
    const { metrics } = this.#options;
    services.onChange(() => {
      metrics.serviceChanges.inc();
      this.#pendingServices++;
      this.#showPending();
    });
    slices.onChange((change) => {
      metrics.endpointChanges.inc();
      this.#pendingSlices++;
      this.#noteTrigger(change);
      this.#showPending();
    });
  }

  /** The API server has answered a request of ours, or has not. */
  answered({ method, host, status, durationMs, requestBytes }: AnsweredRequest): void {
    const { requests, requestSeconds, requestBytes: sizes } = this.#options.metrics;
    requests.inc({ code: status === undefined ? '<error>' : String(status), method, host });
    requestSeconds.observe({ verb: method, host }, durationMs / 1000);
    if (requestBytes > 0) sizes.observe({ verb: method, host }, requestBytes);
  }

  /** To its end. */
  read({ method, host, responseBytes }: Parameters<RequestObserver['read']>[0]): void {
    this.#options.metrics.responseBytes.observe({ verb: method, host }, responseBytes);
  }

  queued(): void {
    const { clock, health, metrics } = this.#options;
    for (const family of families) {
      health.queued(family);
      metrics.lastQueuedSeconds.set({ ip_family: family }, clock.now() / 1000);
    }
  }

  synced({ family, extent, durationMs, written }: SyncReport): void {
    const { clock, health, metrics } = this.#options;
    const labels = { ip_family: family };
    metrics.syncSeconds.observe(labels, durationMs / 1000);
    (extent === 'full' ? metrics.fullSyncSeconds : metrics.partialSyncSeconds).observe(labels, durationMs / 1000);
    metrics.lastSyncSeconds.set(labels, clock.now() / 1000);
    for (const triggerMs of this.#triggers[family].splice(0)) {
      metrics.programmingSeconds.observe(labels, Math.max(0, clock.now() - triggerMs) / 1000);
    }
    for (const { table, total, written: last } of written.rules ?? []) {
      metrics.iptablesRules.set({ ...labels, table }, total);
      metrics.iptablesRulesLast.set({ ...labels, table }, last);
    }
    this.#pendingServices = 0;
    this.#pendingSlices = 0;
    this.#showPending();
    health.synced(family);
  }

  failed(family: Family, _error: unknown, extent: SyncReport['extent']): void {
    const { health, metrics, mode } = this.#options;
    const labels = { ip_family: family };
    if (mode() === 'nftables') metrics.nftablesFailures.inc(labels);
    if (mode() === 'iptables') {
      metrics.iptablesFailures.inc(labels);
      if (extent === 'partial') metrics.iptablesPartialFailures.inc(labels);
    }
    health.queued(family);
  }

  /** The same cleaner, its work timed. A call is about one family. */
  timed(flows: FlowCleaner): FlowCleaner {
    const { clock, metrics } = this.#options;
    const time = (family: Family | undefined, work: () => void) => {
      const startedMs = clock.monotonicMs();
      work();
      if (family) metrics.flowSeconds.observe({ ip_family: family }, (clock.monotonicMs() - startedMs) / 1000);
    };
    return {
      removeStale(stale) {
        // What is not UDP is only put by for later.
        const udp = stale.find(({ protocol }) => protocol === 'UDP');
        time(udp?.family, () => flows.removeStale(stale));
      },
      removeAllBut(ports) {
        const all = [...ports];
        time(all[0]?.family, () => flows.removeAllBut(all));
      },
    };
  }

  readonly flowsDeleted = (family: Family, count: number): void => {
    this.#options.metrics.flowsDeleted.inc({ ip_family: family }, count);
  };

  /** Counts what would cost more to follow: to be called when somebody asks for the metrics. */
  count(ports: Iterable<PortPlan>): void {
    for (const [key, count] of countWithoutLocal(ports)) {
      const [ip_family = '', traffic_policy = ''] = key.split('/');
      this.#options.metrics.noLocalEndpoints.set({ ip_family, traffic_policy }, count);
    }
  }

  #showPending(): void {
    const { metrics } = this.#options;
    metrics.serviceChangesPending.set(this.#pendingServices);
    metrics.endpointChangesPending.set(this.#pendingSlices);
  }

  /** What had changed before this process began says nothing about its speed. */
  #noteTrigger({ before, after }: Change<EndpointSlice>): void {
    const text = after?.metadata.annotations?.[triggerTime];
    if (after === undefined || text === undefined || text === before?.metadata.annotations?.[triggerTime]) return;
    const triggerMs = Date.parse(text);
    if (triggerMs >= this.#startedMs && after.addressType !== 'FQDN') this.#triggers[after.addressType].push(triggerMs);
  }
}

/** Services, by `family/policy`, that have endpoints but none for a Local policy here: connections to them are dropped. */
function countWithoutLocal(ports: Iterable<PortPlan>): Map<string, number> {
  const services = new Map<string, Set<string>>();
  for (const family of families) {
    for (const policy of ['internal', 'external']) services.set(`${family}/${policy}`, new Set());
  }
  for (const { name, family, internal, external } of ports) {
    if (internal.verdict === 'drop') services.get(`${family}/internal`)!.add(name.service);
    if (external?.verdict === 'drop') services.get(`${family}/external`)!.add(name.service);
  }
  return new Map([...services].map(([key, names]) => [key, names.size]));
}
