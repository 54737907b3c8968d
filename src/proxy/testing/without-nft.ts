import { spawnSync } from 'node:child_process';

/** Why tests that take the tool of the nftables package are skipped; false when it is there. */
export const withoutNft = spawnSync('nft', ['--version']).error !== undefined && 'nft is not on the PATH';
