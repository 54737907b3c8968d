import { type Clock, sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { UpstreamAnswer, UpstreamQuery } from '../../wire/dns/mod.ts';
import type { ForwardBooks } from '../metrics/forward-books.ts';
import { ForwardError } from './errors.ts';
import type { Patience } from './exchange.ts';
import type { ForwardingOptions } from './options.ts';
import { createPolicy, type Policy } from './policy.ts';
import type { Upstream } from './upstream.ts';

export interface ForwarderDependencies {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly books: ForwardBooks;
  /** Looked at for every question. */
  readonly upstreams: () => readonly Upstream[];
}

/** CoreDNS's, for each exchange. */
const answerMs = 2000;
/** CoreDNS begins no attempt after 5 s. That is when resolver libraries give up on us, so ours have ended by then. */
const allMs = 4800;
/** Between two rounds of attempts, doubled each time: a resolver that restarts refuses at once, until it is back. */
const firstPauseMs = 50;
const longestPauseMs = 800;

/** What has become of one question so far. */
interface Progress {
  readonly query: UpstreamQuery;
  readonly overTcp: boolean;
  readonly patience: Patience;
  /** How each resolver failed first: what follows is mostly the same, in less time. */
  readonly reasons: Map<Upstream, string>;
  attempts: number;
  /** The last answer with a code that `failover` names. */
  refusal?: UpstreamAnswer;
}

/** Asks one resolver after the other, round after round, as long as a client waits. */
export class Forwarder {
  readonly #options: ForwardingOptions;
  readonly #dependencies: ForwarderDependencies;
  readonly #policy: Policy;
  readonly #anyOne: Policy;
  readonly #stop = new AbortController();
  #underWay = 0;

  constructor(options: ForwardingOptions, dependencies: ForwarderDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#policy = createPolicy(options.policy, dependencies.random);
    this.#anyOne = createPolicy('random', dependencies.random);
  }

  /** `overTcp`: the client came so. Rejects with ForwardError. */
  async ask(query: UpstreamQuery, overTcp = false): Promise<UpstreamAnswer> {
    const { maxConcurrent = Number.POSITIVE_INFINITY } = this.#options;
    if (this.#stop.signal.aborted) throw stopped();
    if (this.#underWay >= maxConcurrent) {
      this.#dependencies.books.rejected++;
      throw new ForwardError('overloaded', `${maxConcurrent} questions to other resolvers are under way already`);
    }
    this.#underWay++;
    try {
      return await this.#askInRounds(query, overTcp);
    } finally {
      this.#underWay--;
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  async #askInRounds(query: UpstreamQuery, overTcp: boolean): Promise<UpstreamAnswer> {
    const { clock } = this.#dependencies;
    const { signal } = this.#stop;
    const untilMs = clock.monotonicMs() + allMs;
    const patience = { clock, timeoutMs: answerMs, untilMs, signal };
    const progress: Progress = { query, overTcp, patience, reasons: new Map(), attempts: 0 };
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const answer = await this.#askRound(progress);
      if (answer) return answer;
      if (this.#isTimeUp(progress, pauseMs)) throw new ForwardError('unanswered', reasonsOf(progress));
      await sleep(clock, pauseMs, signal);
    }
  }

  /** Asks each resolver once that is not down. Undefined: another round may bring an answer. */
  async #askRound(progress: Progress): Promise<UpstreamAnswer | undefined> {
    const upstreams = this.#inOrder();
    const standing = upstreams.filter(({ isDown }) => !isDown);
    if (standing.length === 0) return this.#askWhenAllAreDown(upstreams, progress);
    for (const upstream of standing) {
      if (this.#isTimeUp(progress)) break;
      const answer = await this.#askOne(upstream, progress);
      if (answer) return answer;
    }
    return progress.refusal;
  }

  /** Then the checks themselves may be what fails: one that is picked at random gets the question, once. */
  async #askWhenAllAreDown(upstreams: readonly Upstream[], progress: Progress): Promise<UpstreamAnswer> {
    if (upstreams.length === 0) throw new ForwardError('no-upstream', 'no upstream resolver is known');
    this.#dependencies.books.brokenChecks++;
    if (this.#options.failfastAllUnhealthy) throw new ForwardError('unanswered', 'all upstream resolvers are down');
    const answer = await this.#askOne(this.#anyOne(upstreams)[0]!, progress);
    if (answer ?? progress.refusal) return (answer ?? progress.refusal)!;
    throw new ForwardError('unanswered', `all upstream resolvers are down: ${reasonsOf(progress)}`);
  }

  async #askOne(upstream: Upstream, progress: Progress): Promise<UpstreamAnswer | undefined> {
    try {
      const answer = await upstream.ask(progress.query, progress.overTcp, progress.patience);
      if (!this.#options.failover.includes(answer.rcode)) return answer;
      progress.refusal = answer;
    } catch (error) {
      if (this.#stop.signal.aborted) throw stopped();
      upstream.doubt();
      progress.attempts++;
      if (!progress.reasons.has(upstream)) progress.reasons.set(upstream, messageOf(error));
    }
    return undefined;
  }

  /** Those that are being checked come last: whatever the policy, one question in doubt is enough. */
  #inOrder(): readonly Upstream[] {
    const ordered = this.#policy(this.#dependencies.upstreams());
    const doubted = ordered.filter(({ isDoubted }) => isDoubted);
    return doubted.length === 0 ? ordered : [...ordered.filter(({ isDoubted }) => !isDoubted), ...doubted];
  }

  #isTimeUp({ attempts, patience }: Progress, pauseMs = 0): boolean {
    const { maxConnectAttempts } = this.#options;
    if (maxConnectAttempts > 0 && attempts >= maxConnectAttempts) return true;
    return this.#stop.signal.aborted || patience.clock.monotonicMs() + pauseMs >= patience.untilMs;
  }
}

const reasonsOf = ({ reasons }: Progress): string => [...reasons.values()].join('; ');

const stopped = () => new ForwardError('stopped', 'the server stops');
