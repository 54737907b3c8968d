export { type KubernetesDirective, readCorefile } from './corefile/mod.ts';
export { CorefileServer, machineFiles } from './service/mod.ts';
export { type DnsServer, startDns } from './start-dns.ts';
