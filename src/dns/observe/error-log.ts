import type { Cancel, Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { nameText, typeText } from '../../wire/dns/mod.ts';
import type { Question } from '../chain/port.ts';
import type { ErrorsOptions } from '../corefile/mod.ts';

interface Heap {
  readonly rule: ErrorsOptions['consolidate'][number];
  count: number;
  cancel: Cancel;
}

/** The `errors` directive: why a question could not be answered, alike ones counted instead of told one by one. */
export class ErrorLog {
  readonly #options: ErrorsOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #heaps: readonly Heap[];

  constructor(options: ErrorsOptions, { clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#heaps = options.consolidate.map((rule) => ({ rule, count: 0, cancel: () => {} }));
  }

  failed({ packet, query }: Question, rcode: number, reason: string): void {
    const heap = this.#heaps.find(({ rule }) => rule.pattern.test(reason));
    const tell = () =>
      this.#log[heap?.rule.level ?? 'error']('A question cannot be answered', {
        rcode,
        name: nameText(packet.subarray(12, query.questionEnd - 4)),
        type: typeText(query.type),
        error: reason,
      });
    if (heap) this.#count(heap, tell);
    else tell();
  }

  #count(heap: Heap, tell: () => void): void {
    heap.count++;
    if (heap.count > 1) return;
    if (heap.rule.showFirst) tell();
    heap.cancel = this.#clock.schedule(heap.rule.durationMs, () => this.#tellHeap(heap));
  }

  mistake({ packet, query }: Question, error: unknown): void {
    const name = nameText(packet.subarray(12, query.questionEnd - 4));
    const text = this.#options.stacktrace && error instanceof Error ? error.stack : messageOf(error);
    this.#log.error('A mistake in the program', { name, error: text });
  }

  /** What has been counted so far is told now. */
  close(): void {
    for (const heap of this.#heaps) {
      heap.cancel();
      this.#tellHeap(heap);
    }
  }

  #tellHeap(heap: Heap): void {
    const { rule, count } = heap;
    heap.count = 0;
    if (count === 0 || (rule.showFirst && count === 1)) return;
    this.#log[rule.level](`${count} errors like '${rule.pattern.source}' occurred in last ${rule.durationMs / 1000}s`);
  }
}
