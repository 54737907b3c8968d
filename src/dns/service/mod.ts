export { zoneOptionsOf } from './cluster.ts';
export { CorefileServer, type CorefileServerOptions } from './corefile-server.ts';
export { machineFiles } from './file-source.ts';
