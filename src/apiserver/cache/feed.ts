import assert from 'node:assert/strict';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { isStoreError } from '../../store/errors.ts';
import type { Entry, Listing, Store, StoreEvent, Watcher } from '../../store/port.ts';

/** Gets every entry below its prefix once, then every event, in the order of the commits. */
export interface FeedReader {
  readonly prefix: string;
  load(entries: readonly Entry[], revision: number): void;
  apply(event: StoreEvent): void;
}

const root = '/registry/';
/** How much of the past is replayed at start, so that clients go on watching after a restart without listing anew. */
const replayedRevisions = 4_096;

/**
 * The one watch on the store that feeds everything the server holds in memory. One, not one per kind, so that all of it
 * stands at the same revision: whoever has waited for a revision sees all that was written up to it.
 */
export class Feed {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #readers = new Map<string, FeedReader>();
  #revision = 0;
  #watcher: Watcher | undefined;
  #ended = false;
  #waiting: { readonly revision: number; readonly resolve: () => void }[] = [];

  constructor(parts: { store: Store; log: Logger; clock: Clock }, readers: readonly FeedReader[]) {
    this.#store = parts.store;
    this.#log = parts.log;
    this.#clock = parts.clock;
    for (const reader of readers) {
      assert.match(reader.prefix, /^\/registry\/[^/]+\/[^/]+\/$/);
      this.#readers.set(reader.prefix, reader);
    }
  }

  /** The newest revision that memory shows. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether the store's watch has ended: memory then goes stale and nothing may be answered from it. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  async start(): Promise<void> {
    const target = this.#store.revision;
    const listing = await this.#past(Math.max(1, target - replayedRevisions));
    for (const reader of this.#readers.values()) {
      const entries = listing.entries.filter((entry) => entry.key.startsWith(reader.prefix));
      reader.load(entries, listing.revision);
    }
    this.#revision = listing.revision;
    this.#watcher = this.#store.watch(root, {
      after: listing.revision,
      onEvents: (events) => this.#apply(events),
      onEnd: (error) => this.#end(error),
    });
    await this.reach(target);
  }

  stop(): void {
    this.#watcher?.stop();
    this.#end(undefined);
  }

  /** Resolves when memory shows this revision, or when it never will (then `hasEnded`). */
  reach(revision: number): Promise<void> {
    if (this.#revision >= revision || this.#ended) return done;
    return new Promise((resolve) => this.#waiting.push({ revision, resolve }));
  }

  /**
   * Resolves when memory shows everything that was durable at the time of the call, whichever server wrote it. Rejects
   * with a StoreError when the store cannot say.
   */
  async catchUp(): Promise<void> {
    if (!this.#ended) await this.reach(await this.#store.sync());
  }

  async #past(revision: number): Promise<Listing> {
    try {
      return await this.#store.list(root, { revision });
    } catch (error) {
      if (isStoreError(error, 'compacted', 'future')) return this.#store.list(root);
      throw error;
    }
  }

  #apply(events: readonly StoreEvent[]): void {
    // On the machine's own clock, for whoever compares it with another process.
    const committedMs = this.#clock.monotonicMs();
    for (const event of events) {
      this.#readers.get(readerPrefixOf(event.key))?.apply(event);
      this.#revision = event.revision;
    }
    this.#log.debug('Committed', { revision: this.#revision, keys: events.map(({ key }) => key), committedMs });
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = waiting.filter(({ revision, resolve }) => {
      if (revision > this.#revision) return true;
      resolve();
      return false;
    });
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    if (error !== undefined) this.#log.error('Watch on the store ended', { error });
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }
}

const done = Promise.resolve();

/** `/registry/core/pods/default/x` → `/registry/core/pods/`. */
function readerPrefixOf(key: string): string {
  const kind = key.indexOf('/', root.length);
  return key.slice(0, key.indexOf('/', kind + 1) + 1);
}
