import type { KubeProxyConfiguration } from '../../kube/mod.ts';
import { applyConfigDefaults, type GivenConfiguration } from './defaults.ts';

/** Fields that are taken because kube-proxy takes them, and why they change nothing here. A table names all its fields. */
const meaningless: Readonly<Record<string, string>> = {
  'clientConnection.acceptContentTypes': 'answers are read as JSON',
  'clientConnection.contentType': 'requests and answers are JSON',
  'clientConnection.qps': 'requests are not throttled: beside its watches the proxy makes hardly any',
  'clientConnection.burst': 'requests are not throttled: beside its watches the proxy makes hardly any',
  'logging.flushFrequency': 'lines are written at once',
  'logging.vmodule': 'one verbosity holds for all files',
  'logging.options': 'lines are written at once, and to standard error',
  enableProfiling: 'Go profiles cannot be had here',
  showHiddenMetricsForVersion: 'no metric is hidden',
  'iptables.snatNodeInternalIP': 'connections are masqueraded with the address of the interface that they leave by',
  'iptables.minSyncPeriod': 'each change is written at once, at the cost of that change',
  'nftables.minSyncPeriod': 'each change is written at once, at the cost of that change',
  ipvs: 'it is for mode ipvs',
  winkernel: 'it is for Windows',
  windowsRunAsService: 'it is for Windows',
  configSyncPeriod: 'watches miss nothing that a periodic refresh could bring',
  portRange: 'it is deprecated and has no effect',
};

/**
 * Fields of earlier releases, which kube-proxy of today does not know any more. They are warned of, not refused: files of
 * clusters that have been upgraded for years still have them.
 */
export const formerFields: Readonly<Record<string, string>> = {
  udpIdleTimeout: 'it went with the userspace mode in Kubernetes 1.26',
  resourceContainer: 'it went in Kubernetes 1.25',
  'conntrack.max': 'it went in Kubernetes 1.15: use conntrack.maxPerCore',
};

/** What these feature gates turn on is there. */
const builtInGates = new Set([
  'AllBeta',
  'ContextualLogging',
  'KubeProxyDrainingTerminatingNodes',
  'LoadBalancerIPMode',
  'LoggingBetaOptions',
  'NFTablesProxyMode',
  'PreferSameTrafficDistribution',
  'ProxyTerminatingEndpoints',
  'ServiceTrafficDistribution',
  'TopologyAwareHints',
]);

/** A sentence for each field that was given something else than its default, or than nothing, and has no effect here. */
export function effectlessFields(given: GivenConfiguration): string[] {
  const defaults = applyConfigDefaults({});
  const found = Object.entries(meaningless).flatMap(([path, why]) =>
    differences(path, valueAt(given, path), valueAt(defaults, path)).map((field) => `${field} has no effect: ${why}`),
  );
  return [...found, ...gateWarnings(given)];
}

function gateWarnings({ featureGates }: GivenConfiguration): string[] {
  const gates = Object.entries((featureGates ?? {}) as KubeProxyConfiguration['featureGates']);
  return gates
    .filter(([name, on]) => !(on && builtInGates.has(name)))
    .map(([name, on]) =>
      builtInGates.has(name)
        ? `featureGates.${name} has no effect: what it turns ${on ? 'on' : 'off'} is always on`
        : `featureGates.${name} has no effect: this feature gate is not known here`,
    );
}

/** The scalar fields below a path that differ from their default and are not the zero of their type. */
function differences(path: string, value: unknown, fallback: unknown): string[] {
  if (isZero(value)) return [];
  if (typeof value === 'object' && !Array.isArray(value)) {
    return Object.entries(value as object).flatMap(([name, inner]) =>
      differences(`${path}.${name}`, inner, (fallback as Record<string, unknown> | undefined)?.[name]),
    );
  }
  return JSON.stringify(value) === JSON.stringify(fallback) ? [] : [path];
}

const isZero = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === '0' ||
  value === 0 ||
  value === '0s' ||
  value === false ||
  (Array.isArray(value) && value.length === 0);

const valueAt = (root: object, path: string): unknown =>
  path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined | null)?.[name], root);
