import assert from 'node:assert';
import type { Cancel, Clock } from './clock.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Brings what the key names to its wanted state; rejects to be called again later. */
  readonly work: (key: string) => Promise<void>;
  /** Told of every failure: the how-manieth in a row, and after how long the next attempt comes. */
  readonly onFailure?: (key: string, error: unknown, failures: number, retryMs: number) => void;
  /** Keys worked on at once; default 8. */
  readonly workers?: number;
  /** First wait after a failure, doubled by each further one up to the longest; default 5 ms and 1000 s (client-go). */
  readonly firstRetryMs?: number;
  readonly longestRetryMs?: number;
}

/**
 * Keys that want work, each at most once in the queue and with at most one worker: a key that is added while it is
 * worked on is worked on once more afterwards. Work begins in the microtask after `add`, with no timer on the way.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #waiting = new Set<string>();
  readonly #working = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #later = new Map<string, { readonly dueMs: number; readonly cancel: Cancel }>();
  #pumping = false;
  #stopped = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  add(key: string): void {
    if (this.#stopped) return;
    if (this.#working.has(key)) this.#again.add(key);
    else this.#waiting.add(key);
    this.#pumpSoon();
  }

  /** Adds the key after `delayMs`, or sooner when an earlier call says so. */
  addAfter(key: string, delayMs: number): void {
    if (this.#stopped) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.#options.clock.monotonicMs() + delayMs;
    const planned = this.#later.get(key);
    if (planned && planned.dueMs <= dueMs) return;
    planned?.cancel();
    const cancel = this.#options.clock.schedule(delayMs, () => {
      this.#later.delete(key);
      this.add(key);
    });
    this.#later.set(key, { dueMs, cancel });
  }

  /** Keys that wait for a worker or have one; those planned for later are not counted. */
  get size(): number {
    return this.#waiting.size + this.#working.size + this.#again.size;
  }

  /** Takes no more keys; resolves when the workers under way are done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    this.#again.clear();
    for (const { cancel } of this.#later.values()) cancel();
    this.#later.clear();
    await Promise.all(this.#working.values());
  }

  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    for (const key of this.#waiting) {
      if (this.#working.size >= (this.#options.workers ?? 8)) return;
      this.#waiting.delete(key);
      this.#working.set(key, this.#run(key));
    }
  }

  async #run(key: string): Promise<void> {
    try {
      await this.#options.work(key);
      this.#failures.delete(key);
    } catch (error) {
      this.#retry(key, error);
    }
    const known = this.#working.delete(key);
    assert(known, `The worker of ${key} is known`);
    if (this.#again.delete(key)) this.#waiting.add(key);
    this.#pumpSoon();
  }

  #retry(key: string, error: unknown): void {
    if (this.#stopped) return;
    const { firstRetryMs = 5, longestRetryMs = 1_000_000 } = this.#options;
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const retryMs = Math.min(longestRetryMs, firstRetryMs * 2 ** (failures - 1));
    this.#options.onFailure?.(key, error, failures, retryMs);
    this.addAfter(key, retryMs);
  }
}
