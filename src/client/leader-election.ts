import { type Clock, sleep } from '../base/clock.ts';
import { messageOf, OperatingError } from '../base/errors.ts';
import type { Exchange } from '../base/exchange.ts';
import type { Logger } from '../base/log.ts';
import { formatMicroTime, Lease } from '../kube/port.ts';
import { isAlreadyExists, isConflict, isNotFound } from './errors.ts';
import type { Client } from './port.ts';

/** Ends the work of a term; resolves when nothing of it is under way any more. */
export type StopLeading = () => Promise<void>;

export interface ElectionOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1), so that candidates do not ask in step. */
  readonly random?: () => number;
  readonly namespace: string;
  /** Of the Lease that all candidates want. */
  readonly name: string;
  /** Of this candidate, and of no other process ever. */
  readonly identity: string;
  /** Who has not renewed for so long leads no more: others may take the Lease. Default 15 s, as client-go. */
  readonly leaseMs?: number;
  /** Who could not renew for so long stops leading by itself, before others can begin. Default 10 s. */
  readonly renewDeadlineMs?: number;
  /** How often is asked and renewed. Default 2 s. */
  readonly retryMs?: number;
  /** Begins a term. When `over` aborts, another may lead at any moment: nothing may be written from then on. */
  readonly lead: (over: AbortSignal) => StopLeading;
}

export interface Election {
  readonly isLeading: boolean;
  /** Ends the term, if there is one, and gives the Lease back, so that the next leader need not wait. */
  stop(): Promise<void>;
}

/**
 * Leads while it holds a Lease, for as long as the process lives (coordination.k8s.io/v1, in the form that client-go's
 * leaderelection writes). Others' renewals are timed from when they were seen, on this machine's monotonic clock: what
 * the clocks of the candidates say, and whether they jump, does not matter.
 */
export function startElection(options: ElectionOptions): Election {
  const candidate = new Candidate(options);
  const running = candidate.run();
  return {
    get isLeading() {
      return candidate.isLeading;
    },
    stop: () => {
      candidate.leave();
      return running;
    },
  };
}

/** The same exchange until the term is over: from then on nothing leaves any more. */
export const fenced =
  (exchange: Exchange, over: AbortSignal): Exchange =>
  async (request) => {
    if (over.aborted) throw new OperatingError('Talk to the API server', 'closed', 'this process leads no more');
    return exchange(request);
  };

/** What became of an attempt: `unknown` when the API did not answer, or somebody wrote in between. */
type Attempt = 'held' | 'with another' | 'unknown';

class Candidate {
  isLeading = false;
  readonly #options: Required<ElectionOptions>;
  readonly #leaving = new AbortController();
  /** The version of the Lease that was seen last, and when it was seen first. */
  #seen: { readonly version: string | undefined; readonly atMs: number } | undefined;

  constructor(options: ElectionOptions) {
    this.#options = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000, random: Math.random, ...options };
  }

  leave(): void {
    this.#leaving.abort();
  }

