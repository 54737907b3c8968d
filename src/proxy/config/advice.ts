import type { KubeProxyConfiguration } from '../../kube/mod.ts';
import { type Family, parseRange } from '../plan/mod.ts';
import { isNodePortKeyword } from '../settings.ts';

/**
 * What is allowed and probably not meant; kube-proxy says it, too, when it starts ("configuration may be incomplete or
 * incorrect": checkBadConfig and getLocalDetectors of cmd/kube-proxy/app).
 */
export function configurationAdvice(config: KubeProxyConfiguration): string[] {
  return [...nodePortAdvice(config), ...localDetectorAdvice(config)];
}

function nodePortAdvice({ mode, nodePortAddresses, clusterCIDR }: KubeProxyConfiguration): string[] {
  if (nodePortAddresses.length === 0) {
    // Mode nftables, when somebody asked for it, means the primary addresses.
    if (mode === 'nftables') return [];
    return [
      'nodePortAddresses is unset: node ports answer on all local addresses; consider --nodeport-addresses=primary',
    ];
  }
  if (nodePortAddresses.some(isNodePortKeyword)) return [];
  const families = familiesOf(nodePortAddresses);
  return [...familiesOf(clusterCIDR.split(','))]
    .filter((family) => !families.has(family))
    .map((family) => `nodePortAddresses has no range of ${family}: node ports answer on all local ${family} addresses`);
}

function localDetectorAdvice({ detectLocalMode, clusterCIDR }: KubeProxyConfiguration): string[] {
  if (detectLocalMode !== 'ClusterCIDR' || clusterCIDR !== '') return [];
  return [
    'detectLocalMode is ClusterCIDR and clusterCIDR is empty: Pods cannot be told from clients off the cluster, which are not masqueraded then',
  ];
}

const familiesOf = (ranges: readonly string[]): ReadonlySet<Family> =>
  new Set(ranges.map((text) => parseRange(text.trim())?.family).filter((family) => family !== undefined));
