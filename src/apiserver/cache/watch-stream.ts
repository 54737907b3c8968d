import type { Cancel } from '../../base/clock.ts';

/**
 * What one watcher still has to be sent. It never makes the writer wait: a watcher that falls too far behind gets what
 * is queued and then the end of its watch, and comes back from where it was.
 */
export class WatchStream implements AsyncIterable<string> {
  readonly #initial: Iterator<string>;
  readonly #maxLines: number;
  #lines: string[] = [];
  #open = true;
  #wake: (() => void) | undefined;
  readonly #onClose: Cancel[] = [];

  /** @param initial sent before any line that is pushed, made while it is read */
  constructor(initial: Iterable<string>, maxLines: number) {
    this.#initial = initial[Symbol.iterator]();
    this.#maxLines = maxLines;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Returns false when the watcher is too slow: the stream has then been ended. */
  push(line: string): boolean {
    if (!this.#open) return false;
    if (this.#lines.length >= this.#maxLines) {
      this.end();
      return false;
    }
    this.#lines.push(line);
    this.#wake?.();
    return true;
  }

  /** No more lines will come; what is queued is still delivered. */
  end(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const close of this.#onClose.splice(0)) close();
    this.#wake?.();
  }

  /** Runs once, when the stream ends or its reader leaves. */
  onClose(callback: Cancel): void {
    if (this.#open) this.#onClose.push(callback);
    else callback();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    try {
      for (let next = this.#initial.next(); !next.done; next = this.#initial.next()) yield next.value;
      for (;;) {
        if (this.#lines.length > 0) {
          // All that has gathered while the reader was busy goes out as one piece: one frame, one system call.
          const piece = this.#lines.length === 1 ? this.#lines[0]! : this.#lines.join('');
          this.#lines = [];
          yield piece;
        } else if (this.#open) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = undefined;
        } else return;
      }
    } finally {
      this.end();
    }
  }
}
