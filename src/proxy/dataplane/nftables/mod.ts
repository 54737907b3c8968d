export { createNftablesDataplane } from './dataplane.ts';
export type { Ipv4Range } from './steps.ts';
