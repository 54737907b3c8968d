import assert from 'node:assert';
import { StoreError } from './errors.ts';
import { History } from './history.ts';
import type { Entry, Listing, ListOptions, Operation, StoreEvent, Watcher, WatchOptions } from './port.ts';
import { SortedMap } from './sorted-map.ts';
import { Watchers } from './watchers.ts';

/** A version of a key that no list and no watch can ask for any more. */
export interface Superseded {
  readonly key: string;
  readonly revision: number;
}

/** The semantics of the store, in memory and without waiting: what is committed, what was, and who watches. */
export class Engine {
  readonly #entries = new SortedMap<Entry>();
  readonly #history = new History();
  readonly #watchers = new Watchers();
  #revision = 1;
  #compacted = 0;
  #closed = false;

  get revision(): number {
    return this.#revision;
  }

  /** History reaches back to this revision. */
  get compacted(): number {
    return this.#compacted;
  }

  get(key: string): Entry | undefined {
    this.assertOpen(`Get ${key}`);
    return this.#entries.get(key);
  }

  /** What there is, also while the store closes and the last commits come in. */
  peek(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  entries(): readonly Entry[] {
    return this.#entries.slice('').values;
  }

  list(prefix: string, { revision = this.#revision, limit, after }: ListOptions = {}): Listing {
    assert(limit === undefined || (Number.isSafeInteger(limit) && limit > 0), 'limit must be a positive integer');
    const operation = `List ${prefix}`;
    this.assertOpen(operation);
    this.#assertInHistory(operation, revision);
    const changed = this.#entriesAt(revision, prefix, after);
    if (changed.size === 0) {
      const { values, remaining } = this.#entries.slice(prefix, after, limit);
      return { entries: values, revision, remaining };
    }
    return { ...this.#listChanged(prefix, after, limit, changed), revision };
  }

  watch(prefix: string, options: WatchOptions): Watcher {
    const operation = `Watch ${prefix}`;
    this.assertOpen(operation);
    this.#assertInHistory(operation, options.after);
    return this.#watchers.add(prefix, options, this.#history.after(options.after, prefix), this.#revision);
  }

  stage(): Stage {
    return new Stage(this.#revision, (key) => this.#entries.get(key));
  }

  /** What has happened to keys with a prefix after a revision, as far as history reaches. */
  changes(after: number, prefix: string): StoreEvent[] {
    return this.#history.after(after, prefix);
  }

  /** Makes whole commits visible, in order, and tells the watchers. */
  apply(events: readonly StoreEvent[]): void {
    if (events.length === 0) return;
    for (const { key, entry } of events) {
      if (entry) this.#entries.set(key, entry);
      else this.#entries.delete(key);
    }
    this.#history.append(events);
    this.#revision = events.at(-1)!.revision;
    this.#watchers.publish(events);
  }

  /**
   * Forgets what came before `revision`.
   * @returns the versions that nobody can see any more; of each key the older before the newer
   */
  compact(revision: number): Superseded[] {
    if (revision <= this.#compacted) return [];
    // After `restore` the store is as old as its last compaction, although no version of that revision may be left.
    this.#revision = Math.max(this.#revision, revision);
    this.#compacted = revision;
    return this.#history
      .forget(revision)
      .flatMap(({ type, key, previous, revision: at }) => [
        ...(previous ? [{ key, revision: previous.modRevision }] : []),
        ...(type === 'delete' ? [{ key, revision: at }] : []),
      ]);
  }

  /** Refuses calls from now on; what is under way can still be applied. */
  close(): void {
    this.#closed = true;
  }

  endWatches(error?: unknown): void {
    this.#watchers.end(error);
  }

  assertOpen(operation: string): void {
    if (this.#closed) throw new StoreError(operation, 'closed', 'the store is closed');
  }

  assertNotFuture(operation: string, revision: number): void {
    assert(Number.isSafeInteger(revision) && revision >= 0, 'a revision is a whole number from 0');
    if (revision <= this.#revision) return;
    throw new StoreError(operation, 'future', `revision ${revision} is beyond the newest, ${this.#revision}`);
  }

  #assertInHistory(operation: string, revision: number): void {
    this.assertNotFuture(operation, revision);
    if (revision >= this.#compacted) return;
    const state = `revision ${revision} is gone, history begins at ${this.#compacted}`;
    throw new StoreError(operation, 'compacted', state);
  }

  /** What the keys that have changed since `revision` held then. */
  #entriesAt(revision: number, prefix: string, after = ''): Map<string, Entry | undefined> {
    const entries = new Map<string, Entry | undefined>();
    for (const { key, previous } of this.#history.after(revision, prefix)) {
      if (key > after && !entries.has(key)) entries.set(key, previous);
    }
    return entries;
  }

  /** The current entries, with those that have changed since put back. Reads no more of them than the limit needs. */
  #listChanged(prefix: string, after: string | undefined, limit = Infinity, changed: Map<string, Entry | undefined>) {
    const { values, remaining } = this.#entries.slice(prefix, after, limit + changed.size);
    const former = [...changed.values()].filter((entry) => entry !== undefined);
    const changedNow = [...changed.keys()].filter((key) => this.#entries.get(key)).length;
    const total = values.length + remaining - changedNow + former.length;
    const entries = [...values.filter((entry) => !changed.has(entry.key)), ...former].sort(byKey).slice(0, limit);
    return { entries, remaining: total - entries.length };
  }
}

const byKey = (a: Entry, b: Entry) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** Commits on top of the committed state, each seeing those before it, that are not visible to anybody yet. */
export class Stage {
  readonly events: StoreEvent[] = [];
  readonly #committed: (key: string) => Entry | undefined;
  readonly #staged = new Map<string, Entry | undefined>();
  #revision: number;

  constructor(revision: number, committed: (key: string) => Entry | undefined) {
    this.#revision = revision;
    this.#committed = committed;
  }

  /**
   * Stages one commit.
   * @returns its revision
   * @throws StoreError of the first operation that cannot be; then nothing is staged
   */
  add(operations: readonly Operation[]): number {
    assertWellFormed(operations);
    const revision = this.#revision + 1;
    const events = operations.map((operation) => eventOf(operation, revision, this.#get(operation.key)));
    for (const event of events) this.#staged.set(event.key, event.entry);
    this.events.push(...events);
    this.#revision = revision;
    return revision;
  }

  #get(key: string): Entry | undefined {
    return this.#staged.has(key) ? this.#staged.get(key) : this.#committed(key);
  }
}

function eventOf(operation: Operation, revision: number, previous: Entry | undefined): StoreEvent {
  const { type, key } = operation;
  if (type === 'create') {
    if (previous) throw refusal(operation, 'exists', `revision ${previous.modRevision} is there`, previous);
    const entry = { key, value: operation.value, createRevision: revision, modRevision: revision };
    return { type: 'put', revision, key, entry };
  }
  if (!previous) throw refusal(operation, 'missing', 'there is no such key');
  if (previous.modRevision !== operation.expected) {
    throw refusal(
      operation,
      'stale',
      `expected revision ${operation.expected}, it is at ${previous.modRevision}`,
      previous,
    );
  }
  if (type === 'delete') return { type: 'delete', revision, key, previous };
  const entry = { key, value: operation.value, createRevision: previous.createRevision, modRevision: revision };
  return { type: 'put', revision, key, entry, previous };
}

function refusal({ type, key }: Operation, code: 'exists' | 'missing' | 'stale', state: string, current?: Entry) {
  const verb = { create: 'Create', update: 'Update', delete: 'Delete' }[type];
  return new StoreError(`${verb} ${key}`, code, state, { key, current });
}

/** As in etcd, one commit touches a key once. Text that is not well-formed would come back changed from UTF-8. */
export function assertWellFormed(operations: readonly Operation[]): void {
  assert(operations.length > 0, 'a commit must have an operation');
  assert(new Set(operations.map(({ key }) => key)).size === operations.length, 'a commit may touch a key only once');
  for (const operation of operations) {
    assert(operation.key !== '' && operation.key.isWellFormed(), 'a key must be well-formed text');
    assert(
      operation.type === 'delete' || operation.value.isWellFormed(),
      `the value of ${operation.key} is not well-formed`,
    );
  }
}
