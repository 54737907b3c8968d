export { cleanUpProxy, type Proxy, type ProxyInformers, type ProxyOptions, startProxy } from './proxy.ts';
export type { ProxyCounters } from './synchronizer.ts';
