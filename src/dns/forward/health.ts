import { type Clock, sleep } from '../../base/clock.ts';

export interface HealthOptions {
  readonly clock: Clock;
  /** Rejects when the resolver does not answer. */
  readonly check: () => Promise<unknown>;
  readonly intervalMs: number;
  /** More failed checks in a row than this: the resolver is down. 0: it is never checked. */
  readonly maxFails: number;
  readonly onFailed: (fails: number, error: unknown) => void;
  readonly onWell: (failsBefore: number) => void;
}

/** `health_check 0s` shall not become a flood. */
const leastIntervalMs = 10;

/** As CoreDNS checks: not until a question has failed, then over and over until the resolver answers. */
export class Health {
  readonly #options: HealthOptions;
  readonly #stopping = new AbortController();
  #fails = 0;
  #isChecking = false;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  get isDown(): boolean {
    const { maxFails } = this.#options;
    return maxFails > 0 && this.#fails > maxFails;
  }

  /** A question has failed, and no check has been answered since. */
  get isDoubted(): boolean {
    return this.#isChecking;
  }

  doubt(): void {
    if (this.#isChecking || this.#options.maxFails === 0 || this.#stopping.signal.aborted) return;
    this.#isChecking = true;
    void this.#checkUntilWell();
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #checkUntilWell(): Promise<void> {
    const { clock, check, intervalMs, onFailed, onWell } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await check();
        onWell(this.#fails);
        this.#fails = 0;
        break;
      } catch (error) {
        if (signal.aborted) break;
        onFailed(++this.#fails, error);
      }
      await sleep(clock, Math.max(leastIntervalMs, intervalMs), signal);
    }
    this.#isChecking = false;
  }
}
