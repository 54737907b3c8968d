export { cleanUpProxy, type ServiceProxy, startProxy } from './proxy.ts';
