import type { Pod } from './kinds/pod.ts';

/** What a resolv.conf says. */
export interface DnsConfig {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  /** `ndots:5` */
  readonly options: readonly string[];
}

export interface ClusterDnsOptions {
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** What /etc/resolv.conf of the Pod's node says. */
  readonly hostDns: DnsConfig;
}

/** The resolv.conf of a Pod (pkg/kubelet/network/dns): its policy's, then what spec.dnsConfig adds. */
export function podDnsConfig({ metadata, spec }: Pod, options: ClusterDnsOptions): DnsConfig {
  const { clusterDns, clusterDomain, hostDns } = options;
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

/** How many dots make a name be asked as it stands before the search list: 1 where nothing is said, 15 at most. */
export function ndotsOf({ options }: Pick<DnsConfig, 'options'>): number {
  const text = options.findLast((option) => /^ndots:\d+$/.test(option));
  return text === undefined ? 1 : Math.min(15, Number(text.slice('ndots:'.length)));
}

const optionName = (option: string) => option.split(':')[0];
const unique = <Item>(items: readonly Item[]): Item[] => [...new Set(items)];
