import { type Clock, sleep } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { type KubeObject, keyOf, type Resource } from '../kube/port.ts';
import { type Indexes, ObjectCache } from './cache.ts';
import { isExpired, isUnreachable, isVersionTooLarge, unreachable } from './errors.ts';
import type { Change, Client, Informer, Selectors, WatchEvent } from './port.ts';
import { RecentDeletions } from './recent-deletions.ts';

export interface InformerOptions<S extends KubeObject> extends Selectors {
  readonly client: Client;
  readonly resource: Resource<S>;
  readonly indexes?: Indexes<S>;
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1), for jitter. */
  readonly random?: () => number;
  /**
   * What is kept of an object when the handlers have been told of it: at least `metadata.uid` and `resourceVersion`. For those
   * who keep what they need themselves; `before` of a change, and what `get` and `list` return, is this much.
   */
  readonly retain?: (object: S) => S;
}

export const createInformer = <S extends KubeObject>(options: InformerOptions<S>): Informer<S> =>
  new ListWatchInformer(options);

const firstRetryMs = 10;
/** A server that is away answers nothing and costs little to ask; one that answers with errors is left in peace. */
const longestRetryMs = { unreachable: 1000, refused: 30_000 };
/** A watch that ends sooner, and brought nothing, is not gone on with at once: that would be a busy loop. */
const shortWatchMs = 1000;
/** The server was to end the watch; so long after that it is taken for stalled. */
const stallGraceMs = 10_000;

class ListWatchInformer<S extends KubeObject> implements Informer<S> {
  readonly synced: Promise<void>;
  hasSynced = false;
  lastHeardMs = Number.NEGATIVE_INFINITY;
  readonly #options: InformerOptions<S>;
  readonly #log: Logger;
  readonly #random: () => number;
  readonly #retain: (object: S) => S;
  readonly #cache: ObjectCache<S>;
  readonly #handlers: ((change: Change<S>) => void)[] = [];
  readonly #stop = new AbortController();
  readonly #resolveSynced: () => void;
  #running: Promise<void> | undefined;
  /** Where the next watch goes on; undefined: list first. */
  #version: string | undefined;
  /** The newest version whose effects are in the cache; outlives a loss of `#version`. */
  #seen = 0n;
  #failures = 0;
  /** Versions of the latest deletions, so that a late event does not bring an object back. */
  readonly #deleted = new RecentDeletions();

