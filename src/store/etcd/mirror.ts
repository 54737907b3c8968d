import { type Clock, sleep } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Engine } from '../engine.ts';
import { isStoreError, StoreError } from '../errors.ts';
import type { Entry, StoreEvent } from '../port.ts';
import type { Connection } from './connection.ts';
import { CallError, grpcStatus, openCall } from './grpc.ts';
import {
  decodeRange,
  decodeWatch,
  encodeRange,
  encodeWatchCreate,
  type KeyValue,
  type RangeRequest,
  type RangeResponse,
  type WatchEvent,
  type WatchResponse,
} from './messages.ts';

const pageKeys = 1_000;
const readTimeoutMs = 5_000;
const readAttempts = 4;
const retryMs = 200;

export interface MirrorParts {
  readonly engine: Engine;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly log: Logger;
  /** What etcd's keys have before ours. */
  readonly prefix: string;
}

/**
 * The store's keys as etcd has them, in this process: one listing, then one watch, for ever. The watch is on every key
 * of etcd, so that it passes through every revision: who waits for one that etcd has named knows when it is here.
 */
export class Mirror {
  readonly #parts: MirrorParts;
  readonly #stopped = new AbortController();
  /** The newest revision of etcd that the engine shows. */
  #seen = 0;
  #loads = 0;
  #held: WatchEvent[] = [];
  #waiting: { readonly revision: number; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] =
    [];
  #running: Promise<void> = Promise.resolve();

  constructor(parts: MirrorParts) {
    this.#parts = parts;
  }

  get seen(): number {
    return this.#seen;
  }

  /** How often all of it was listed: history has a gap before the last time. */
  get loads(): number {
    return this.#loads;
  }

  /** Lists as far back as `historyRevisions` and as etcd still can, then follows. */
  async start(historyRevisions: number): Promise<void> {
    const newest = await this.newestRevision();
    await this.#load(Math.max(1, newest - historyRevisions));
    this.#running = this.#follow();
    await this.reach(newest, undefined);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const { reject } of this.#waiting.splice(0))
      reject(new StoreError('Follow etcd', 'closed', 'the store is closed'));
    await this.#running;
  }

  /** The revision that the cluster, not only one member, has come to. */
  async newestRevision(): Promise<number> {
    return (await this.#range({ key: `${this.#parts.prefix}/`, limit: 1 })).revision;
  }

  /** Resolves when the engine shows a revision; rejects with `unavailable` after `timeoutMs`, if there is one. */
  async reach(revision: number, timeoutMs: number | undefined): Promise<void> {
    if (this.#seen >= revision) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { revision, resolve, reject };
    this.#waiting.push(waiter);
    const cancel =
      timeoutMs === undefined
        ? () => {}
        : this.#parts.clock.schedule(timeoutMs, () => {
            this.#waiting = this.#waiting.filter((other) => other !== waiter);
            const state = `no member has shown revision ${revision} within ${timeoutMs} ms, it is at ${this.#seen}`;
            reject(new StoreError('Follow etcd', 'unavailable', state));
          });
    await promise.finally(cancel);
  }

  /** A read may be asked again: where one member fails, the next may know. */
  async #range(request: RangeRequest): Promise<RangeResponse> {
    const { connection, clock } = this.#parts;
    const call = { path: '/etcdserverpb.KV/Range', message: encodeRange(request) };
    for (let attempt = 1; ; attempt++) {
      try {
        return decodeRange(await connection.call(call, readTimeoutMs));
      } catch (error) {
        if (attempt === readAttempts || !isPassing(error)) throw error;
        await sleep(clock, attempt * retryMs, this.#stopped.signal);
      }
    }
  }

  /** All keys as they were at one revision; what differs from what the engine has becomes events. */
  async #load(wanted: number): Promise<void> {
    const { prefix, engine } = this.#parts;
    const listed = new Map<string, Entry>();
    let revision = wanted;
    for (let key = `${prefix}/`, more = true; more; ) {
      try {
        const page = await this.#range({ key, rangeEnd: `${prefix}0`, limit: pageKeys, revision });
        revision ||= page.revision;
        for (const kv of page.kvs) listed.set(this.#keyOf(kv.key), this.#entryOf(kv));
        more = page.more && page.kvs.length > 0;
        key = `${page.kvs.at(-1)?.key}\0`;
      } catch (error) {
        // Compacted while it was read, or before: all of it anew, at the newest.
        if (!isCompacted(error)) throw error;
        listed.clear();
        [key, more, revision] = [`${prefix}/`, true, 0];
      }
    }
    engine.apply(differences(engine, listed, revision));
    engine.compact(revision);
    this.#loads++;
    this.#advance(revision);
  }

