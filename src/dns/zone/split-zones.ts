import ipaddr from 'ipaddr.js';
import { UsageError } from '../../base/errors.ts';
import type { ZoneOptions } from './cluster-zone.ts';

type Zones = Pick<ZoneOptions, 'clusterDomain' | 'otherDomains' | 'reverseCidrs' | 'reverseZones'>;

/**
 * Zones as a Corefile's kubernetes plugin has them: domains, names of reverse zones (`in-addr.arpa`), address ranges. The
 * first domain is the one that reverse names lead to. Throws UsageError when there is none.
 */
export function splitZones(zones: readonly string[]): Zones {
  const names = zones.map((zone) => zone.replace(/\.$/, '').toLowerCase());
  const reverseCidrs = names.filter((name) => ipaddr.isValidCIDR(name));
  const reverseZones = names.filter((name) => /(^|\.)(in-addr|ip6)\.arpa$/.test(name));
  const [clusterDomain, ...otherDomains] = names.filter(
    (name) => !reverseCidrs.includes(name) && !reverseZones.includes(name),
  );
  if (clusterDomain === undefined) {
    throw new UsageError('Read zones', `${JSON.stringify(zones.join(' '))} has no domain such as cluster.local`);
  }
  return { clusterDomain, otherDomains, reverseCidrs, reverseZones };
}
