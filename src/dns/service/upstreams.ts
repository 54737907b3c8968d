import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { ForwardDirective } from '../corefile/mod.ts';
import { Forwarder, parseUpstream, ResolvConf, type SocketAddress, withoutOurselves } from '../forward/mod.ts';

export interface UpstreamDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  /** Where this server itself is asked. */
  readonly ownAddresses: () => readonly SocketAddress[];
}

/** Interfaces change seldom, questions come often. */
const validMs = 5000;

/** The resolvers of one `forward` directive, files among them followed. */
export class ForwardedUpstreams {
  readonly forwarder: Forwarder;
  readonly #files: readonly ResolvConf[];
  readonly #targets: readonly (SocketAddress | ResolvConf)[];
  readonly #policy: ForwardDirective['policy'];
  readonly #dependencies: UpstreamDependencies;
  #usable: readonly SocketAddress[] = [];
  #usableUntilMs = Number.NEGATIVE_INFINITY;
  #turn = 0;

  constructor(directive: ForwardDirective, dependencies: UpstreamDependencies) {
    const { clock, log } = dependencies;
    this.#dependencies = dependencies;
    this.#policy = directive.policy;
    this.#targets = directive.to.map((target) =>
      target.includes('/') ? new ResolvConf({ path: target, clock, log }) : parseUpstream(target),
    );
    this.#files = this.#targets.filter((target): target is ResolvConf => target instanceof ResolvConf);
    this.forwarder = new Forwarder({
      clock,
      log,
      upstreams: () => this.#inOrder(),
      maxConcurrent: directive.maxConcurrent ?? Number.POSITIVE_INFINITY,
    });
  }

  async start(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.start()));
  }

  stop(): void {
    for (const file of this.#files) file.stop();
    this.forwarder.stop();
  }

  /** The policy chooses who is asked first; the others follow in case it fails. */
  #inOrder(): readonly SocketAddress[] {
    const usable = this.#current();
    if (usable.length < 2 || this.#policy === 'sequential') return usable;
    const first =
      this.#policy === 'random'
        ? Math.floor(this.#dependencies.random() * usable.length)
        : this.#turn++ % usable.length;
    return [...usable.slice(first), ...usable.slice(0, first)];
  }

  #current(): readonly SocketAddress[] {
    const { clock, ownAddresses } = this.#dependencies;
    if (clock.monotonicMs() >= this.#usableUntilMs) {
      const all = this.#targets.flatMap((target) => (target instanceof ResolvConf ? target.upstreams : [target]));
      this.#usable = withoutOurselves(all, ownAddresses());
      this.#usableUntilMs = clock.monotonicMs() + (this.#usable.length > 0 ? validMs : 0);
    }
    return this.#usable;
  }
}
