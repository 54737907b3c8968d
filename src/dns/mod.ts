export { type DnsServer, startDns } from './start-dns.ts';
