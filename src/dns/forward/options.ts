import type { TlsFiles } from './tls.ts';

/** How the resolvers of one `forward` are asked, in CoreDNS's terms; https://coredns.io/plugins/forward/ */
export interface ForwardingOptions {
  /** Addresses (`192.0.2.1:5353`, `tls://192.0.2.1%dns.example.com`), names, or paths of files such as /etc/resolv.conf. */
  readonly to: readonly string[];
  /** Who is asked for the addresses of names; none: the machine's own way. */
  readonly resolvers: readonly string[];
  /** How often they are asked. */
  readonly resolveIntervalMs: number;
  readonly policy: 'random' | 'round_robin' | 'sequential';
  /** Over TCP whatever the client came by. */
  readonly forceTcp: boolean;
  /** Over UDP whatever the client came by; what is cut is still fetched over TCP. */
  readonly preferUdp: boolean;
  /** How a question is sent over HTTPS. */
  readonly dohMethod: 'GET' | 'POST';
  readonly tls: TlsFiles & { readonly serverName?: string };
  /** How long a connection is kept that nobody asks on. */
  readonly expireMs: number;
  /** 0: no limit. */
  readonly maxAgeMs: number;
  readonly maxIdleConnections: number | undefined;
  /** More failed checks in a row than this: the resolver is down. 0: it is never checked. */
  readonly maxFails: number;
  readonly healthCheck: {
    readonly intervalMs: number;
    readonly recursionDesired: boolean;
    readonly domain: string;
  };
  /** Questions under way at one time; more are refused. */
  readonly maxConcurrent: number | undefined;
  /** Failed attempts at one question before it is given up. 0: as many as there is time for. */
  readonly maxConnectAttempts: number;
  /** Response codes after which the next resolver is asked. */
  readonly failover: readonly number[];
  /** When all resolvers are down, fail at once instead of asking any of them. */
  readonly failfastAllUnhealthy: boolean;
}

/** CoreDNS's. */
export const forwardingDefaults: Omit<ForwardingOptions, 'to'> = {
  resolvers: [],
  resolveIntervalMs: 30_000,
  policy: 'random',
  forceTcp: false,
  preferUdp: false,
  dohMethod: 'POST',
  tls: {},
  expireMs: 10_000,
  maxAgeMs: 0,
  maxIdleConnections: undefined,
  maxFails: 2,
  healthCheck: { intervalMs: 500, recursionDesired: true, domain: '.' },
  maxConcurrent: undefined,
  maxConnectAttempts: 0,
  failover: [],
  failfastAllUnhealthy: false,
};
