import {
  any,
  boolean,
  filled,
  integer,
  intOrString,
  list,
  map,
  object,
  quantity,
  required,
  type StoredOf,
  string,
} from '../schema.ts';

/**
 * kubeproxy.config.k8s.io/v1alpha1, all of it (staging/src/k8s.io/kube-proxy/config/v1alpha1/types.go). A file, never
 * served by the API. `filled` fields have their defaults once the proxy has read it; durations are Go's (`1h0m0s`).
 */
const duration = () => filled(string());

const periods = { syncPeriod: duration(), minSyncPeriod: duration() };
const masquerading = { masqueradeBit: filled(integer()), masqueradeAll: filled(boolean()) };
const logOptions = () => object({ splitStream: boolean(), infoBufferSize: quantity() });

export const kubeProxyConfiguration = object({
  apiVersion: required(string()),
  kind: required(string()),
  featureGates: filled(map(boolean())),
  clientConnection: filled(
    object({
      kubeconfig: filled(string()),
      acceptContentTypes: filled(string()),
      contentType: filled(string()),
      /** A float; Kubernetes' objects have none elsewhere. */
      qps: filled(any()),
      burst: filled(integer()),
    }),
  ),
  logging: filled(
    object({
      format: filled(string()),
      /** Nanoseconds, or a duration. */
      flushFrequency: filled(intOrString()),
      verbosity: filled(integer()),
      vmodule: list(object({ filePattern: string(), verbosity: integer() })),
      options: object({ text: logOptions(), json: logOptions() }),
    }),
  ),
  hostnameOverride: filled(string()),
  bindAddress: filled(string()),
  healthzBindAddress: filled(string()),
  metricsBindAddress: filled(string()),
  bindAddressHardFail: filled(boolean()),
  enableProfiling: filled(boolean()),
  showHiddenMetricsForVersion: filled(string()),
  mode: filled(string()),
  iptables: filled(
    object({
      ...masquerading,
      ...periods,
      localhostNodePorts: filled(boolean()),
      /** Of releases after 1.36; the file that kubeadm writes there has it. */
      snatNodeInternalIP: filled(boolean()),
    }),
  ),
  ipvs: filled(
    object({
      ...periods,
      scheduler: filled(string()),
      excludeCIDRs: filled(list(string())),
      strictARP: filled(boolean()),
      tcpTimeout: duration(),
      tcpFinTimeout: duration(),
      udpTimeout: duration(),
    }),
  ),
  nftables: filled(object({ ...masquerading, ...periods })),
  winkernel: filled(
    object({
      networkName: filled(string()),
      sourceVip: filled(string()),
      enableDSR: filled(boolean()),
      rootHnsEndpointName: filled(string()),
      forwardHealthCheckVip: filled(boolean()),
    }),
  ),
  detectLocalMode: filled(string()),
  detectLocal: filled(object({ bridgeInterface: filled(string()), interfaceNamePrefix: filled(string()) })),
  clusterCIDR: filled(string()),
  nodePortAddresses: filled(list(string())),
  oomScoreAdj: filled(integer()),
  conntrack: filled(
    object({
      maxPerCore: filled(integer()),
      min: filled(integer()),
      tcpEstablishedTimeout: duration(),
      tcpCloseWaitTimeout: duration(),
      tcpBeLiberal: filled(boolean()),
      udpTimeout: duration(),
      udpStreamTimeout: duration(),
    }),
  ),
  configSyncPeriod: duration(),
  portRange: filled(string()),
  windowsRunAsService: filled(boolean()),
});
export type KubeProxyConfiguration = StoredOf<typeof kubeProxyConfiguration>;
