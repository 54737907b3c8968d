import type { Question } from '../chain/port.ts';
import type { QueryBooks } from '../metrics/query-books.ts';
import type { Observer } from '../server/mod.ts';
import type { ErrorLog } from './error-log.ts';
import type { QueryLog } from './query-log.ts';

export interface BlockObserverOptions {
  readonly books?: QueryBooks;
  readonly logs: readonly QueryLog[];
  readonly errors?: ErrorLog;
  /** Milliseconds on a clock that is cheap to read. */
  readonly elapsedMs: () => number;
  /** A mistake in a plugin; for `coredns_panics_total`. */
  readonly onMistake: () => void;
}

const servFail = 2;

/** What the directives of one server block want to know of its answers. */
export class BlockObserver implements Observer {
  readonly #options: BlockObserverOptions;
  readonly #isTimed: boolean;

  constructor(options: BlockObserverOptions) {
    this.#options = options;
    this.#isTimed = options.books !== undefined || options.logs.length > 0;
  }

  begin(): number {
    return this.#isTimed ? this.#options.elapsedMs() : 0;
  }

  answered(question: Question, reply: Buffer, rcode: number, plugin: string, beganMs: number, error?: string): void {
    const { books, logs, errors, elapsedMs } = this.#options;
    const tookMs = this.#isTimed ? elapsedMs() - beganMs : 0;
    books?.count(question, reply, rcode, plugin, tookMs);
    for (const log of logs) log.answered(question, reply, rcode, tookMs);
    if (errors && rcode === servFail) errors.failed(question, rcode, error ?? 'another resolver failed');
  }

  failed(question: Question, error: unknown): void {
    this.#options.onMistake();
    this.#options.errors?.mistake(question, error);
  }
}
