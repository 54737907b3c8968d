import { UsageError } from '../../base/errors.ts';
import type { KubeProxyConfiguration } from '../../kube/mod.ts';
import { type GivenConfiguration, healthzPort, metricsPort, withPort } from './defaults.ts';

/** One of kube-proxy's flags that stands for a field of the configuration. */
export interface ProxyFlag {
  /** Without the dashes. */
  readonly name: string;
  readonly kind: 'text' | 'boolean' | 'number' | 'list' | 'gates';
  /** The fields that it sets. */
  readonly fields: readonly string[];
  readonly description: string;
}

const flag = (
  name: string,
  kind: ProxyFlag['kind'],
  fields: string | readonly string[],
  description: string,
): ProxyFlag => ({
  name,
  kind,
  fields: typeof fields === 'string' ? [fields] : fields,
  description,
});

/** Upstream's flags know one bit, one period and one "all" for the modes that are not IPVS. */
const bothModes = (field: string) => [`iptables.${field}`, `nftables.${field}`];

/**
 * The flags of kube-proxy 1.33 to 1.36 that set a field. As with kube-proxy, `--config` makes it ignore all of them but
 * --hostname-override and those for logging.
 */
export const proxyFlags: readonly ProxyFlag[] = [
  flag('bind-address', 'text', 'bindAddress', "the node's primary address, where the Node object's is wrong"),
  flag('bind-address-hard-fail', 'boolean', 'bindAddressHardFail', 'end when a port cannot be had'),
  flag('cluster-cidr', 'text', 'clusterCIDR', 'addresses of all Pods, one range a family, for mode ClusterCIDR'),
  flag('config-sync-period', 'text', 'configSyncPeriod', 'no effect: watches miss nothing'),
  flag(
    'conntrack-max-per-core',
    'number',
    'conntrack.maxPerCore',
    'connections to track for each CPU; 0: leave as it is',
  ),
  flag('conntrack-min', 'number', 'conntrack.min', 'connections to track at least'),
  flag('conntrack-tcp-be-liberal', 'boolean', 'conntrack.tcpBeLiberal', 'set nf_conntrack_tcp_be_liberal'),
  flag(
    'conntrack-tcp-timeout-close-wait',
    'text',
    'conntrack.tcpCloseWaitTimeout',
    'how long conntrack keeps CLOSE_WAIT',
  ),
  flag('conntrack-tcp-timeout-established', 'text', 'conntrack.tcpEstablishedTimeout', 'and idle TCP connections'),
  flag('conntrack-udp-timeout', 'text', 'conntrack.udpTimeout', 'and UDP without an answer; 0s: leave as it is'),
  flag(
    'conntrack-udp-timeout-stream',
    'text',
    'conntrack.udpStreamTimeout',
    'and UDP with answers; 0s: leave as it is',
  ),
  flag('detect-local-mode', 'text', 'detectLocalMode', 'how to tell Pods from others'),
  flag('feature-gates', 'gates', 'featureGates', 'Name=true,Other=false'),
  flag('healthz-bind-address', 'text', 'healthzBindAddress', 'where to answer /healthz and /livez; empty: nowhere'),
  flag(
    'iptables-localhost-nodeports',
    'boolean',
    'iptables.localhostNodePorts',
    'node ports on localhost, mode iptables',
  ),
  flag(
    'iptables-masquerade-bit',
    'number',
    bothModes('masqueradeBit'),
    'bit of the packet mark that means "masquerade"',
  ),
  flag('iptables-min-sync-period', 'text', bothModes('minSyncPeriod'), 'no effect: each change is written at once'),
  flag('iptables-sync-period', 'text', bothModes('syncPeriod'), 'how often to look for changes that others made'),
  flag('ipvs-exclude-cidrs', 'list', 'ipvs.excludeCIDRs', 'for mode ipvs'),
  flag('ipvs-min-sync-period', 'text', 'ipvs.minSyncPeriod', 'for mode ipvs'),
  flag('ipvs-scheduler', 'text', 'ipvs.scheduler', 'for mode ipvs'),
  flag('ipvs-strict-arp', 'boolean', 'ipvs.strictARP', 'for mode ipvs'),
  flag('ipvs-sync-period', 'text', 'ipvs.syncPeriod', 'for mode ipvs'),
  flag('ipvs-tcp-timeout', 'text', 'ipvs.tcpTimeout', 'for mode ipvs'),
  flag('ipvs-tcpfin-timeout', 'text', 'ipvs.tcpFinTimeout', 'for mode ipvs'),
  flag('ipvs-udp-timeout', 'text', 'ipvs.udpTimeout', 'for mode ipvs'),
  flag('kube-api-burst', 'number', 'clientConnection.burst', 'no effect: requests are not throttled'),
  flag('kube-api-content-type', 'text', 'clientConnection.contentType', 'no effect: JSON'),
  flag('kube-api-qps', 'number', 'clientConnection.qps', 'no effect: requests are not throttled'),
  flag(
    'kubeconfig',
    'text',
    'clientConnection.kubeconfig',
    "how to reach the API server; left out: as the cluster's Pod",
  ),
  flag('log-flush-frequency', 'text', 'logging.flushFrequency', 'no effect: lines are written at once'),
  flag('logging-format', 'text', 'logging.format', 'text or json; as --log-format'),
  flag('masquerade-all', 'boolean', bothModes('masqueradeAll'), 'masquerade all connections to cluster IPs'),
  flag('metrics-bind-address', 'text', 'metricsBindAddress', 'where to answer /metrics and others; empty: nowhere'),
  flag('nodeport-addresses', 'list', 'nodePortAddresses', 'ranges of local addresses with node ports, or "primary"'),
  flag('oom-score-adj', 'number', 'oomScoreAdj', 'of this process, -1000 to 1000'),
  flag('pod-bridge-interface', 'text', 'detectLocal.bridgeInterface', 'for --detect-local-mode BridgeInterface'),
  flag('pod-interface-name-prefix', 'text', 'detectLocal.interfaceNamePrefix', 'for mode InterfaceNamePrefix'),
  flag('profiling', 'boolean', 'enableProfiling', 'no effect: Go profiles cannot be had here'),
  flag('proxy-mode', 'text', 'mode', 'nftables, iptables or userspace; left out: the best that the kernel has'),
  flag('show-hidden-metrics-for-version', 'text', 'showHiddenMetricsForVersion', 'no effect: no metric is hidden'),
  flag('v', 'number', 'logging.verbosity', 'from 4 on, debug messages are logged as well'),
  // Ours, from before there was a configuration file.
  flag('masquerade-bit', 'number', bothModes('masqueradeBit'), 'as --iptables-masquerade-bit'),
  flag('sync-period', 'text', bothModes('syncPeriod'), 'as --iptables-sync-period'),
];

