export { cleanUpProxy, type ProxyInformers, type ProxyOptions, type ServiceProxy, startProxy } from './proxy.ts';
export type { ProxyCounters } from './synchronizer.ts';
