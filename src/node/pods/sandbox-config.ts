import type { Pod } from '../../kube/mod.ts';
import type { DnsConfig, SandboxConfig } from '../runtime/port.ts';

export interface NameServiceOptions {
  /** Of the node; also the host name of its hostNetwork Pods. */
  readonly nodeName: string;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** What /etc/resolv.conf of the machine says. */
  readonly hostDns: DnsConfig;
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
    dns: dnsOf(pod, options),
    hostAliases: (spec.hostAliases ?? []).map(({ ip, hostnames }) => ({ ip, hostnames: hostnames ?? [] })),
    ...(fullyQualifiedName === undefined ? {} : { fullyQualifiedName }),
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
  };
}

/** Of the UTS namespace: 63 bytes at most (RFC 1123), without a hyphen or dot left at the cut. */
export const hostnameOf = ({ metadata, spec }: Pod, nodeName: string): string =>
  spec.hostNetwork ? nodeName : (spec.hostname || metadata.name).slice(0, 63).replace(/[-.]+$/, '');

/** pkg/kubelet/network/dns: the policy's own, then what spec.dnsConfig adds. */
function dnsOf({ metadata, spec }: Pod, { clusterDns, clusterDomain, hostDns }: NameServiceOptions): DnsConfig {
  const inCluster =
    spec.dnsPolicy === 'ClusterFirstWithHostNet' || (spec.dnsPolicy === 'ClusterFirst' && !spec.hostNetwork);
  const suffixes = [`${metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
  const none = { nameservers: [], searches: [], options: [] };
  const base: DnsConfig = inCluster
    ? { nameservers: clusterDns, searches: [...suffixes, ...hostDns.searches], options: ['ndots:5'] }
    : spec.dnsPolicy === 'None'
      ? none
      : hostDns;
  const added = spec.dnsConfig ?? {};
  const given = (added.options ?? []).map(({ name, value }) => (value ? `${name}:${value}` : (name ?? '')));
  const overridden = new Set(given.map(optionName));
  return {
    // resolv.conf(5), MAXNS: the resolver looks at three.
    nameservers: unique([...base.nameservers, ...(added.nameservers ?? [])]).slice(0, 3),
    searches: unique([...base.searches, ...(added.searches ?? [])]),
    options: [...base.options.filter((option) => !overridden.has(optionName(option))), ...given],
  };
}

/** Reads resolv.conf(5). */
export function parseResolvConf(text: string): DnsConfig {
  const words = text
    .split('\n')
    .filter((line) => !/^\s*[#;]/.test(line))
    .map((line) => line.trim().split(/\s+/));
  const last = (keyword: string) => words.findLast(([first]) => first === keyword)?.slice(1);
  return {
    nameservers: words.filter(([first, address]) => first === 'nameserver' && address).map(([, address]) => address!),
    searches: last('search') ?? last('domain') ?? [],
    options: words.filter(([first]) => first === 'options').flatMap((line) => line.slice(1)),
  };
}

const optionName = (option: string) => option.split(':')[0];
const unique = <Item>(items: readonly Item[]): Item[] => [...new Set(items)];
