import type { SecureContext } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { ForwardBooks } from '../metrics/forward-books.ts';
import { Forwarder } from './forwarder.ts';
import { type HostTarget, HostTargets, parseHostTarget } from './host-targets.ts';
import type { ForwardingOptions } from './options.ts';
import { withoutOurselves } from './own-addresses.ts';
import { ResolvConf } from './resolv-conf.ts';
import { readTlsContext } from './tls.ts';
import { Upstream } from './upstream.ts';
import {
  namesFile,
  parseUpstream,
  type SocketAddress,
  socketAddressText,
  targetText,
  type UpstreamTarget,
} from './upstreams.ts';

export interface ForwardingDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  /** Where this server itself is asked. */
  readonly ownAddresses: () => readonly SocketAddress[];
  readonly books: ForwardBooks;
  /** The text of a file; for TLS. */
  readonly readFile: (path: string) => string;
}

/** Resolvers that change by themselves. */
interface Followed {
  readonly upstreams: readonly UpstreamTarget[];
  start(): Promise<void>;
  stop(): void;
}

/** Interfaces change seldom, questions come often. */
const validMs = 5000;

/** The resolvers of one `forward`, files among them followed, and who asks them. */
export class Forwarding {
  readonly forwarder: Forwarder;
  readonly #options: ForwardingOptions;
  readonly #dependencies: ForwardingDependencies;
  readonly #targets: readonly (UpstreamTarget | Followed)[];
  readonly #tlsContext: () => SecureContext;
  /** By what they are called; those whose file names them no more are stopped. */
  #known = new Map<string, Upstream>();
  #from: readonly UpstreamTarget[] = [];
  #validUntilMs = Number.NEGATIVE_INFINITY;
  readonly #leftOut = new Set<string>();

  /** Throws UsageError. */
  constructor(options: ForwardingOptions, dependencies: ForwardingDependencies) {
    const { clock, random, books, readFile } = dependencies;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#targets = options.to.map((target) => this.#targetOf(target));
    const context = lazily(() => readTlsContext(options.tls, readFile));
    // A file that is named must be right from the start; without one there may be nobody who needs any.
    if (Object.keys(options.tls).length > 0) context();
    this.#tlsContext = context;
    this.forwarder = new Forwarder(options, { clock, random, books, upstreams: () => this.#current() });
  }

  async start(): Promise<void> {
    await Promise.all(this.#followed.map((each) => each.start()));
  }

  /** Whether resolvers are known, and all of them are this server. */
  get leadsOnlyHere(): boolean {
    return this.#current().length === 0 && this.#from.length > 0;
  }

  /** Ends what is under way. */
  stop(): void {
    for (const each of this.#followed) each.stop();
    this.forwarder.stop();
    for (const upstream of this.#known.values()) upstream.stop();
  }

  get #followed(): Followed[] {
    return this.#targets.filter((target): target is Followed => 'upstreams' in target);
  }

  /** Throws UsageError. */
  #targetOf(text: string): UpstreamTarget | Followed {
    const { clock, log } = this.#dependencies;
    if (namesFile(text)) return new ResolvConf({ path: text, clock, log });
    const host = parseHostTarget(text);
    if (!host) return this.#named(parseUpstream(text));
    const { resolvers, resolveIntervalMs: intervalMs } = this.#options;
    const target = this.#named(host);
    return new HostTargets({ target, resolvers: resolvers.map(parseUpstream), intervalMs, clock, log });
  }

  #named<Target extends UpstreamTarget | HostTarget>(target: Target): Target {
    const { serverName } = this.#options.tls;
    return serverName === undefined ? target : { serverName, ...target };
  }

  #current(): readonly Upstream[] {
    const nowMs = this.#dependencies.clock.monotonicMs();
    const all = this.#targets.flatMap((target) => ('upstreams' in target ? target.upstreams : [target]));
    const isSame = all.length === this.#from.length && all.every((target, index) => target === this.#from[index]);
    if (!isSame || nowMs >= this.#validUntilMs) {
      this.#from = all;
      this.#take(all);
      this.#validUntilMs = nowMs + (this.#known.size > 0 ? validMs : 0);
    }
    return [...this.#known.values()];
  }

  #take(all: readonly UpstreamTarget[]): void {
    const usable = withoutOurselves(all, this.#dependencies.ownAddresses());
    this.#tellLeftOut(all.filter((target) => !usable.includes(target)));
    const before = this.#known;
    this.#known = new Map(
      usable.map((target) => {
        const name = targetText(target);
        return [name, before.get(name) ?? this.#create(target)];
      }),
    );
    for (const [name, upstream] of before) if (!this.#known.has(name)) upstream.stop();
  }

  #create(target: UpstreamTarget): Upstream {
    const { clock, log, books } = this.#dependencies;
    return new Upstream({
      target,
      options: this.#options,
      clock,
      log,
      books: books.of(socketAddressText(target)),
      tlsContext: this.#tlsContext,
    });
  }

  #tellLeftOut(targets: readonly UpstreamTarget[]): void {
    for (const resolver of targets.map(targetText)) {
      if (this.#leftOut.has(resolver)) continue;
      this.#leftOut.add(resolver);
      this.#dependencies.log.warn('A resolver is left out: it is this server itself', { resolver });
    }
  }
}

function lazily<Value extends object>(create: () => Value): () => Value {
  let value: Value | undefined;
  return () => {
    value ??= create();
    return value;
  };
}
