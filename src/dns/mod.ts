export type { DnsInformers } from './cluster-source.ts';
export { parseUpstream, type SocketAddress } from './forward/mod.ts';
export { type DnsDependencies, type DnsOptions, type DnsServer, startDns } from './start-dns.ts';
