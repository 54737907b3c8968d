import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { UsageError } from '../../base/errors.ts';
import { parseDuration } from '../../base/go-duration.ts';
import { configurationAdvice } from './advice.ts';
import { applyConfigDefaults } from './defaults.ts';
import { flagsOfConfiguration, proxyFlags } from './flags.ts';
import { configurationFromFlags } from './load.ts';
import { readConfiguration } from './read.ts';
import { proxySettings } from './settings.ts';
import { formatConfiguration } from './write.ts';

const head = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';
const read = (text: string) => readConfiguration(head + text, 'config.conf');
const defaults = applyConfigDefaults({});

test('The file that kubeadm writes is read without a warning, and its zeros are the defaults', () => {
  const text = readFileSync(join(import.meta.dirname, 'kubeadm.yaml'), 'utf8');
  const { config, warnings } = readConfiguration(text, 'kubeadm.yaml');
  assert.deepEqual(warnings, []);
  const { clientConnection, clusterCIDR, logging, ...rest } = config;
  assert.equal(clientConnection.kubeconfig, '/var/lib/kube-proxy/kubeconfig.conf');
  assert.equal(clusterCIDR, '10.244.0.0/16');
  assert.equal(logging.flushFrequency, '5s');
  const { clientConnection: _, clusterCIDR: __, logging: ___, ...others } = defaults;
  assert.deepEqual(rest, others);
});

test('The defaults are those of kube-proxy', () => {
  assert.equal(defaults.healthzBindAddress, '0.0.0.0:10256');
  assert.equal(defaults.metricsBindAddress, '127.0.0.1:10249');
  assert.equal(defaults.oomScoreAdj, -999);
  assert.deepEqual(defaults.conntrack, {
    maxPerCore: 32_768,
    min: 131_072,
    tcpEstablishedTimeout: '24h0m0s',
    tcpCloseWaitTimeout: '1h0m0s',
    tcpBeLiberal: false,
    udpTimeout: '0s',
    udpStreamTimeout: '0s',
  });
  const ipv6 = applyConfigDefaults({ bindAddress: '::' });
  assert.deepEqual([ipv6.healthzBindAddress, ipv6.metricsBindAddress], ['[::]:10256', '[::1]:10249']);
  assert.equal(applyConfigDefaults({ healthzBindAddress: 'fd00::1' }).healthzBindAddress, '[fd00::1]:10256');
});

test('Zero stands for itself where kube-proxy tells it from nothing', () => {
  const { config } = read(
    'conntrack: {maxPerCore: 0, tcpEstablishedTimeout: 0s}\niptables: {masqueradeBit: 0, localhostNodePorts: false}\noomScoreAdj: 0',
  );
  assert.equal(config.conntrack.maxPerCore, 0);
  assert.equal(config.conntrack.tcpEstablishedTimeout, '0s');
  assert.equal(config.iptables.masqueradeBit, 0);
  assert.equal(config.iptables.localhostNodePorts, false);
  assert.equal(config.oomScoreAdj, 0);
});

