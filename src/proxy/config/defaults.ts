import type { KubeProxyConfiguration } from '../../kube/mod.ts';

/** A configuration as somebody wrote it: of the right shape, with whatever they left out. */
export type GivenConfiguration = Partial<{ readonly [Name in keyof KubeProxyConfiguration]: unknown }>;

export const healthzPort = 10_256;
export const metricsPort = 10_249;

/**
 * kube-proxy's defaults (pkg/proxy/apis/config/v1alpha1/defaults.go). Fields that Go keeps without a pointer have their
 * default when they hold the zero of their type, as kubeadm writes them all. `mode` stays empty: the best there is.
 */
export function applyConfigDefaults(given: GivenConfiguration): KubeProxyConfiguration {
  const table = fallbacks();
  const config = merge(table, given) as unknown as KubeProxyConfiguration;
  const [anyAddress, loopback] = config.bindAddress.includes(':') ? ['[::]', '[::1]'] : ['0.0.0.0', '127.0.0.1'];
  config.healthzBindAddress = withPort(config.healthzBindAddress || anyAddress, healthzPort);
  config.metricsBindAddress = withPort(config.metricsBindAddress || loopback, metricsPort);
  config.detectLocalMode ||= 'ClusterCIDR';
  return config;
}

const zeroMeansDefault = (value: unknown): boolean =>
  value === undefined || value === null || value === '' || value === 0 || value === '0s';

/** A value that stands for itself even when it is zero (Go's pointers). */
class Pointer {
  readonly fallback: unknown;

  constructor(fallback: unknown) {
    this.fallback = fallback;
  }
}

type Fallbacks = { readonly [name: string]: unknown };

const fallbacks = (): Fallbacks => ({
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  featureGates: {},
  clientConnection: {
    kubeconfig: '',
    acceptContentTypes: '',
    contentType: 'application/vnd.kubernetes.protobuf',
    qps: 5,
    burst: 10,
  },
  logging: { format: 'text', flushFrequency: '5s', verbosity: 0 },
  hostnameOverride: '',
  bindAddress: '0.0.0.0',
  healthzBindAddress: '',
  metricsBindAddress: '',
  bindAddressHardFail: false,
  enableProfiling: false,
  showHiddenMetricsForVersion: '',
  mode: '',
  iptables: {
    masqueradeBit: new Pointer(14),
    masqueradeAll: false,
    localhostNodePorts: new Pointer(true),
    snatNodeInternalIP: new Pointer(false),
    syncPeriod: '30s',
    minSyncPeriod: '1s',
  },
  ipvs: {
    syncPeriod: '30s',
    minSyncPeriod: '0s',
    scheduler: '',
    excludeCIDRs: [],
    strictARP: false,
    tcpTimeout: '0s',
    tcpFinTimeout: '0s',
    udpTimeout: '0s',
  },
  nftables: { masqueradeBit: new Pointer(14), masqueradeAll: false, syncPeriod: '30s', minSyncPeriod: '1s' },
  winkernel: {
    networkName: '',
    sourceVip: '',
    enableDSR: false,
    rootHnsEndpointName: '',
    forwardHealthCheckVip: false,
  },
  detectLocalMode: '',
  detectLocal: { bridgeInterface: '', interfaceNamePrefix: '' },
  clusterCIDR: '',
  nodePortAddresses: [],
  oomScoreAdj: new Pointer(-999),
  conntrack: {
    maxPerCore: new Pointer(32 * 1024),
    min: new Pointer(128 * 1024),
    tcpEstablishedTimeout: new Pointer('24h0m0s'),
    tcpCloseWaitTimeout: new Pointer('1h0m0s'),
    tcpBeLiberal: false,
    udpTimeout: '0s',
    udpStreamTimeout: '0s',
  },
  configSyncPeriod: '15m0s',
  portRange: '',
  windowsRunAsService: false,
});

function merge(table: Fallbacks, given: Fallbacks): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...given };
  for (const [name, fallback] of Object.entries(table)) {
    const value = given[name];
    if (fallback instanceof Pointer) merged[name] = value ?? fallback.fallback;
    else if (isTable(fallback)) merged[name] = merge(fallback, isTable(value) ? value : {});
    else merged[name] = zeroMeansDefault(value) ? fallback : value;
  }
  return merged;
}

const isTable = (value: unknown): value is Fallbacks =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `0.0.0.0` → `0.0.0.0:10256`; a bare IPv6 address is put in brackets. What is neither stays for validation. */
export function withPort(address: string, port: number): string {
  const bare = address.replace(/^\[(.*)\]$/, '$1');
  if (/^\d+\.\d+\.\d+\.\d+$/.test(bare)) return `${bare}:${port}`;
  const isIpv6 = /^[0-9a-fA-F:.]*$/.test(bare) && bare.split(':').length > 2;
  return isIpv6 ? `[${bare}]:${port}` : address;
}
