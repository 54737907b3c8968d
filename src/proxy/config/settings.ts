import { UsageError } from '../../base/errors.ts';
import { parseDuration } from '../../base/go-duration.ts';
import type { KubeProxyConfiguration } from '../../kube/mod.ts';
import type { ProxySettings } from '../settings.ts';
import type { LocalMode, ProxyMode } from './modes.ts';
import { splitHostPort } from './validate.ts';

/** What the configuration means for a proxy in this mode. */
export function proxySettings(config: KubeProxyConfiguration, mode: ProxyMode): ProxySettings {
  // Userspace mode is built on iptables rules, and IPVS mode of upstream reads the table `iptables` as well.
  const { masqueradeBit, masqueradeAll, syncPeriod } = mode === 'nftables' ? config.nftables : config.iptables;
  const { bridgeInterface, interfaceNamePrefix } = config.detectLocal;
  const nodePortAddresses = nodePortAddressesOf(config);
  return {
    detectLocalMode: config.detectLocalMode as LocalMode,
    ...(config.clusterCIDR !== '' && { clusterCidr: config.clusterCIDR }),
    ...(bridgeInterface !== '' && { bridgeInterface }),
    ...(interfaceNamePrefix !== '' && { interfaceNamePrefix }),
    masqueradeBit,
    masqueradeAll,
    ...(nodePortAddresses.length > 0 && { nodePortAddresses }),
    localhostNodePorts: mode === 'iptables' && config.iptables.localhostNodePorts,
    conntrackTcpBeLiberal: config.conntrack.tcpBeLiberal,
    syncPeriodMs: millisecondsOf(syncPeriod),
  };
}

/**
 * Mode nftables, when somebody asked for it, opens node ports on the node's primary addresses only, as upstream's does.
 * Without a word about the mode all addresses are open whatever the kernel has, as with the iptables mode that kube-proxy
 * takes then: whoever stands in for it must not close what was open.
 */
function nodePortAddressesOf({ mode, nodePortAddresses }: KubeProxyConfiguration): readonly string[] {
  return mode === 'nftables' && nodePortAddresses.length === 0 ? ['primary'] : nodePortAddresses;
}

/** Of a duration that has passed validation. */
export const millisecondsOf = (duration: string): number => parseDuration(duration)!;

/** Of an address that has passed validation; undefined: there is to be no server. */
export function listenAddress(text: string): { host: string; port: number } | undefined {
  if (text === '') return undefined;
  const parts = splitHostPort(text);
  if (parts === undefined) throw new UsageError('Read an address', `${text} is not IP:port`);
  return { host: parts.host, port: Number(parts.port) };
}
