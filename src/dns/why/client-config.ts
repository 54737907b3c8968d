import { isIP } from 'node:net';
import { UsageError } from '../../base/errors.ts';
import { type DnsConfig, type Pod, parseResolvConf, podDnsConfig } from '../../kube/mod.ts';
import { parseUpstream, type SocketAddress, socketAddressText } from '../forward/mod.ts';
import type { ClusterView } from './cluster-view.ts';
import type { ClientReport } from './report.ts';

/** Whose names are looked up, and whom that client asks. */
export interface ClientConfig {
  readonly report: ClientReport;
  readonly dns: DnsConfig;
  readonly servers: readonly SocketAddress[];
  readonly notes: readonly string[];
}

export interface ClientOptions {
  /** `namespace/name` */
  readonly from?: string;
  /** Asked instead of the name servers that the client has. */
  readonly server?: string;
  /** The text of this machine's resolv.conf, and where it stands. */
  readonly resolvConf: { readonly path: string; readonly text: string };
}

/** Throws UsageError for a Pod that is not there, and for a server that is no address. */
export function clientConfig({ from, server, resolvConf }: ClientOptions, view: ClusterView | undefined): ClientConfig {
  const hostDns = parseResolvConf(resolvConf.text);
  const { source, dns, notes } =
    from === undefined ? thisMachine(resolvConf.path, hostDns) : podsOwn(from, view, hostDns);
  const servers =
    server === undefined
      ? dns.nameservers.filter((address) => isIP(address) !== 0).map(parseUpstream)
      : [parseUpstream(server)];
  if (servers.length === 0) {
    throw new UsageError(`Find the name servers of ${source}`, 'none is known', 'Name one with --server ADDRESS');
  }
  const nameservers = servers.map(socketAddressText);
  return { report: { source, nameservers, searches: dns.searches, options: dns.options }, dns, servers, notes };
}

const thisMachine = (path: string, dns: DnsConfig) => ({ source: `this machine (${path})`, dns, notes: [] });

function podsOwn(from: string, view: ClusterView | undefined, hostDns: DnsConfig) {
  if (!view) {
    throw new UsageError(`Look at Pod ${from}`, 'the API server is not known', 'Give --kubeconfig, or set KUBECONFIG');
  }
  const pod = view.pods.get(from);
  if (!pod) {
    const [namespace = ''] = from.split('/');
    throw new UsageError(`Look at Pod ${from}`, 'there is no such Pod', `See kubectl -n ${namespace} get pods`);
  }
  const usesNode = pod.spec.dnsPolicy === 'Default' || (pod.spec.dnsPolicy === 'ClusterFirst' && pod.spec.hostNetwork);
  // What the node's own resolv.conf says is not in the API.
  const none: DnsConfig = { nameservers: [], searches: [], options: [] };
  const dns = podDnsConfig(pod, {
    clusterDns: view.dnsAddresses,
    clusterDomain: view.clusterDomain,
    hostDns: usesNode ? hostDns : none,
  });
  return { source: `Pod ${from} (dnsPolicy ${pod.spec.dnsPolicy})`, dns, notes: notesOf(pod, usesNode === true) };
}

function notesOf({ spec }: Pod, usesNode: boolean): string[] {
  if (usesNode) {
    const why = spec.dnsPolicy === 'Default' ? 'dnsPolicy Default' : 'hostNetwork with dnsPolicy ClusterFirst';
    return [`The Pod has its node's resolv.conf (${why}), which the API does not tell: this machine's is taken for it`];
  }
  return spec.dnsPolicy === 'None'
    ? []
    : ["The search domains of the node's own resolv.conf, which stand last in the Pod's list, are not in the API"];
}
