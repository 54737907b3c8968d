import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyCommand } from './proxy.ts';
import { flagValues } from './proxy-flags.ts';

function parse(...words: string[]) {
  const command = proxyCommand();
  const { operands, unknown } = command.parseOptions(words);
  assert.deepEqual([operands, unknown], [[], []]);
  return flagValues(command);
}

test('Flags are taken as Go takes them', () => {
  const values = parse(
    '--masquerade-all',
    '--profiling=false',
    '--v=4',
    '--cluster-cidr',
    '10.0.0.0/8',
    '--conntrack-min=0',
  );
  assert.equal(values['masquerade-all'], 'true');
  assert.equal(values.profiling, 'false');
  assert.equal(values.v, '4');
  assert.equal(values['cluster-cidr'], '10.0.0.0/8');
  assert.equal(values['conntrack-min'], '0');
  for (const words of [['-v', '2'], ['-v2'], ['-v=2'], ['--v=2'], ['--v', '2']]) assert.equal(parse(...words).v, '2');
  assert.equal(parse('--healthz-bind-address=')['healthz-bind-address'], '');
  assert.equal(parse().mode, undefined);
});

/** Every flag of kube-proxy 1.33 to 1.36 on Linux (cmd/kube-proxy/app/options.go, component-base/logs/api/v1). */
const upstream = `bind-address bind-address-hard-fail boot-id-file cleanup cluster-cidr config config-sync-period
  conntrack-max-per-core conntrack-min conntrack-tcp-be-liberal conntrack-tcp-timeout-close-wait
  conntrack-tcp-timeout-established conntrack-udp-timeout conntrack-udp-timeout-stream detect-local-mode feature-gates
  healthz-bind-address healthz-port hostname-override init-only iptables-localhost-nodeports iptables-masquerade-bit
  iptables-min-sync-period iptables-sync-period ipvs-exclude-cidrs ipvs-min-sync-period ipvs-scheduler ipvs-strict-arp
  ipvs-sync-period ipvs-tcp-timeout ipvs-tcpfin-timeout ipvs-udp-timeout kube-api-burst kube-api-content-type kube-api-qps
  kubeconfig log-flush-frequency log-json-info-buffer-size log-json-split-stream log-text-info-buffer-size
  log-text-split-stream logging-format machine-id-file masquerade-all master metrics-bind-address metrics-port
  nodeport-addresses oom-score-adj pod-bridge-interface pod-interface-name-prefix profiling proxy-mode
  show-hidden-metrics-for-version v vmodule write-config-to`;

test('Every flag of kube-proxy is known', () => {
  const known = new Set(proxyCommand().options.map((option) => option.name()));
  const missing = upstream.split(/\s+/).filter((name) => !known.has(name));
  assert.deepEqual(missing, []);
});
