/** Time as a dependency, so that tests and simulations decide when it passes. */
export interface Clock {
  /** Milliseconds since the epoch; may jump when somebody sets the machine's clock. */
  now(): number;
  /**
   * Milliseconds on a clock that never goes back; for intervals and deadlines. The system's is the machine's own
   * (CLOCK_MONOTONIC): until the next boot, all its processes can compare what they read.
   */
  monotonicMs(): number;
  /** Calls back once, at the earliest after `delayMs`; the result cancels it. */
  schedule(delayMs: number, callback: () => void): Cancel;
}

export type Cancel = () => void;

export const systemClock: Clock = {
  now: () => Date.now(),
  // performance.now() is the same clock, but counts from the start of its own process or thread.
  monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
  schedule(delayMs, callback) {
    // setTimeout turns a delay over 2^31-1 ms into 1 ms.
    const timer = setTimeout(callback, Math.min(delayMs, 2_147_483_647));
    return () => clearTimeout(timer);
  },
};

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** A clock that stands still until `advance` moves it; due callbacks run in order of their time. */
export class ManualClock implements Clock {
  #nowMs: number;
  #elapsedMs = 0;
  #timers: Timer[] = [];

  constructor(epochMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = epochMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  schedule(delayMs: number, callback: () => void): Cancel {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Somebody sets the wall clock; intervals are not touched. */
  jump(byMs: number): void {
    this.#nowMs += byMs;
  }

  /** Lets time pass, running what falls due, and lets promises settle in between. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#elapsedMs + byMs;
    for (;;) {
      await settle();
      const next = this.#timers.reduce<Timer | undefined>(
        (first, timer) => (timer.dueMs <= endMs && (!first || timer.dueMs < first.dueMs) ? timer : first),
        undefined,
      );
      if (!next) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#pass(next.dueMs - this.#elapsedMs);
      next.callback();
    }
    this.#pass(endMs - this.#elapsedMs);
    await settle();
  }

  get pendingTimers(): number {
    return this.#timers.length;
  }

  #pass(byMs: number): void {
    this.#elapsedMs += byMs;
    this.#nowMs += byMs;
  }
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Resolves after `delayMs`, or at once when `signal` aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const cancel = clock.schedule(delayMs, () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
    const stop = () => {
      cancel();
      resolve();
    };
    signal?.addEventListener('abort', stop, { once: true });
  });
}
