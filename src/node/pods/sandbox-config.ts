import { type ClusterDnsOptions, type Pod, podDnsConfig } from '../../kube/mod.ts';
import type { SandboxConfig } from '../runtime/port.ts';

export interface NameServiceOptions extends ClusterDnsOptions {
  /** Of the node; also the host name of its hostNetwork Pods. */
  readonly nodeName: string;
}

export function sandboxConfigOf(pod: Pod, options: NameServiceOptions): SandboxConfig {
  const { metadata, spec } = pod;
  const namespace = metadata.namespace ?? '';
  const short = hostnameOf(pod, options.nodeName);
  const fullyQualifiedName =
    spec.subdomain && !spec.hostNetwork
      ? `${short}.${spec.subdomain}.${namespace}.svc.${options.clusterDomain}`
      : undefined;
  return {
    podUid: metadata.uid,
    podNamespace: namespace,
    podName: metadata.name,
    hostname: (spec.setHostnameAsFQDN && fullyQualifiedName) || short,
    hostNetwork: spec.hostNetwork ?? false,
    dns: podDnsConfig(pod, options),
    hostAliases: (spec.hostAliases ?? []).map(({ ip, hostnames }) => ({ ip, hostnames: hostnames ?? [] })),
    ...(fullyQualifiedName === undefined ? {} : { fullyQualifiedName }),
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
  };
}

/** Of the UTS namespace: 63 bytes at most (RFC 1123), without a hyphen or dot left at the cut. */
export const hostnameOf = ({ metadata, spec }: Pod, nodeName: string): string =>
  spec.hostNetwork ? nodeName : (spec.hostname || metadata.name).slice(0, 63).replace(/[-.]+$/, '');
