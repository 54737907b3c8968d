export { createHostsPlugin } from './hosts.ts';
export { HostsFile } from './hosts-file.ts';
