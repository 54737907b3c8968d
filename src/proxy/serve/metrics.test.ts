import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from './metrics.ts';

type Row = readonly [name: string, type: 'counter' | 'gauge' | 'histogram', labels: readonly string[]];

const family = ['ip_family'];

/** pkg/proxy/metrics of Kubernetes 1.33 and later, component-base and client-go; dashboards ask for them by these words. */
const upstream: readonly Row[] = [
  ['kubeproxy_sync_proxy_rules_duration_seconds', 'histogram', family],
  ['kubeproxy_sync_full_proxy_rules_duration_seconds', 'histogram', family],
  ['kubeproxy_sync_partial_proxy_rules_duration_seconds', 'histogram', family],
  ['kubeproxy_sync_proxy_rules_last_timestamp_seconds', 'gauge', family],
  ['kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds', 'gauge', family],
  ['kubeproxy_network_programming_duration_seconds', 'histogram', family],
  ['kubeproxy_sync_proxy_rules_endpoint_changes_total', 'counter', []],
  ['kubeproxy_sync_proxy_rules_endpoint_changes_pending', 'gauge', []],
  ['kubeproxy_sync_proxy_rules_service_changes_total', 'counter', []],
  ['kubeproxy_sync_proxy_rules_service_changes_pending', 'gauge', []],
  ['kubeproxy_sync_proxy_rules_no_local_endpoints_total', 'gauge', ['ip_family', 'traffic_policy']],
  ['kubeproxy_sync_proxy_rules_iptables_restore_failures_total', 'counter', family],
  ['kubeproxy_sync_proxy_rules_nftables_sync_failures_total', 'counter', family],
  ['kubeproxy_conntrack_reconciler_sync_duration_seconds', 'histogram', family],
  ['kubeproxy_conntrack_reconciler_deleted_entries_total', 'counter', family],
  ['kubeproxy_proxy_healthz_total', 'counter', ['code']],
  ['kubeproxy_proxy_livez_total', 'counter', ['code']],
  ['rest_client_requests_total', 'counter', ['code', 'method', 'host']],
  ['rest_client_request_duration_seconds', 'histogram', ['verb', 'host']],
  ['rest_client_request_size_bytes', 'histogram', ['verb', 'host']],
  ['kubernetes_build_info', 'gauge', ['major', 'minor', 'git_version', 'build']],
  ['process_cpu_seconds_total', 'counter', []],
  ['process_resident_memory_bytes', 'gauge', []],
  ['process_virtual_memory_bytes', 'gauge', []],
  ['process_open_fds', 'gauge', []],
  ['process_max_fds', 'gauge', []],
  ['process_start_time_seconds', 'gauge', []],
];

/** What upstream has besides, and why it is not here. A name that comes to be there leaves this list. */
const absent: Readonly<Record<string, string>> = {
  kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total: 'removal is part of the transaction: see sync failures',
  kubeproxy_iptables_ct_state_invalid_dropped_packets_total: 'nfacct, whose counters no rule of ours feeds',
  kubeproxy_iptables_localhost_nodeports_accepted_packets_total: 'nfacct as well',
  rest_client_response_size_bytes: 'answers are streams whose end nobody waits for',
  rest_client_rate_limiter_duration_seconds: 'requests are not throttled',
  rest_client_exec_plugin_ttl_seconds: 'exec plugins are refused',
  rest_client_exec_plugin_certificate_rotation_age: 'exec plugins are refused',
  rest_client_exec_plugin_call_total: 'exec plugins are refused',
  kubernetes_feature_enabled: "the gates are those of upstream's binary",
  registered_metrics_total: 'no metric is hidden or disabled',
};

const { registry } = createMetrics();

for (const [name, type, labels] of upstream) {
  test(`${name} is a ${type} by ${labels.join(', ') || 'nothing'}`, async () => {
    const found = registry.getSingleMetric(name);
    assert.ok(found, 'it is there');
    assert.equal((await found.get()).type, type);
    assert.deepEqual((found as unknown as { labelNames: string[] }).labelNames, labels);
  });
}

test('What is said to be absent is', () => {
  for (const [name, reason] of Object.entries(absent)) {
    assert.equal(registry.getSingleMetric(name), undefined, `${name}: not any more "${reason}"`);
  }
});

test('Nothing but that table goes by the names of kube-proxy', async () => {
  const known = new Set(upstream.map(([name]) => name));
  // Rule counts belong to the iptables mode, which has a test of its own for them.
  const others = (await registry.getMetricsAsJSON())
    .map(({ name }) => name)
    .filter((name) => name.startsWith('kubeproxy_') && !name.includes('iptables') && !known.has(name));
  assert.deepEqual(others, []);
});