const refused: [string, string][] = [
  ['iptables: {masquaradeBit: 14}', 'unknown field "iptables.masquaradeBit"'],
  ['detectlocal: {}', 'unknown field "detectlocal"'],
  ['iptables: {masqueradeBit: 32}', 'iptables.masqueradeBit: Invalid value: 32: must be within the range [0, 31]'],
  ['iptables: {masqueradeBit: "14"}', 'iptables.masqueradeBit: Invalid value: "14": must be of type integer'],
  ['nftables: {syncPeriod: -1s}', 'nftables.syncPeriod: Invalid value: "-1s": must be greater than 0'],
  ['iptables: {syncPeriod: soon}', 'iptables.syncPeriod: Invalid value: "soon": must be a duration (e.g. 30s, 1h0m0s)'],
  [
    'iptables: {syncPeriod: 5s, minSyncPeriod: 6s}',
    'iptables.syncPeriod: Invalid value: "5s": must be greater than or equal to iptables.minSyncPeriod',
  ],
  ['conntrack: {min: -1}', 'conntrack.min: Invalid value: -1: must be greater than or equal to 0'],
  ['conntrack: {udpTimeout: -1s}', 'conntrack.udpTimeout: Invalid value: "-1s": must be greater than or equal to 0'],
  ['oomScoreAdj: 1001', 'oomScoreAdj: Invalid value: 1001: must be within the range [-1000, 1000]'],
  ['bindAddress: here', 'bindAddress: Invalid value: "here": not a valid textual representation of an IP address'],
  ['healthzBindAddress: here', 'healthzBindAddress: Invalid value: "here": must be IP:port'],
  ['healthzBindAddress: here:80', 'healthzBindAddress: Invalid value: "here": must be a valid IP'],
  ['metricsBindAddress: 127.0.0.1:0', 'metricsBindAddress: Invalid value: "0": must be a valid port'],
  [
    'clusterCIDR: 10.0.0.0/8,10.1.0.0/16',
    'clusterCIDR: Invalid value: "10.0.0.0/8,10.1.0.0/16": must be a valid DualStack CIDR (e.g. 10.100.0.0/16,fde4:8dba:82e1::/48)',
  ],
  [
    'clusterCIDR: 10.0.0.0',
    'clusterCIDR: Invalid value: "10.0.0.0": must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)',
  ],
  [
    'detectLocalMode: Bridge',
    'detectLocalMode: Invalid value: "Bridge": must be ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix or blank',
  ],
  ['detectLocalMode: BridgeInterface', 'detectLocal.bridgeInterface: Invalid value: "": must not be empty'],
  [
    'nodePortAddresses: [primary, secondary]',
    'nodePortAddresses[1]: Invalid value: "secondary": must be a valid CIDR block (e.g. 10.100.0.0/16), "primary", "localhost" or "all"',
  ],
  [
    'nodePortAddresses: [10.0.0.1]',
    'nodePortAddresses[0]: Invalid value: "10.0.0.1": must be a valid CIDR block (e.g. 10.100.0.0/16), "primary", "localhost" or "all"',
  ],
  [
    'mode: kernelspace',
    'mode: Invalid value: "kernelspace": must be nftables, iptables, userspace or blank (blank means the best-available proxy [nftables, else iptables])',
  ],
  ['clientConnection: {qps: many}', 'clientConnection.qps: Invalid value: "many": must be a number'],
  ['mode: a\nmode: b', 'Map keys must be unique at line 4, column 1:'],
];

for (const [text, problem] of refused) {
  test(`Refused: ${text.replaceAll('\n', ' ')}`, () => {
    assert.throws(
      () => read(text),
      (error) => error instanceof UsageError && error.message === `Read config.conf: ${problem}`,
    );
  });
}

test('All unknown and wrong fields are named at once', () => {
  assert.throws(
    () => read('a: 1\niptables: {b: 2, masqueradeAll: 3}'),
    /unknown field "a", unknown field "iptables.b", iptables.masqueradeAll: Invalid value: 3: must be of type boolean$/,
  );
});

test('Another kind or version is refused', () => {
  const source = 'config.conf';
  assert.throws(() => readConfiguration('kind: Pod', source), /kind: Unsupported value: "Pod"/);
  const text = 'kind: KubeProxyConfiguration\napiVersion: kubeproxy.config.k8s.io/v1';
  assert.throws(() => readConfiguration(text, source), /apiVersion: Unsupported value: "kubeproxy.config.k8s.io\/v1"/);
  assert.throws(() => readConfiguration('[]', source), /it is no KubeProxyConfiguration/);
});

