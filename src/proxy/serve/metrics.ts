import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { kubernetesVersion } from '../../base/version.ts';

const exponential = (start: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => start * factor ** i);
const linear = (start: number, width: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => start + width * i);

const syncBuckets = exponential(0.001, 2, 15);
/** 64 bytes to 16 MiB. */
const sizeBuckets = [64, 256, 512, ...exponential(1024, 4, 8)];
/** Upstream's (SLO "network programming latency"), zero included: clocks of two machines differ. */
const programmingBuckets = [
  0,
  ...linear(0.25, 0.25, 2),
  ...linear(1, 1, 59),
  ...linear(60, 5, 12),
  ...linear(120, 30, 7),
];

/** Upstream's labels. What only Go's tools stamp into a binary is empty; the version names the Kubernetes release and this build. */
const buildInfo = {
  build_date: '',
  compiler: 'node',
  git_commit: '',
  git_tree_state: '',
  git_version: kubernetesVersion.gitVersion,
  go_version: '',
  major: kubernetesVersion.major,
  minor: kubernetesVersion.minor,
  platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};

/**
 * The metrics of kube-proxy, by its names, types, labels and buckets (pkg/proxy/metrics/metrics.go), so that dashboards
 * and alerts go on working. What a mode does not have is not there, as upstream does not register it.
 */
export function createMetrics() {
  const registry = new Registry();
  const common = (name: string, help: string) => ({ name: `kubeproxy_${name}`, help, registers: [registry] });
  const ofFamily = (name: string, help: string) => ({ ...common(name, help), labelNames: ['ip_family'] as const });
  collectDefaultMetrics({ register: registry });
  const metrics = {
    registry,
    syncSeconds: new Histogram({
      ...ofFamily('sync_proxy_rules_duration_seconds', 'SyncProxyRules latency in seconds'),
      buckets: syncBuckets,
    }),
    fullSyncSeconds: new Histogram({
      ...ofFamily('sync_full_proxy_rules_duration_seconds', 'SyncProxyRules latency in seconds for full resyncs'),
      buckets: syncBuckets,
    }),
    partialSyncSeconds: new Histogram({
      ...ofFamily('sync_partial_proxy_rules_duration_seconds', 'SyncProxyRules latency in seconds for partial resyncs'),
      buckets: syncBuckets,
    }),
    programmingSeconds: new Histogram({
      ...ofFamily('network_programming_duration_seconds', 'In Cluster Network Programming Latency in seconds'),
      buckets: programmingBuckets,
    }),
    lastSyncSeconds: new Gauge(
      ofFamily('sync_proxy_rules_last_timestamp_seconds', 'The last time proxy rules were successfully synced'),
    ),
    lastQueuedSeconds: new Gauge(
      ofFamily('sync_proxy_rules_last_queued_timestamp_seconds', 'The last time a sync of proxy rules was queued'),
    ),
    endpointChanges: new Counter(
      common('sync_proxy_rules_endpoint_changes_total', 'Cumulative proxy rules Endpoint changes'),
    ),
    endpointChangesPending: new Gauge(
      common('sync_proxy_rules_endpoint_changes_pending', 'Pending proxy rules Endpoint changes'),
    ),
    serviceChanges: new Counter(
      common('sync_proxy_rules_service_changes_total', 'Cumulative proxy rules Service changes'),
    ),
    serviceChangesPending: new Gauge(
      common('sync_proxy_rules_service_changes_pending', 'Pending proxy rules Service changes'),
    ),
    noLocalEndpoints: new Gauge({
      ...common(
        'sync_proxy_rules_no_local_endpoints_total',
        'Number of services with a Local traffic policy and no endpoints',
      ),
      labelNames: ['ip_family', 'traffic_policy'] as const,
    }),
    flowSeconds: new Histogram({
      ...ofFamily('conntrack_reconciler_sync_duration_seconds', 'ReconcileConntrackFlowsLatency latency in seconds'),
      buckets: syncBuckets,
    }),
    flowsDeleted: new Counter(
      ofFamily(
        'conntrack_reconciler_deleted_entries_total',
        'Cumulative conntrack flows deleted by conntrack reconciler',
      ),
    ),
    healthzAnswers: new Counter({
      ...common('proxy_healthz_total', 'Cumulative proxy healthz HTTP status'),
      labelNames: ['code'] as const,
    }),
    livezAnswers: new Counter({
      ...common('proxy_livez_total', 'Cumulative proxy livez HTTP status'),
      labelNames: ['code'] as const,
    }),
    nftablesFailures: new Counter(
      ofFamily('sync_proxy_rules_nftables_sync_failures_total', 'Cumulative proxy nftables sync failures'),
    ),
    iptablesFailures: new Counter(
      ofFamily('sync_proxy_rules_iptables_restore_failures_total', 'Cumulative proxy iptables restore failures'),
    ),
    nftablesCleanupFailures: new Counter(
      ofFamily('sync_proxy_rules_nftables_cleanup_failures_total', 'Cumulative proxy nftables cleanup failures'),
    ),
    iptablesPartialFailures: new Counter(
      ofFamily(
        'sync_proxy_rules_iptables_partial_restore_failures_total',
        'Cumulative proxy iptables partial restore failures',
      ),
    ),
    iptablesRules: new Gauge({
      ...common('sync_proxy_rules_iptables_total', 'Total number of iptables rules owned by kube-proxy'),
      labelNames: ['ip_family', 'table'] as const,
    }),
    iptablesRulesLast: new Gauge({
      ...common('sync_proxy_rules_iptables_last', 'Number of iptables rules written by kube-proxy in last sync'),
      labelNames: ['ip_family', 'table'] as const,
    }),
    requests: new Counter({
      name: 'rest_client_requests_total',
      help: 'Number of HTTP requests, partitioned by status code, method, and host',
      labelNames: ['code', 'method', 'host'] as const,
      registers: [registry],
    }),
    requestSeconds: new Histogram({
      name: 'rest_client_request_duration_seconds',
      help: 'Request latency in seconds. Broken down by verb, and host',
      labelNames: ['verb', 'host'] as const,
      buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60],
      registers: [registry],
    }),
    requestBytes: new Histogram({
      name: 'rest_client_request_size_bytes',
      help: 'Request size in bytes. Broken down by verb and host',
      labelNames: ['verb', 'host'] as const,
      buckets: sizeBuckets,
      registers: [registry],
    }),
    responseBytes: new Histogram({
      name: 'rest_client_response_size_bytes',
      help: 'Response size in bytes. Broken down by verb and host',
      labelNames: ['verb', 'host'] as const,
      buckets: sizeBuckets,
      registers: [registry],
    }),
  };
  // Removal is part of each transaction, so that it cannot fail for itself; alerts ask for the counter all the same.
  for (const ip_family of ['IPv4', 'IPv6']) metrics.nftablesCleanupFailures.inc({ ip_family }, 0);
  new Gauge({
    name: 'kubernetes_build_info',
    help: "A metric with a constant '1' value labeled by the Kubernetes release whose behaviour this is, and by what runs it",
    labelNames: Object.keys(buildInfo),
    registers: [registry],
  }).set(buildInfo, 1);
  return metrics;
}

export type Metrics = ReturnType<typeof createMetrics>;
