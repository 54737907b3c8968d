import { setImmediate as turn } from 'node:timers/promises';
import type { Store, StoreEvent, Watcher } from '../mod.ts';

/** A watch that keeps all it is told. */
export class Recorder {
  readonly prefix: string;
  readonly after: number;
  readonly events: StoreEvent[] = [];
  /** How the events came: the revisions of each call. */
  readonly calls: number[][] = [];
  readonly ends: unknown[] = [];
  readonly #watcher: Watcher;

  constructor(store: Store, prefix: string, after: number) {
    this.prefix = prefix;
    this.after = after;
    this.#watcher = store.watch(prefix, {
      after,
      onEvents: (events) => {
        this.events.push(...events);
        this.calls.push(events.map((event) => event.revision));
      },
      onEnd: (error) => this.ends.push(error),
    });
  }

  /** Resolves when so many events have come; a test that waits in vain is ended by its runner. */
  async reaches(count: number): Promise<void> {
    while (this.events.length < count) await turn();
  }

  stop(): void {
    this.#watcher.stop();
  }
}