/** Flags of kube-proxy that are taken, with any value, and change nothing. */
export const effectlessFlags = [
  'boot-id-file',
  'log-json-info-buffer-size',
  'log-json-split-stream',
  'log-text-info-buffer-size',
  'log-text-split-stream',
  'machine-id-file',
  'vmodule',
] as const;

/** Those that have the last word even over a file. */
export const loggingFlags = ['logging-format', 'v'] as const;

/** Values by flag name, as they stand on the command line. */
export type FlagValues = Readonly<Record<string, string | undefined>>;

/** What flags say, as a file would. Throws UsageError that names the flag. */
export function configurationOfFlags(values: FlagValues): GivenConfiguration {
  const given: Record<string, unknown> = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
  };
  for (const one of proxyFlags) {
    const text = values[one.name];
    if (text === undefined) continue;
    for (const field of one.fields) put(given, field.split('.'), readValue(one, text));
  }
  return given;
}

/** What each flag that sets a field would be, to say this. */
export function flagsOfConfiguration(config: KubeProxyConfiguration): Record<string, string> {
  return Object.fromEntries(proxyFlags.map(({ name, fields }) => [name, flagText(fieldOf(config, fields[0]!))]));
}

const fieldOf = (config: object, field: string): unknown =>
  field.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], config);

function flagText(value: unknown): string {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value !== 'object' || value === null) return String(value ?? '');
  return Object.entries(value)
    .map(([name, inner]) => `${name}=${inner}`)
    .join(',');
}

/**
 * What only flags can say of the two servers: none at all (an empty address, or a port 0 by the deprecated --healthz-port and
 * --metrics-port), or another port than usual.
 */
export function applyServerFlags(config: KubeProxyConfiguration, values: FlagValues): KubeProxyConfiguration {
  const healthzBindAddress = serverAddress(values, 'healthz', healthzPort) ?? config.healthzBindAddress;
  const metricsBindAddress = serverAddress(values, 'metrics', metricsPort) ?? config.metricsBindAddress;
  return { ...config, healthzBindAddress, metricsBindAddress };
}

function serverAddress(values: FlagValues, server: 'healthz' | 'metrics', usualPort: number): string | undefined {
  const address = values[`${server}-bind-address`];
  const portText = values[`${server}-port`];
  const port = portText === undefined ? usualPort : wholeNumber(`${server}-port`, portText);
  if (address === '' || port === 0) return '';
  if (portText === undefined) return undefined;
  return withPort(address ?? (server === 'healthz' ? '0.0.0.0' : '127.0.0.1'), port);
}

function readValue({ name, kind }: ProxyFlag, text: string): unknown {
  switch (kind) {
    case 'text':
      return text;
    case 'boolean':
      return truth(name, text);
    case 'number': {
      const value = Number(text);
      if (text.trim() === '' || Number.isNaN(value)) throw mistake(name, text, 'a number');
      return value;
    }
    case 'list':
      return text.split(',').filter((part) => part !== '');
    case 'gates':
      return Object.fromEntries(
        text
          .split(',')
          .filter(Boolean)
          .map((part) => gate(name, part)),
      );
  }
}

function gate(flagName: string, part: string): [string, boolean] {
  const [name = '', value = ''] = part.split('=');
  if (name === '' || value === '') throw mistake(flagName, part, 'Name=true or Name=false');
  return [name, truth(flagName, value)];
}

/** The words that Go's strconv.ParseBool takes. */
function truth(name: string, text: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw mistake(name, text, 'true or false');
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw mistake(name, text, 'a whole number');
  return Number(text);
}

const mistake = (name: string, text: string, wanted: string): UsageError =>
  new UsageError(`Read --${name}`, `${JSON.stringify(text)} is not ${wanted}`);

function put(target: Record<string, unknown>, [first = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) target[first] = value;
  else {
    target[first] ??= {};
    put(target[first] as Record<string, unknown>, rest, value);
  }
}
