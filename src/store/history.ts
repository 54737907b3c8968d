import type { StoreEvent } from './port.ts';
import { firstIndex } from './sorted-map.ts';

/** What has happened since the last compaction, in order: watches replay it, and lists of the past undo it. */
export class History {
  #events: StoreEvent[] = [];

  append(events: readonly StoreEvent[]): void {
    for (const event of events) this.#events.push(event);
  }

  /** The events of the revisions above `revision` whose keys begin with `prefix`. */
  after(revision: number, prefix: string): StoreEvent[] {
    const events: StoreEvent[] = [];
    for (let i = this.#indexBehind(revision); i < this.#events.length; i++) {
      const event = this.#events[i]!;
      if (event.key.startsWith(prefix)) events.push(event);
    }
    return events;
  }

  /** Removes the events up to `revision`, and returns them. */
  forget(revision: number): StoreEvent[] {
    return this.#events.splice(0, this.#indexBehind(revision));
  }

  #indexBehind(revision: number): number {
    return firstIndex(this.#events.length, (i) => this.#events[i]!.revision > revision);
  }
}
