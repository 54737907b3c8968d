import { isWithin, responseCodes } from '../../wire/dns/mod.ts';
import { codeOnly, compose, type Question } from '../chain/mod.ts';
import type { Directives } from '../corefile/mod.ts';
import { createAclPlugin } from '../plugins/acl.ts';
import { zoneKeys } from '../plugins/zones.ts';
import { type Service, Transfers } from '../server/mod.ts';
import type { FollowedCluster } from './cluster.ts';

const permitted = codeOnly(responseCodes.NoError);

/**
 * Who may have which zone of the cluster: the access lists let it pass, and so does the `transfer`
 * directive with the longest zone that holds its name.
 */
export function transfersOf(
  { acl = [], transfer }: Directives,
  cluster: FollowedCluster | undefined,
): Service['transfers'] {
  if (!transfer || !cluster) return undefined;
  const check = compose(acl.map(createAclPlugin), () => permitted);
  const permits = (question: Question) => check(question) === permitted;
  const recordsOf = (key: string) => cluster.zone.transfer(key);
  const rules = transfer.flatMap(({ zones, to }) => {
    const transfers = new Transfers({ recordsOf, to, permits, isReady: () => cluster.isSynced });
    return zoneKeys(zones).map((zone) => ({ zone, transfers }));
  });
  rules.sort((one, other) => other.zone.length - one.zone.length);
  return (key) => rules.find(({ zone }) => isWithin(key, zone))?.transfers;
}
