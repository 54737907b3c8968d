/**
 * The store: a flat, ordered map from keys to values with one revision that every commit raises by one, as etcd has it
 * (https://etcd.io/docs/v3.5/learning/data_model/). All implementations pass `suite.ts`.
 */
export interface Store {
  /** The revision of the newest commit that is durable and visible; 1 for a store never written. */
  readonly revision: number;

  /**
   * Resolves, with the newest revision, when all that any process had committed before the call is visible here. For a
   * store that one process has to itself that is at once. Rejects with `unavailable`.
   */
  sync(): Promise<number>;

  get(key: string): Promise<Read<Entry | undefined>>;

  /**
   * The entries whose keys begin with `prefix`, in the order of their keys (by UTF-16 code unit).
   * @param options.revision the state as it was after that revision; rejects with `compacted` or `future`
   * @param options.limit at the most so many entries; `after` continues behind a key
   */
  list(prefix: string, options?: ListOptions): Promise<Listing>;

  /**
   * Applies all operations, or none, as one revision; resolves when they are durable.
   * Rejects with a StoreError: `exists`, `missing` or `stale` (with the key that failed and what it holds), `full`
   * (the disk is; nothing was written), `closed`. A store elsewhere also: `unavailable` (it does not answer; nothing was
   * written) and `uncertain` (it may have been written, or may still be).
   */
  commit(operations: readonly Operation[]): Promise<Committed>;

  /**
   * Calls `onEvents` with every commit after `options.after` that touches the prefix, in order, none left out, none
   * twice: first what history holds, then what comes. One call carries the events of one or more whole commits.
   * Throws `compacted` when history no longer reaches back that far, `future` when `after` is beyond the newest commit.
   * An event is delivered before the commit that made it resolves to its writer's continuation, or soon after; never
   * before it is durable.
   */
  watch(prefix: string, options: WatchOptions): Watcher;

  /** Forgets history before `revision`: older lists and watches are refused from then on. */
  compact(revision: number): Promise<void>;

  /** Waits for commits under way; later calls reject with `closed`. */
  close(): Promise<void>;
}

export interface Entry {
  readonly key: string;
  readonly value: string;
  /** The revision that created the key, and the one that wrote this value. */
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface Read<Value> {
  readonly value: Value;
  /** The store's revision when it was read. */
  readonly revision: number;
}

export interface ListOptions {
  readonly revision?: number;
  readonly limit?: number;
  readonly after?: string;
}

export interface Listing {
  readonly entries: readonly Entry[];
  readonly revision: number;
  /** Whether `limit` left entries out, and how many. */
  readonly remaining: number;
}

export type Operation =
  /** Fails with `exists` where there is one. */
  | { readonly type: 'create'; readonly key: string; readonly value: string }
  /** Fails with `missing`, or with `stale` where the entry's modRevision is another than `expected`. */
  | { readonly type: 'update'; readonly key: string; readonly value: string; readonly expected: number }
  | { readonly type: 'delete'; readonly key: string; readonly expected: number };

export interface Committed {
  readonly revision: number;
}

export interface WatchOptions {
  /** Events with a revision above this one. */
  readonly after: number;
  readonly onEvents: (events: readonly StoreEvent[]) => void;
  /** Called once, when the store closes or cannot go on; not after `stop`. */
  readonly onEnd?: (error?: unknown) => void;
}

export interface StoreEvent {
  readonly type: 'put' | 'delete';
  readonly revision: number;
  readonly key: string;
  /** After a `put`. */
  readonly entry?: Entry;
  /** Before; absent when the key was created. */
  readonly previous?: Entry;
}

export interface Watcher {
  stop(): void;
}
