import type { Expression } from '../expression.ts';
import type { ForwardingOptions } from '../forward/mod.ts';
import type { AclOptions } from '../plugins/acl.ts';
import type { Dns64Options } from '../plugins/dns64.ts';
import type { RewriteOptions } from '../plugins/rewrite/mod.ts';
import type { TemplateOptions } from '../plugins/template.ts';
import type { HostPort } from './directive.ts';

/** What a Corefile says, directive by directive, with CoreDNS's defaults where it is silent. Zones have no final dot; the root is `.`. */
export interface Directives {
  readonly acl?: readonly AclOptions[];
  readonly any?: true;
  readonly autopath?: AutopathDirective;
  readonly bind?: readonly string[];
  readonly bufsize?: { readonly bytes: number };
  readonly cache?: CacheDirective;
  readonly chaos?: ChaosDirective;
  readonly dns64?: Omit<Dns64Options, 'onTranslated'>;
  readonly errors?: ErrorsOptions;
  readonly forward?: readonly ForwardDirective[];
  readonly health?: { readonly at: HostPort; readonly lameDuckMs: number };
  readonly hosts?: HostsDirective;
  readonly kubernetes?: KubernetesDirective;
  readonly loadbalance?: true;
  readonly local?: true;
  readonly log?: readonly LogOptions[];
  readonly loop?: true;
  readonly minimal?: true;
  readonly prometheus?: { readonly at: HostPort };
  readonly ready?: { readonly at: HostPort };
  readonly reload?: { readonly intervalMs: number; readonly jitterMs: number };
  readonly rewrite?: readonly RewriteOptions[];
  readonly template?: readonly TemplateOptions[];
  readonly transfer?: readonly TransferDirective[];
  readonly whoami?: true;
}

export type DirectiveName = keyof Directives;

export interface AutopathDirective {
  readonly zones: readonly string[];
  /** `@kubernetes`: by the client's Pod; else a resolv.conf whose search list everybody gets. */
  readonly source: { readonly kind: 'kubernetes' } | { readonly kind: 'file'; readonly path: string };
}

export interface CacheDirective {
  readonly zones: readonly string[];
  readonly success: CacheLimits;
  readonly denial: CacheLimits;
  readonly prefetch: { readonly amount: number; readonly durationMs: number; readonly percentage: number } | undefined;
  readonly serveStale: { readonly durationMs: number; readonly refresh: 'immediate' | 'verify' } | undefined;
  readonly servfailMs: number;
  /** Kinds that are not kept, in these zones. */
  readonly disabled: { readonly success: readonly string[]; readonly denial: readonly string[] };
  /** Give out the TTL that an answer is kept for, instead of what is left of it. */
  readonly keepTtl: boolean;
}

export interface CacheLimits {
  readonly capacity: number;
  readonly maxTtlSeconds: number;
  readonly minTtlSeconds: number;
}

export interface ChaosDirective {
  /** Undefined: this program's own. */
  readonly version: string | undefined;
  readonly authors: readonly string[];
}

export interface ErrorsOptions {
  readonly stacktrace: boolean;
  readonly consolidate: readonly {
    readonly durationMs: number;
    readonly pattern: Expression;
    readonly level: 'debug' | 'info' | 'warn' | 'error';
    /** The first one is printed at once, and not only counted. */
    readonly showFirst: boolean;
  }[];
}

export interface ForwardDirective extends ForwardingOptions {
  readonly from: string;
  readonly except: readonly string[];
  /** Response codes after which the next `forward` is asked. */
  readonly next: readonly number[];
  /** The same for answers without data. */
  readonly nextOnNoData: boolean;
}

export interface HostsDirective {
  readonly path: string;
  readonly zones: readonly string[];
  /** `ADDRESS NAME...` lines; their addresses are given out behind the file's. */
  readonly inline: readonly string[];
  readonly ttlSeconds: number;
  readonly reverse: boolean;
  /** 0: the file is read once. */
  readonly reloadMs: number;
  readonly fallthrough: readonly string[] | undefined;
}

export interface KubernetesDirective {
  /** The cluster's domain first. */
  readonly zones: readonly string[];
  readonly endpoint: string | undefined;
  readonly tls: { readonly certFile: string; readonly keyFile: string; readonly caFile: string } | undefined;
  readonly kubeconfig: { readonly path: string; readonly context: string | undefined } | undefined;
  readonly namespaces: readonly string[] | undefined;
  readonly labels: string | undefined;
  readonly namespaceLabels: string | undefined;
  readonly pods: 'disabled' | 'insecure' | 'verified';
  readonly endpointPodNames: boolean;
  readonly ttlSeconds: number;
  readonly endpoints: boolean;
  readonly fallthrough: readonly string[] | undefined;
  /** `*` and `any` stand for every Service, namespace, endpoint, port or protocol. */
  readonly wildcards: boolean;
  readonly ignoreEmptyServices: boolean;
  /** How long listeners wait for the first list before they open. */
  readonly startupTimeoutMs: number;
}

export type LogClass = 'success' | 'denial' | 'error' | 'all';

export interface LogOptions {
  readonly zones: readonly string[];
  readonly format: string;
  readonly classes: readonly LogClass[];
  readonly minDurationMs: number | undefined;
}

export interface TransferDirective {
  readonly zones: readonly string[];
  /** Addresses, ranges of them, or `*`. */
  readonly to: readonly string[];
}
