import { spawnSync } from 'node:child_process';

/** Why tests that take the tools of the iptables package are skipped; false when they are there, for both interfaces. */
export const withoutIptables =
  ['iptables-legacy', 'iptables-nft'].some((tool) => spawnSync(tool, ['--version']).error !== undefined) &&
  'iptables-nft and iptables-legacy are not both on the PATH';
