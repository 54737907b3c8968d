export { createNftablesDataplane, type NftablesOptions } from './dataplane.ts';
export type { Ipv4Range } from './steps.ts';
