export type { ProxyCounters } from './counters.ts';
export { Synchronizer } from './synchronizer.ts';
