import { isWithin } from '../../wire/dns/mod.ts';
import type { Directives } from '../corefile/mod.ts';
import { zoneKeys } from '../plugins/zones.ts';
import { type Service, Transfers } from '../server/mod.ts';
import type { FollowedCluster } from './cluster.ts';

/** Who may have which zone of the cluster, by the `transfer` directive with the longest zone that holds its name. */
export function transfersOf({ transfer }: Directives, cluster: FollowedCluster | undefined): Service['transfers'] {
  if (!transfer || !cluster) return undefined;
  const recordsOf = (key: string) => cluster.zone.transfer(key);
  const rules = transfer.flatMap(({ zones, to }) => {
    const transfers = new Transfers({ recordsOf, to, isReady: () => cluster.isSynced });
    return zoneKeys(zones).map((zone) => ({ zone, transfers }));
  });
  rules.sort((one, other) => other.zone.length - one.zone.length);
  return (key) => rules.find(({ zone }) => isWithin(key, zone))?.transfers;
}