  async run(): Promise<void> {
    const { clock, retryMs, renewDeadlineMs, random } = this.#options;
    while (!this.#leaving.signal.aborted) {
      const askedMs = clock.monotonicMs();
      if ((await this.#attemptUntil(askedMs + renewDeadlineMs)) === 'held') await this.#serveTerm(askedMs);
      else await sleep(clock, retryMs * (1 + 0.2 * random()), this.#leaving.signal);
    }
  }

  /** @param renewedMs when the request that took the Lease was sent */
  async #serveTerm(renewedMs: number): Promise<void> {
    const { lead, log, name, renewDeadlineMs } = this.#options;
    const over = new AbortController();
    log.info('Leading', { lease: name });
    this.isLeading = true;
    const stop = lead(over.signal);
    const lastRenewedMs = await this.#renewUntilOver(renewedMs);
    this.isLeading = false;
    if (lastRenewedMs === undefined) over.abort();
    const stopped = stop().catch((error) => log.error('A term did not end well', { error: messageOf(error) }));
    const isInTime = lastRenewedMs !== undefined && (await this.#isDoneBy(lastRenewedMs + renewDeadlineMs, stopped));
    over.abort();
    await stopped;
    log.info('Leading no more', { lease: name });
    if (isInTime) await this.#isDoneBy(lastRenewedMs + renewDeadlineMs, this.#giveBack());
  }

  /** Resolves when this candidate leaves, with the time of the last renewal; with nothing when the Lease is lost. */
  async #renewUntilOver(renewedMs: number): Promise<number | undefined> {
    const { clock, retryMs, renewDeadlineMs, log, name } = this.#options;
    for (let lastMs = renewedMs; ; ) {
      await sleep(clock, retryMs, this.#leaving.signal);
      if (this.#leaving.signal.aborted) return lastMs;
      const askedMs = clock.monotonicMs();
      const attempt = await this.#attemptUntil(lastMs + renewDeadlineMs);
      if (attempt === 'held') lastMs = askedMs;
      else if (attempt === 'with another' || clock.monotonicMs() >= lastMs + renewDeadlineMs) {
        log.warn('The Lease is lost', { lease: name, attempt });
        return undefined;
      }
    }
  }

  /** Whether the work is done before the deadline; resolves then at the latest. */
  #isDoneBy(deadlineMs: number, work: Promise<unknown>): Promise<boolean> {
    const done = work.then(() => true);
    return this.#orLate(deadlineMs, done, false);
  }

  #attemptUntil(deadlineMs: number): Promise<Attempt> {
    return this.#orLate(deadlineMs, this.#attempt(), 'unknown');
  }

  async #orLate<Value>(deadlineMs: number, work: Promise<Value>, late: Value): Promise<Value> {
    const { clock } = this.#options;
    const enough = new AbortController();
    const deadline = sleep(clock, Math.max(0, deadlineMs - clock.monotonicMs()), enough.signal).then(() => late);
    const value = await Promise.race([work, deadline]);
    enough.abort();
    return value;
  }

  /** Takes the Lease where nobody holds it, renews it where this candidate does. An answer may never come. */
  async #attempt(): Promise<Attempt> {
    const { client, namespace, name, identity, log } = this.#options;
    try {
      const lease = await this.#look();
      if (!lease) {
        await client.create(Lease, { metadata: { name, namespace }, spec: this.#spec() });
        return 'held';
      }
      if (lease.spec.holderIdentity !== identity && this.#isAlive(lease)) return 'with another';
      await client.update(Lease, { ...lease, spec: { ...lease.spec, ...this.#spec(lease) } });
      return 'held';
    } catch (error) {
      const isRace = isConflict(error) || isAlreadyExists(error) || isNotFound(error);
      if (!isRace) log.debug('The Lease cannot be asked for', { lease: name, because: messageOf(error) });
      return 'unknown';
    }
  }

  async #look(): Promise<Lease | undefined> {
    const { client, namespace, name, clock } = this.#options;
    try {
      const lease = await client.get(Lease, name, { namespace });
      const version = lease.metadata.resourceVersion;
      if (this.#seen?.version !== version) this.#seen = { version, atMs: clock.monotonicMs() };
      return lease;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #isAlive({ spec }: Lease): boolean {
    const { clock, leaseMs } = this.#options;
    if (!spec.holderIdentity || !this.#seen) return false;
    const lifeMs = spec.leaseDurationSeconds === undefined ? leaseMs : spec.leaseDurationSeconds * 1000;
    return clock.monotonicMs() < this.#seen.atMs + lifeMs;
  }

  #spec(before?: Lease): Lease['spec'] {
    const { clock, identity, leaseMs } = this.#options;
    const now = formatMicroTime(clock.now());
    const isRenewal = before?.spec.holderIdentity === identity;
    const transitions = before?.spec.leaseTransitions ?? 0;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseMs / 1000),
      acquireTime: isRenewal ? (before.spec.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: before && !isRenewal ? transitions + 1 : transitions,
    };
  }

  /** As client-go's ReleaseOnCancel: the holder is nobody, and the rest of the time is a second. */
  async #giveBack(): Promise<void> {
    const { client, identity, log, name } = this.#options;
    try {
      const lease = await this.#look();
      if (lease?.spec.holderIdentity !== identity) return;
      await client.update(Lease, { ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 } });
    } catch (error) {
      log.debug('The Lease is not given back, it will expire', { lease: name, because: messageOf(error) });
    }
  }
}