  constructor(options: InformerOptions<S>) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#retain = options.retain ?? ((object) => object);
    this.#log = options.log.with({ informer: options.resource.plural });
    this.#cache = new ObjectCache(options.indexes ?? {});
    const { promise, resolve } = Promise.withResolvers<void>();
    this.synced = promise;
    this.#resolveSynced = resolve;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  get(key: string): S | undefined {
    return this.#cache.get(key);
  }

  list(): IterableIterator<S> {
    return this.#cache.values();
  }

  byIndex(index: string, value: string): Iterable<S> {
    return this.#cache.byIndex(index, value);
  }

  get size(): number {
    return this.#cache.size;
  }

  isCurrent(resourceVersion: string): boolean {
    return this.#seen >= BigInt(resourceVersion);
  }

  onChange(handler: (change: Change<S>) => void): void {
    this.#handlers.push(handler);
    for (const key of this.#cache.keys()) this.#deliver(handler, { key, after: this.#cache.get(key)! });
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        this.#version ??= await this.#list();
        await this.#watch(this.#version);
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  async #recover(error: unknown): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const failures = this.#failures++;
    if (isExpired(error) || isVersionTooLarge(error)) {
      this.#log.info('Listing again', { because: messageOf(error) });
      this.#version = undefined;
      // Only a list that is refused over and over is waited for.
      if (failures === 0) return;
    }
    const longestMs = isUnreachable(error) ? longestRetryMs.unreachable : longestRetryMs.refused;
    const delayMs = Math.min(longestMs, firstRetryMs * 2 ** failures) * (0.5 + this.#random());
    this.#log.debug('Connecting again', { delayMs: Math.round(delayMs), because: messageOf(error) });
    await sleep(this.#options.clock, delayMs, this.#stop.signal);
  }

  async #list(): Promise<string> {
    const { client, resource, namespace, labelSelector, fieldSelector } = this.#options;
    const query = definedSelectors({ namespace, labelSelector, fieldSelector });
    let listed = this.#listedSoFar();
    const onPage = (some: readonly S[], isFirst: boolean) => {
      if (isFirst) listed = this.#listedSoFar();
      for (const item of some) {
        const key = keyOf(item);
        listed?.add(key);
        this.#put(key, item);
      }
    };
    const { items, resourceVersion } = await client.list(resource, {
      ...query,
      signal: this.#stop.signal,
      ...(this.#mayTakePages() && { onPage }),
    });
    for (const item of items) listed?.add(keyOf(item));
    if (listed) for (const key of this.#cache.keys()) if (!listed.has(key)) this.#remove(key);
    for (const item of items) this.#put(keyOf(item), item);
    // The list is the truth even where it is older, as after a restore from a backup.
    this.#deleted.clear();
    this.#saw(resourceVersion);
    this.lastHeardMs = this.#options.clock.monotonicMs();
    if (!this.hasSynced) {
      this.hasSynced = true;
      this.#resolveSynced();
    }
    return resourceVersion;
  }

  /** Keys of a list that begins now; where nothing is there yet nothing can be gone. */
  #listedSoFar(): Set<string> | undefined {
    return this.#cache.size === 0 ? undefined : new Set();
  }

  /**
   * What a list no longer has is known at its end. Handlers are told of it first, in case that something else has its name
   * or address now; but for those who want to keep little, for whom a second list must not cost what the first did not.
   */
  #mayTakePages(): boolean {
    return this.#cache.size === 0 || this.#options.retain !== undefined;
  }

  async #watch(version: string): Promise<void> {
    const { client, clock, resource, namespace, labelSelector, fieldSelector } = this.#options;
    const startedMs = clock.monotonicMs();
    // Spread, so that the watches of many clients do not all end in the same second (client-go: 5 to 10 minutes).
    const timeoutSeconds = Math.round(300 + 300 * this.#random());
    const stalled = new AbortController();
    const cancelGuard = clock.schedule(timeoutSeconds * 1000 + stallGraceMs, () => stalled.abort());
    const signal = AbortSignal.any([this.#stop.signal, stalled.signal]);
    const query = { ...definedSelectors({ namespace, labelSelector, fieldSelector }), timeoutSeconds, signal };
    let events = 0;
    try {
      for await (const event of client.watch(resource, { ...query, resourceVersion: version })) {
        if (this.#stop.signal.aborted) return;
        events++;
        this.#failures = 0;
        this.lastHeardMs = clock.monotonicMs();
        this.#apply(event);
      }
      // It ended as it should: the server was there until now.
      this.lastHeardMs = clock.monotonicMs();
    } finally {
      cancelGuard();
      if (clock.monotonicMs() - startedMs >= shortWatchMs) this.#failures = 0;
    }
    if (events === 0 && clock.monotonicMs() - startedMs < shortWatchMs) {
      throw unreachable(`Watch ${resource.plural}`, 'The watch ended as soon as it had begun');
    }
  }

  #apply(event: WatchEvent<S>): void {
    if (event.type === 'BOOKMARK') {
      this.#advance(event.resourceVersion);
      return;
    }
    const key = keyOf(event.object);
    const { resourceVersion } = event.object.metadata;
    if (this.#isPast(key, event.type, resourceVersion)) return;
    // Before the handlers are told: they may ask `isCurrent`.
    this.#advance(resourceVersion);
    if (event.type !== 'DELETED') this.#put(key, event.object);
    else {
      this.#deleted.set(key, resourceVersion);
      this.#remove(key);
    }
  }

  /**
   * An event that a server sends again or too late, after newer ones of the same object: what came later is not undone.
   * Versions compare as decimal numbers (KEP-5504).
   */
  #isPast(key: string, type: 'ADDED' | 'MODIFIED' | 'DELETED', version: string): boolean {
    const known = this.#cache.get(key)?.metadata.resourceVersion;
    const newest = known ?? this.#deleted.get(key);
    if (newest === undefined || BigInt(version) > BigInt(newest)) return false;
    if (version === newest) return type !== 'DELETED';
    this.#log.debug('An event came late', { key, version, newest });
    return true;
  }

  /** Forward only: a late event must not make the next watch begin before what has been seen. */
  #advance(version: string): void {
    if (BigInt(version || '0') >= BigInt(this.#version || '0')) this.#saw(version);
  }

  #saw(version: string): void {
    this.#version = version;
    const number = BigInt(version || '0');
    if (number > this.#seen) this.#seen = number;
  }

  #put(key: string, listed: S): void {
    const after = withoutManagedFields(listed);
    const known = this.#cache.get(key);
    if (known?.metadata.resourceVersion === after.metadata.resourceVersion) return;
    // The name was given to another object while we did not look: two changes, not one.
    if (known && known.metadata.uid !== after.metadata.uid) this.#remove(key);
    const before = this.#cache.set(key, this.#retain(after));
    this.#report(before ? { key, before, after } : { key, after });
  }

  #remove(key: string): void {
    const before = this.#cache.delete(key);
    if (before) this.#report({ key, before });
  }

  #report(change: Change<S>): void {
    for (const handler of this.#handlers) this.#deliver(handler, change);
  }

  /** A handler that throws is a mistake in the program: it must pass neither for a failure of the watch nor end us. */
  #deliver(handler: (change: Change<S>) => void, change: Change<S>): void {
    try {
      handler(change);
    } catch (error) {
      this.#log.error('A handler failed', {
        key: change.key,
        error: error instanceof Error ? error.stack : String(error),
      });
    }
  }
}

const definedSelectors = (selectors: { [Name in keyof Selectors]?: string | undefined }): Selectors =>
  Object.fromEntries(Object.entries(selectors).filter(([, value]) => value !== undefined));

/** Nobody here asks who owns which field, and the answer takes more room than the object; who writes it back keeps it. */
function withoutManagedFields<S extends KubeObject>(object: S): S {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
