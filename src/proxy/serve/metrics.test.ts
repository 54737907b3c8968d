import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from './metrics.ts';

type Row = readonly [
  name: string,
  type: 'counter' | 'gauge' | 'histogram',
  labels: readonly string[],
  buckets?: readonly number[],
];

const family = ['ip_family'];

/** In seconds: a millisecond, doubled fourteen times. */
const sync = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384];
/** 0, then a quarter and a half, each second of the first minute, every five of the second, every thirty of three more. */
const programming = [
  ...[0, 0.25, 0.5],
  ...Array.from({ length: 59 }, (_, i) => i + 1),
  ...[60, 65, 70, 75, 80, 85, 90, 95, 100, 105, 110, 115],
  ...[120, 150, 180, 210, 240, 270, 300],
];
const requests = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
const sizes = [64, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

/**
 * pkg/proxy/metrics of Kubernetes 1.33 and later (which gave most of them their ip_family), component-base's
 * prometheus/restclient and version; dashboards ask for them by these words.
 */
const upstream: readonly Row[] = [
  ['kubeproxy_sync_proxy_rules_duration_seconds', 'histogram', family, sync],
  ['kubeproxy_sync_full_proxy_rules_duration_seconds', 'histogram', family, sync],
  ['kubeproxy_sync_partial_proxy_rules_duration_seconds', 'histogram', family, sync],
  ['kubeproxy_sync_proxy_rules_last_timestamp_seconds', 'gauge', family],
  ['kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds', 'gauge', family],
  ['kubeproxy_network_programming_duration_seconds', 'histogram', family, programming],
  ['kubeproxy_sync_proxy_rules_endpoint_changes_total', 'counter', []],
  ['kubeproxy_sync_proxy_rules_endpoint_changes_pending', 'gauge', []],
  ['kubeproxy_sync_proxy_rules_service_changes_total', 'counter', []],
  ['kubeproxy_sync_proxy_rules_service_changes_pending', 'gauge', []],
  ['kubeproxy_sync_proxy_rules_no_local_endpoints_total', 'gauge', ['ip_family', 'traffic_policy']],
  ['kubeproxy_sync_proxy_rules_iptables_restore_failures_total', 'counter', family],
  ['kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total', 'counter', family],
  ['kubeproxy_sync_proxy_rules_iptables_total', 'gauge', ['ip_family', 'table']],
  ['kubeproxy_sync_proxy_rules_iptables_last', 'gauge', ['ip_family', 'table']],
  ['kubeproxy_sync_proxy_rules_nftables_sync_failures_total', 'counter', family],
  ['kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total', 'counter', family],
  ['kubeproxy_conntrack_reconciler_sync_duration_seconds', 'histogram', family, sync],
  ['kubeproxy_conntrack_reconciler_deleted_entries_total', 'counter', family],
  ['kubeproxy_proxy_healthz_total', 'counter', ['code']],
  ['kubeproxy_proxy_livez_total', 'counter', ['code']],
  ['rest_client_requests_total', 'counter', ['code', 'method', 'host']],
  ['rest_client_request_duration_seconds', 'histogram', ['verb', 'host'], requests],
  ['rest_client_request_size_bytes', 'histogram', ['verb', 'host'], sizes],
  ['rest_client_response_size_bytes', 'histogram', ['verb', 'host'], sizes],
  [
    'kubernetes_build_info',
    'gauge',
    [
      ...['build_date', 'compiler', 'git_commit', 'git_tree_state', 'git_version'],
      ...['go_version', 'major', 'minor', 'platform'],
    ],
  ],
  ['process_cpu_seconds_total', 'counter', []],
  ['process_resident_memory_bytes', 'gauge', []],
  ['process_virtual_memory_bytes', 'gauge', []],
  ['process_open_fds', 'gauge', []],
  ['process_max_fds', 'gauge', []],
  ['process_start_time_seconds', 'gauge', []],
];

/** What upstream has besides, and why it is not here. A name that comes to be there leaves this list. */
const absent: Readonly<Record<string, string>> = {
  kubeproxy_iptables_ct_state_invalid_dropped_packets_total: 'nfacct, whose counters no rule of ours feeds',
  kubeproxy_iptables_localhost_nodeports_accepted_packets_total: 'nfacct as well',
  rest_client_request_retries_total: 'whoever asks again makes a new request, which is counted as such',
  rest_client_dns_resolution_duration_seconds: "the system's resolver does it while it connects",
  rest_client_transport_cache_entries: 'one connection, no cache of transports',
  rest_client_transport_create_calls_total: 'the same',
  rest_client_rate_limiter_duration_seconds: 'requests are not throttled',
  rest_client_exec_plugin_ttl_seconds: 'exec plugins are refused',
  rest_client_exec_plugin_certificate_rotation_age: 'exec plugins are refused',
  rest_client_exec_plugin_call_total: 'exec plugins are refused',
  kubernetes_feature_enabled: "the gates are those of upstream's binary",
  registered_metrics_total: 'no metric is hidden or disabled',
};

const { registry } = createMetrics();

for (const [name, type, labels, buckets] of upstream) {
  test(`${name} is a ${type} by ${labels.join(', ') || 'nothing'}`, async () => {
    const found = registry.getSingleMetric(name);
    assert.ok(found, 'it is there');
    assert.equal((await found.get()).type, type);
    assert.deepEqual((found as unknown as { labelNames: string[] }).labelNames, labels);
    assert.deepEqual((found as unknown as { upperBounds?: number[] }).upperBounds, buckets);
  });
}

test('What is said to be absent is', () => {
  for (const [name, reason] of Object.entries(absent)) {
    assert.equal(registry.getSingleMetric(name), undefined, `${name}: not any more "${reason}"`);
  }
});

test('Nothing but that table goes by the names of kube-proxy', async () => {
  const known = new Set(upstream.map(([name]) => name));
  const others = (await registry.getMetricsAsJSON())
    .map(({ name }) => name)
    .filter((name) => /^(kube|rest_client)/.test(name) && !known.has(name));
  assert.deepEqual(others, []);
});
