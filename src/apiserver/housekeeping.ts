import type { Cancel, Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { type Event, parseTime } from '../kube/mod.ts';
import type { Store } from '../store/port.ts';
import type { Feed } from './cache/feed.ts';
import type { ResourceCache } from './cache/resource-cache.ts';
import type { Registry } from './registry/registry.ts';

export interface HousekeepingParts {
  readonly store: Store;
  readonly feed: Feed;
  readonly clock: Clock;
  readonly log: Logger;
  readonly caches: readonly ResourceCache[];
  readonly events: Registry;
  /** Mends what is kept of addresses and ports. */
  readonly repair: () => Promise<unknown>;
}

/** Upstream sends a bookmark about once a minute and compacts every five. */
const roundMs = 60_000;
const historyMs = 300_000;
/** Upstream's repair loops run every three minutes. */
const roundsToRepair = 3;
/** However fast the writes come, no more than so many revisions are kept. */
const historyRevisions = 100_000;
/** Upstream's --event-ttl. */
const eventLifeMs = 3_600_000;

interface Mark {
  readonly timeMs: number;
  readonly revision: number;
}

/** What the server does by the clock: bookmarks, forgetting of old history, the end of old Events. */
export class Housekeeping {
  readonly #parts: HousekeepingParts;
  #marks: Mark[] = [];
  #rounds = 0;
  #cancel: Cancel = () => {};
  #round: Promise<void> = Promise.resolve();

  constructor(parts: HousekeepingParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#cancel = this.#parts.clock.schedule(roundMs, () => {
      this.#round = this.#runRound().catch((error) =>
        this.#parts.log.warn('Housekeeping failed', { error: messageOf(error) }),
      );
      this.start();
    });
  }

  async stop(): Promise<void> {
    this.#cancel();
    await this.#round;
  }

  async #runRound(): Promise<void> {
    const { caches, feed } = this.#parts;
    for (const cache of caches) cache.sendBookmarks(feed.revision);
    await this.#compact();
    await this.#dropOldEvents();
    if (++this.#rounds % roundsToRepair === 0) await this.#parts.repair();
  }

  async #compact(): Promise<void> {
    const { clock, feed, store, caches } = this.#parts;
    const timeMs = clock.monotonicMs();
    this.#marks.push({ timeMs, revision: feed.revision });
    const old = this.#marks.findLastIndex((mark) => mark.timeMs <= timeMs - historyMs);
    const byAge = old < 0 ? 0 : this.#marks[old]!.revision;
    const revision = Math.max(byAge, feed.revision - historyRevisions);
    this.#marks = this.#marks.slice(Math.max(0, old));
    if (revision <= 1) return;
    for (const cache of caches) cache.forgetBefore(revision);
    await store.compact(revision);
  }

  async #dropOldEvents(): Promise<void> {
    const { events, clock } = this.#parts;
    const tooOldMs = clock.now() - eventLifeMs;
    const old = [...events.cache.list(events.cache.prefix)].filter(
      ({ object }) => lastSeenMs(object as Event) < tooOldMs,
    );
    const options = { dryRun: false, gracePeriodSeconds: undefined, propagationPolicy: undefined };
    for (const { object, revision } of old) {
      // One that is counted up in this very moment stays: the precondition fails.
      const preconditions = { resourceVersion: String(revision) };
      await events.deleteIfThere(object.metadata, { ...options, preconditions }).catch(() => {});
    }
  }
}

const lastSeenMs = (event: Event): number =>
  parseTime(event.lastTimestamp ?? '') ?? parseTime(event.metadata.creationTimestamp) ?? 0;
