export { chooseMode, realDataplanes } from './dataplanes.ts';
export { cleanUp } from './leftovers.ts';
export { ProxyServer } from './proxy-server.ts';
export { tuneNode } from './tuning.ts';
