import type { KubeInput, KubeObject, Resource } from '../kube/port.ts';

/** The Kubernetes API as our programs use it. Failures are ApiError (`errors.ts`): a Kubernetes Status, or no answer. */
export interface Client {
  get<S extends KubeObject>(resource: Resource<S>, name: string, options?: InNamespace & Abortable): Promise<S>;
  /** All of them, page by page when there are many; `resourceVersion` is where a watch goes on. */
  list<S extends KubeObject>(resource: Resource<S>, options?: ListQuery & PageTaker<S>): Promise<KubeList<S>>;
  create<S extends KubeObject, G extends KubeInput>(resource: Resource<S, G>, object: G): Promise<S>;
  /** Replaces the object; with metadata.resourceVersion set, only that version of it. */
  update<S extends KubeObject>(resource: Resource<S>, object: S, options?: { subresource?: string }): Promise<S>;
  updateStatus<S extends KubeObject>(resource: Resource<S>, object: S): Promise<S>;
  patch<S extends KubeObject>(
    resource: Resource<S>,
    name: string,
    patch: Patch,
    options?: InNamespace & { subresource?: string },
  ): Promise<S>;
  delete(resource: Resource, name: string, options?: InNamespace & DeleteOptions): Promise<void>;
  /** POST .../serviceaccounts/NAME/token */
  requestToken(
    namespace: string,
    account: string,
    spec: TokenSpec,
  ): Promise<{ readonly token: string; readonly expirationTimestamp: string }>;
  /** POST .../pods/NAME/binding */
  bind(podNamespace: string, podName: string, nodeName: string, podUid?: string): Promise<void>;
  /**
   * Events after `resourceVersion`, bookmarks included, until the server ends it or `signal` aborts.
   * Throws ApiError 410 (`isExpired`) when the version is too old: list again.
   */
  watch<S extends KubeObject>(resource: Resource<S>, query: WatchQuery): AsyncIterable<WatchEvent<S>>;
  close(): Promise<void>;
}

/** What a ServiceAccount's token is to be for. */
export interface TokenSpec {
  readonly audiences?: readonly string[];
  readonly expirationSeconds?: number;
  readonly boundObjectRef?: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
  };
}

export interface InNamespace {
  /** Left out: the kind is cluster-scoped, or (in lists and watches) every namespace. */
  readonly namespace?: string;
}
export interface Abortable {
  readonly signal?: AbortSignal;
}
export interface Selectors extends InNamespace {
  /** `app=hostnames,tier in (a,b)` */
  readonly labelSelector?: string;
  /** `spec.nodeName=node1` */
  readonly fieldSelector?: string;
}
export interface ListQuery extends Selectors, Abortable {
  readonly resourceVersion?: string;
}
/** How a list is taken that need not be held whole. */
export interface PageTaker<S> {
  /**
   * Is given each page as it comes, while the next one is on its way; the list that is returned has no items then. When the
   * server has forgotten the list in the middle of it, there is a first page again, of another list.
   */
  readonly onPage?: (items: readonly S[], isFirst: boolean) => void;
}
export interface WatchQuery extends Selectors, Abortable {
  readonly resourceVersion: string;
  /** The server ends the watch after so long; left out: when it likes. */
  readonly timeoutSeconds?: number;
}
export interface KubeList<S> {
  readonly items: S[];
  readonly resourceVersion: string;
}

export type Patch =
  | { readonly type: 'json'; readonly body: readonly JsonPatchOperation[] }
  | { readonly type: 'merge' | 'strategic'; readonly body: object };
export interface JsonPatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export type WatchEvent<S> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: S }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

/**
 * A local copy of one kind, kept current by list and watch for as long as it runs: reconnects with back-off, lists
 * again on 410 and then reports only what differs, so that a reader never sees objects vanish because a server did.
 */
export interface Informer<S extends KubeObject> {
  start(): void;
  stop(): Promise<void>;
  /** Resolves after the first full list has been delivered to every handler. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  /** When the server was last heard, by a list, an event or a bookmark, on the monotonic clock; -Infinity: never. */
  readonly lastHeardMs: number;
  /** By `namespace/name`, or `name` for a cluster-scoped kind. */
  get(key: string): S | undefined;
  list(): IterableIterator<S>;
  /** Objects for which the index function given at construction yields this value. */
  byIndex(index: string, value: string): Iterable<S>;
  readonly size: number;
  /**
   * Whether everything up to this version of the kind has been seen: a controller that has just written does not
   * decide again before its own write is in view. Versions compare as decimal numbers (KEP-5504).
   */
  isCurrent(resourceVersion: string): boolean;
  /** Every change from now on, after what is there already as additions. A handler that throws is logged, and does not keep the change from the others. */
  onChange(handler: (change: Change<S>) => void): void;
}

export interface Change<S> {
  /** `namespace/name` or `name`. */
  readonly key: string;
  /** Absent: it was added. */
  readonly before?: S;
  /** Absent: it was deleted. */
  readonly after?: S;
}
