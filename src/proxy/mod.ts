export { watchFile } from './config/mod.ts';
export { type ServiceProxy, startProxy } from './proxy.ts';
export { chooseMode, cleanUp, ProxyServer, realDataplanes, tuneNode } from './server/mod.ts';