const warned: [string, string][] = [
  ['udpIdleTimeout: 250ms', 'udpIdleTimeout has no effect: it went with the userspace mode in Kubernetes 1.26'],
  ['conntrack: {max: 5}', 'conntrack.max has no effect: it went in Kubernetes 1.15: use conntrack.maxPerCore'],
  ['portRange: 1-2', 'portRange has no effect: it is deprecated and has no effect'],
  ['winkernel: {enableDSR: true}', 'winkernel.enableDSR has no effect: it is for Windows'],
  ['ipvs: {scheduler: rr}', 'ipvs.scheduler has no effect: it is for mode ipvs'],
  [
    'iptables: {minSyncPeriod: 10s}',
    'iptables.minSyncPeriod has no effect: each change is written at once, at the cost of that change',
  ],
  [
    'iptables: {snatNodeInternalIP: true}',
    'iptables.snatNodeInternalIP has no effect: connections are masqueraded with the address of the interface that they leave by',
  ],
  ['featureGates: {Foo: true}', 'featureGates.Foo has no effect: this feature gate is not known here'],
  [
    'featureGates: {NFTablesProxyMode: false}',
    'featureGates.NFTablesProxyMode has no effect: what it turns off is always on',
  ],
];

for (const [text, warning] of warned) {
  test(`Warned of: ${text}`, () => assert.deepEqual(read(text).warnings, [warning]));
}

test('A field that has no effect is no trouble with its default, nor is a gate that turns on what is there', () => {
  const text =
    'ipvs: {syncPeriod: 30s}\niptables: {minSyncPeriod: 1s, snatNodeInternalIP: null}\nfeatureGates: {NFTablesProxyMode: true}';
  assert.deepEqual(read(text).warnings, []);
});

test('What is written is read back as the same, whatever it says', () => {
  const { config } = read('mode: iptables\nnodePortAddresses: [primary]\nconntrack: {min: 0}\nfeatureGates: {X: true}');
  assert.deepEqual(readConfiguration(formatConfiguration(config), 'again').config, config);
});

test('Settings follow the mode', () => {
  const { config } = read(
    'nftables: {masqueradeBit: 3}\niptables: {masqueradeBit: 4, syncPeriod: 1m0s}\nclusterCIDR: 10.0.0.0/8',
  );
  assert.equal(proxySettings(config, 'nftables').masqueradeBit, 3);
  assert.deepEqual(proxySettings(config, 'iptables'), {
    detectLocalMode: 'ClusterCIDR',
    clusterCidr: '10.0.0.0/8',
    masqueradeBit: 4,
    masqueradeAll: false,
    localhostNodePorts: true,
    conntrackTcpBeLiberal: false,
    syncPeriodMs: 60_000,
  });
  assert.equal(proxySettings(config, 'nftables').nodePortAddresses, undefined);
  assert.deepEqual(proxySettings(read('mode: nftables').config, 'nftables').nodePortAddresses, ['primary']);
});

test('Every flag sets its fields', () => {
  const samples = { text: '127.0.0.2', boolean: 'true', number: '7', list: '10.0.0.0/8', gates: 'A=true' };
  const special: Record<string, string> = {
    'proxy-mode': 'iptables',
    'detect-local-mode': 'NodeCIDR',
    'logging-format': 'json',
  };
  const sampleOf = ({ name, kind }: (typeof proxyFlags)[number]) =>
    special[name] ??
    (/period|timeout|frequency/.test(name) ? '29s' : name === 'cluster-cidr' ? '10.0.0.0/8' : samples[kind]);
  for (const flag of proxyFlags) {
    const { config } = configurationFromFlags({ [flag.name]: sampleOf(flag) });
    for (const field of flag.fields) {
      const at = (root: unknown) =>
        field.split('.').reduce((value, name) => (value as Record<string, unknown>)[name], root);
      if (flag.name === 'iptables-localhost-nodeports') assert.equal(at(config), true);
      else assert.notDeepEqual(at(config), at(defaults), `--${flag.name} sets ${field}`);
    }
  }
});

