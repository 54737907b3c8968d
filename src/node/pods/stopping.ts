import type { Cancel, Clock } from '../../base/clock.ts';

export interface StoppingOptions {
  readonly clock: Clock;
  readonly graceMs: number;
  /** The preStop hook; its time counts, and what it has not used up is the program's. */
  readonly hook?: (timeoutMs: number, signal: AbortSignal) => Promise<void>;
  /** SIGTERM, or what the container asks for instead. */
  terminate(): void;
  kill(): void;
}

/** kubelet leaves a container that much for SIGTERM when its hook has used up the grace period. */
const leastAfterHookMs = 2000;

/** Ends a container: hook, SIGTERM, and SIGKILL when the grace period is over. */
export class Stopping {
  readonly #options: StoppingOptions;
  readonly #hook = new AbortController();
  #deadlineMs: number;
  #hurried = false;
  #ended = false;
  #cancel: Cancel = () => {};

  constructor(options: StoppingOptions) {
    this.#options = options;
    this.#deadlineMs = options.clock.monotonicMs() + options.graceMs;
    void this.#run();
  }

  /** A shorter grace period, counted from now; one longer than what is left changes nothing. */
  hurry(graceMs: number): void {
    const deadlineMs = this.#options.clock.monotonicMs() + graceMs;
    if (this.#ended || deadlineMs >= this.#deadlineMs) return;
    this.#deadlineMs = deadlineMs;
    this.#hurried = true;
    this.#hook.abort();
    this.#armKill();
  }

  /** The container has ended. */
  done(): void {
    this.#ended = true;
    this.#hook.abort();
    this.#cancel();
  }

  async #run(): Promise<void> {
    const { hook, graceMs, terminate, kill, clock } = this.#options;
    if (graceMs <= 0) return kill();
    if (hook) {
      await hook(graceMs, this.#hook.signal);
      if (this.#ended) return;
      if (!this.#hurried) this.#deadlineMs = Math.max(this.#deadlineMs, clock.monotonicMs() + leastAfterHookMs);
    }
    this.#armKill();
    terminate();
  }

  #armKill(): void {
    const { clock, kill } = this.#options;
    this.#cancel();
    this.#cancel = clock.schedule(Math.max(0, this.#deadlineMs - clock.monotonicMs()), kill);
  }
}
