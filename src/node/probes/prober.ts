import type { Cancel, Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { initialState, isFatal, observe, type ProbeKind, type ProbeOutcome, type ProbeSettings } from './state.ts';

export interface ProberOptions {
  readonly kind: ProbeKind;
  readonly settings: ProbeSettings;
  readonly clock: Clock;
  /** How long ago the container started. */
  readonly runningMs: number;
  /** What held when an earlier agent last said so: taken over, since a restart of ours is no news of the Pod. */
  readonly assume?: 'success';
  /** One attempt; keeps to `signal` and to the timeout by itself. */
  attempt(signal: AbortSignal): Promise<ProbeOutcome>;
  /** Every attempt that failed, before `onResult`. */
  onFailure(message: string): void;
  /** What holds has changed. */
  onResult(result: 'success' | 'failure', message: string): void;
}

/**
 * Until a container has been ready for the first time it is looked at after 50 ms, 100 ms, … up to the period: kubelet
 * waits a whole period after the first attempt, which mostly comes too early. It changes no verdict, since the container
 * is not ready anyway, and how many successes make it ready is counted as ever.
 */
const firstEagerMs = 50;

/** Probes one container by one of its probes, until it is stopped or the verdict is that the container must go. */
export class Prober {
  readonly #options: ProberOptions;
  readonly #stop = new AbortController();
  #state;
  #eagerMs: number;
  #cancel: Cancel;

  constructor(options: ProberOptions) {
    this.#options = options;
    this.#state = { ...initialState(options.kind), ...(options.assume ? { result: options.assume } : {}) };
    this.#eagerMs = options.kind === 'readiness' && !options.assume ? firstEagerMs : Number.POSITIVE_INFINITY;
    const delayMs = Math.max(0, options.settings.initialDelayMs - options.runningMs);
    this.#cancel = options.clock.schedule(delayMs, () => void this.#probe());
  }

  get result(): 'success' | 'failure' | 'unknown' {
    return this.#state.result;
  }

  stop(): void {
    this.#cancel();
    this.#stop.abort();
  }

  async #probe(): Promise<void> {
    const { clock, kind } = this.#options;
    const startedMs = clock.monotonicMs();
    const outcome = await this.#attempt();
    if (this.#stop.signal.aborted) return;
    this.#take(outcome);
    if (this.#stop.signal.aborted || isFatal(kind, this.#state)) return;
    // From start to start, as a ticker would: an attempt that took longer than the period is followed at once.
    const delayMs = Math.max(0, this.#nextPeriodMs(outcome.ok) - (clock.monotonicMs() - startedMs));
    this.#cancel = clock.schedule(delayMs, () => void this.#probe());
  }

  #nextPeriodMs(ok: boolean): number {
    if (ok) this.#eagerMs = Number.POSITIVE_INFINITY;
    const periodMs = Math.min(this.#eagerMs, this.#options.settings.periodMs);
    this.#eagerMs *= 2;
    return periodMs;
  }

  async #attempt(): Promise<ProbeOutcome> {
    try {
      return await this.#options.attempt(this.#stop.signal);
    } catch (error) {
      return { ok: false, message: messageOf(error) };
    }
  }

  #take(outcome: ProbeOutcome): void {
    const before = this.#state.result;
    this.#state = observe(this.#options.settings, this.#state, outcome.ok);
    // An eager attempt that fails is no news: the container is starting.
    const isEager = this.#eagerMs < this.#options.settings.periodMs;
    if (!outcome.ok && !isEager) this.#options.onFailure(outcome.message);
    const { result } = this.#state;
    if (result !== before && result !== 'unknown') this.#options.onResult(result, outcome.message);
  }
}