test('Flags are refused by name, and their values by field', () => {
  assert.throws(
    () => configurationFromFlags({ 'conntrack-min': 'few' }),
    /Read --conntrack-min: "few" is not a number/,
  );
  assert.throws(() => configurationFromFlags({ 'masquerade-all': 'yes' }), /"yes" is not true or false/);
  assert.throws(() => configurationFromFlags({ 'feature-gates': 'A' }), /"A" is not Name=true or Name=false/);
  assert.throws(
    () => configurationFromFlags({ 'oom-score-adj': '5000' }),
    /Read the flags: oomScoreAdj: Invalid value: 5000/,
  );
});

test('Only flags can turn the servers off, by an empty address or the old port 0', () => {
  const addresses = (values: Record<string, string>) => {
    const { healthzBindAddress, metricsBindAddress } = configurationFromFlags(values).config;
    return [healthzBindAddress, metricsBindAddress];
  };
  assert.deepEqual(addresses({ 'healthz-bind-address': '' }), ['', '127.0.0.1:10249']);
  assert.deepEqual(addresses({ 'metrics-port': '0' }), ['0.0.0.0:10256', '']);
  assert.deepEqual(addresses({ 'healthz-port': '8080', 'metrics-bind-address': '0.0.0.0' }), [
    '0.0.0.0:8080',
    '0.0.0.0:10249',
  ]);
});

const durations: [string, number | undefined][] = [
  ['30s', 30_000],
  ['1h0m0s', 3_600_000],
  ['1h30m', 5_400_000],
  ['1.5s', 1500],
  ['.5s', 500],
  ['250ms', 250],
  ['1500us', 1.5],
  ['0', 0],
  ['-1s', -1000],
  ['+1s', 1000],
  ['', undefined],
  ['5', undefined],
  ['1s ', undefined],
  ['s', undefined],
  ['1s2', undefined],
];

for (const [text, expected] of durations) {
  test(`Duration ${JSON.stringify(text)}`, () => assert.equal(parseDuration(text), expected));
}

test('The flags of a configuration say the same as it', () => {
  const { config } = configurationFromFlags({
    'proxy-mode': 'iptables',
    'nodeport-addresses': '10.0.0.0/8,fd00::/8',
    'feature-gates': 'A=true,B=false',
    'iptables-masquerade-bit': '3',
    'masquerade-all': 'true',
  });
  const flags = flagsOfConfiguration(config);
  assert.equal(flags['nodeport-addresses'], '10.0.0.0/8,fd00::/8');
  assert.equal(flags['feature-gates'], 'A=true,B=false');
  assert.deepEqual(configurationFromFlags(flags).config, config);
});

const advised: [text: string, told: RegExp[]][] = [
  ['clusterCIDR: 10.0.0.0/8', [/^nodePortAddresses is unset/]],
  ['mode: nftables\nclusterCIDR: 10.0.0.0/8', []],
  ['nodePortAddresses: [primary]\nclusterCIDR: "10.0.0.0/8,fd00::/8"', []],
  ['nodePortAddresses: [10.0.0.0/8]\nclusterCIDR: "10.0.0.0/8,fd00::/8"', [/^nodePortAddresses has no range of IPv6/]],
  ['nodePortAddresses: [10.0.0.0/8, fd00::/8]\nclusterCIDR: "10.0.0.0/8,fd00::/8"', []],
  ['nodePortAddresses: [primary]', [/^detectLocalMode is ClusterCIDR and clusterCIDR is empty/]],
  ['nodePortAddresses: [primary]\ndetectLocalMode: NodeCIDR', []],
];

for (const [text, told] of advised) {
  test(`Advice on ${text.replaceAll('\n', ' ')}`, () => {
    const advice = configurationAdvice(read(text).config);
    assert.equal(advice.length, told.length, advice.join('\n'));
    for (const [i, pattern] of told.entries()) assert.match(advice[i]!, pattern);
  });
}