  async #follow(): Promise<void> {
    const { clock, log, connection } = this.#parts;
    while (!this.#stopped.signal.aborted) {
      try {
        const session = await connection.session();
        const compacted = await this.#watch(session);
        if (compacted) {
          log.warn('etcd has forgotten what was missed; listing all anew', { seen: this.#seen });
          await this.#load(0);
        }
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        if (!(error instanceof CallError) && !isStoreError(error)) throw error;
        log.warn('The watch on etcd broke', { seen: this.#seen, error: messageOf(error) });
        await sleep(clock, retryMs, this.#stopped.signal);
      }
    }
  }

  /** Resolves, with true, when history is gone; rejects when the watch breaks. */
  async #watch(session: Awaited<ReturnType<Connection['session']>>): Promise<boolean> {
    let compacted = false;
    this.#held = [];
    const call = { path: '/etcdserverpb.Watch/Watch', message: encodeWatchCreate(this.#seen + 1) };
    const { ended, cancel } = openCall(
      session.http2,
      call,
      (message) => {
        const response = decodeWatch(message);
        if (response.compactRevision > 0) compacted = true;
        if (response.canceled) cancel(`etcd canceled it: ${response.cancelReason || 'history is gone'}`);
        else this.#take(response);
      },
      { isStreaming: true },
    );
    const stop = () => cancel('another member is used from now on');
    const signals = [session.retired, this.#stopped.signal];
    for (const signal of signals) signal.addEventListener('abort', stop, { once: true });
    if (signals.some(({ aborted }) => aborted)) stop();
    try {
      await ended;
    } catch (error) {
      if (!compacted) throw error;
    } finally {
      for (const signal of signals) signal.removeEventListener('abort', stop);
    }
    return compacted;
  }

  #take({ events, fragment }: WatchResponse): void {
    this.#held.push(...events);
    if (fragment || this.#held.length === 0) return;
    const all = this.#held;
    this.#held = [];
    const ours: StoreEvent[] = [];
    const changed = new Map<string, Entry | undefined>();
    for (const { type, kv } of all) {
      if (!kv.key.startsWith(`${this.#parts.prefix}/`) || kv.modRevision <= this.#seen) continue;
      const key = this.#keyOf(kv.key);
      const previous = changed.has(key) ? changed.get(key) : this.#parts.engine.peek(key);
      const entry = type === 'put' ? this.#entryOf(kv) : undefined;
      changed.set(key, entry);
      const before = previous && { previous };
      ours.push({ type, revision: kv.modRevision, key, ...(entry && { entry }), ...before });
    }
    // A commit at a time, as the other stores do it.
    for (const commit of byRevision(ours)) this.#parts.engine.apply(commit);
    this.#advance(all.at(-1)!.kv.modRevision);
  }

  #advance(revision: number): void {
    this.#seen = Math.max(this.#seen, revision);
    const due = this.#waiting.filter((waiter) => waiter.revision <= this.#seen);
    this.#waiting = this.#waiting.filter((waiter) => waiter.revision > this.#seen);
    for (const { resolve } of due) resolve();
  }

  #keyOf(etcdKey: string): string {
    return etcdKey.slice(this.#parts.prefix.length);
  }

  #entryOf({ key, value, createRevision, modRevision }: KeyValue): Entry {
    return { key: this.#keyOf(key), value, createRevision, modRevision };
  }
}

const isPassing = (error: unknown) =>
  isStoreError(error, 'unavailable') ||
  (error instanceof CallError && (error.status === undefined || error.status === grpcStatus.unavailable));

const isCompacted = (error: unknown) => error instanceof CallError && error.status === grpcStatus.outOfRange;

/** What takes the engine from what it has to what was listed, the oldest first; deletions are as old as the listing. */
function differences(engine: Engine, listed: ReadonlyMap<string, Entry>, revision: number): StoreEvent[] {
  const before = new Map(engine.entries().map((entry) => [entry.key, entry]));
  const puts: StoreEvent[] = [];
  for (const [key, entry] of listed) {
    const previous = before.get(key);
    if (previous?.modRevision === entry.modRevision) continue;
    puts.push({ type: 'put', revision: entry.modRevision, key, entry, ...(previous && { previous }) });
  }
  const deletions = [...before.values()]
    .filter(({ key }) => !listed.has(key))
    .map((previous): StoreEvent => ({ type: 'delete', revision, key: previous.key, previous }));
  return [...puts.sort((a, b) => a.revision - b.revision), ...deletions];
}

function byRevision(events: readonly StoreEvent[]): StoreEvent[][] {
  const commits: StoreEvent[][] = [];
  for (const event of events) {
    if (commits.at(-1)?.[0]?.revision === event.revision) commits.at(-1)!.push(event);
    else commits.push([event]);
  }
  return commits;
}
