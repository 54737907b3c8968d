import type { StoreEvent, Watcher, WatchOptions } from './port.ts';

interface Subscriber {
  readonly options: WatchOptions;
  /** Replayed history that has not been handed over yet; live events queue behind it. */
  backlog: readonly StoreEvent[];
  /** The revision up to which everything is in the backlog or handed over. */
  seen: number;
  stopped: boolean;
}

/** Hands commits to watchers: grouped by prefix, so that a hundred watchers of one prefix cost one filtering. */
export class Watchers {
  readonly #byPrefix = new Map<string, Set<Subscriber>>();
  readonly #queue: (readonly StoreEvent[])[] = [];
  #publishing = false;

  /**
   * @param backlog the matching events above `options.after` and up to `revision`; what comes behind is published
   */
  add(prefix: string, options: WatchOptions, backlog: readonly StoreEvent[], revision: number): Watcher {
    const subscriber: Subscriber = { options, backlog, seen: revision, stopped: false };
    const group = this.#byPrefix.get(prefix) ?? new Set();
    this.#byPrefix.set(prefix, group.add(subscriber));
    // Not within the call: the caller has no Watcher to stop yet.
    if (backlog.length > 0) queueMicrotask(() => deliver(subscriber, []));
    return {
      stop: () => {
        subscriber.stopped = true;
        group.delete(subscriber);
        if (group.size === 0 && this.#byPrefix.get(prefix) === group) this.#byPrefix.delete(prefix);
      },
    };
  }

  /** A commit made inside of `onEvents` waits, so that every watcher sees commits in the same order. */
  publish(events: readonly StoreEvent[]): void {
    this.#queue.push(events);
    if (this.#publishing) return;
    this.#publishing = true;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) this.#fanOut(next);
    this.#publishing = false;
  }

  end(error?: unknown): void {
    const subscribers = [...this.#byPrefix.values()].flatMap((group) => [...group]);
    this.#byPrefix.clear();
    for (const subscriber of subscribers) {
      deliver(subscriber, []);
      if (subscriber.stopped) continue;
      subscriber.stopped = true;
      guard(() => subscriber.options.onEnd?.(error));
    }
  }

  #fanOut(events: readonly StoreEvent[]): void {
    for (const [prefix, group] of [...this.#byPrefix]) {
      const matching = events.filter((event) => event.key.startsWith(prefix));
      if (matching.length > 0) for (const subscriber of [...group]) deliver(subscriber, matching);
    }
  }
}

function deliver(subscriber: Subscriber, events: readonly StoreEvent[]): void {
  // A watcher that began while commits were queued here has those in its backlog already.
  const batch = [...subscriber.backlog, ...events.filter((event) => event.revision > subscriber.seen)];
  subscriber.backlog = [];
  subscriber.seen = Math.max(subscriber.seen, events.at(-1)?.revision ?? 0);
  if (batch.length > 0 && !subscriber.stopped) guard(() => subscriber.options.onEvents(batch));
}

/** A watcher that throws is a programmer error: it crashes the process, but not the commit it was told of. */
function guard(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
