import type { Clock } from '../../base/clock.ts';
import { UsageError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { assertWellFormed, Engine } from '../engine.ts';
import { StoreError } from '../errors.ts';
import type { Committed, Entry, Listing, ListOptions, Operation, Read, Store, Watcher, WatchOptions } from '../port.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { CallError, grpcStatus } from './grpc.ts';
import { decodeStatus, encodeCompaction } from './messages.ts';
import { Mirror } from './mirror.ts';
import { maxOperations } from './transaction.ts';
import { Writer } from './writer.ts';

export interface EtcdOptions {
  /** `http://` or `https://`, without a path; all of one cluster. */
  readonly endpoints: readonly string[];
  /** What all keys have before them in etcd; default `/signalbox`. */
  readonly prefix?: string;
  readonly tls?: ConnectionOptions['tls'];
  readonly clock: Clock;
  readonly log: Logger;
}

/** So much of the past is there from the start, so that clients of another server watch on here. */
const historyRevisions = 4_096;
const syncTimeoutMs = 10_000;

/**
 * The store of a cluster with several servers. Rejects with UsageError for endpoints that are none, and with a StoreError:
 * `unavailable` (no member answers), `failed` (a release before 3.4, or no permission).
 */
export async function openEtcdStore(options: EtcdOptions): Promise<Store> {
  const { clock, log, prefix = '/signalbox' } = options;
  checkOptions(options.endpoints, prefix);
  const connection = new Connection(options);
  const engine = new Engine();
  const mirror = new Mirror({ engine, connection, clock, log, prefix });
  try {
    await checkRelease(connection);
    await mirror.start(historyRevisions);
  } catch (error) {
    await mirror.stop();
    connection.close();
    throw storeErrorOf('Open the store in etcd', error);
  }
  const writer = new Writer({ engine, connection, mirror, clock, prefix });
  return new EtcdStore({ engine, connection, mirror, writer });
}

interface Parts {
  readonly engine: Engine;
  readonly connection: Connection;
  readonly mirror: Mirror;
  readonly writer: Writer;
}

class EtcdStore implements Store {
  readonly #parts: Parts;
  /** The last commit on each key: the next one follows it. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #underWay = new Set<Promise<unknown>>();
  #syncing: { readonly begun: Promise<number>; next: Promise<number> | undefined } | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get revision(): number {
    return this.#parts.engine.revision;
  }

  async sync(): Promise<number> {
    this.#parts.engine.assertOpen('Sync');
    // A read that has begun may be too old for this caller: one more, shared by all that come until it begins.
    if (this.#syncing) {
      const current = this.#syncing;
      current.next ??= current.begun.catch(() => {}).then(() => this.#beginSync());
      return current.next;
    }
    return this.#beginSync();
  }

  async get(key: string): Promise<Read<Entry | undefined>> {
    const { engine } = this.#parts;
    return { value: engine.get(key), revision: engine.revision };
  }

  async list(prefix: string, options?: ListOptions): Promise<Listing> {
    return this.#parts.engine.list(prefix, options);
  }

  watch(prefix: string, options: WatchOptions): Watcher {
    return this.#parts.engine.watch(prefix, options);
  }

  async commit(operations: readonly Operation[]): Promise<Committed> {
    this.#parts.engine.assertOpen('Commit');
    assertWellFormed(operations);
    const excess = operations.length > maxOperations;
    if (excess) throw new StoreError('Commit', 'failed', `it has ${operations.length} operations, etcd takes 127`);
    const before = operations.map(({ key }) => this.#turns.get(key)).filter((turn) => turn !== undefined);
    const mine =
      before.length === 0
        ? this.#parts.writer.commit(operations)
        : Promise.allSettled(before).then(() => this.#parts.writer.commit(operations));
    for (const { key } of operations) this.#turns.set(key, mine);
    this.#underWay.add(mine);
    try {
      return { revision: await mine };
    } finally {
      this.#underWay.delete(mine);
      for (const { key } of operations) if (this.#turns.get(key) === mine) this.#turns.delete(key);
    }
  }

  async compact(revision: number): Promise<void> {
    const { engine, connection } = this.#parts;
    engine.assertOpen('Compact');
    engine.assertNotFuture('Compact', revision);
    try {
      const call = { path: '/etcdserverpb.KV/Compact', message: encodeCompaction(revision) };
      await connection.call(call, syncTimeoutMs);
    } catch (error) {
      // Another server has compacted as far, or farther.
      const isDone = error instanceof CallError && error.status === grpcStatus.outOfRange;
      if (!isDone) throw storeErrorOf('Compact', error);
    }
    engine.compact(revision);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { engine, mirror, connection } = this.#parts;
    engine.close();
    await Promise.allSettled(this.#underWay);
    await mirror.stop();
    connection.close();
    engine.endWatches();
  }

  #beginSync(): Promise<number> {
    const begun = this.#runSync();
    const syncing = { begun, next: undefined };
    this.#syncing = syncing;
    const leave = () => {
      if (this.#syncing === syncing) this.#syncing = undefined;
    };
    begun.then(leave, leave);
    return begun;
  }

  async #runSync(): Promise<number> {
    const { engine, mirror } = this.#parts;
    try {
      await mirror.reach(await mirror.newestRevision(), syncTimeoutMs);
    } catch (error) {
      throw storeErrorOf('Sync', error);
    }
    return engine.revision;
  }
}

function storeErrorOf(operation: string, error: unknown): unknown {
  if (!(error instanceof CallError)) return error;
  const isRefused = [3, 7, 12, 16].includes(error.status ?? 0);
  return new StoreError(operation, isRefused ? 'failed' : 'unavailable', error.message, { cause: error });
}

function checkOptions(endpoints: readonly string[], prefix: string): void {
  if (endpoints.length === 0) throw new UsageError('Reach etcd', 'no server is given');
  for (const endpoint of endpoints) {
    const url = URL.parse(endpoint);
    const isServer =
      url && /^https?:$/.test(url.protocol) && url.hostname !== '' && url.pathname === '/' && !url.search;
    if (!isServer)
      throw new UsageError('Reach etcd', `${JSON.stringify(endpoint)} is not of the form https://host:2379`);
  }
  const isPlain = /^\/[\w/.-]*\w$/.test(prefix);
  if (!isPlain)
    throw new UsageError('Reach etcd', `the prefix ${JSON.stringify(prefix)} is not of the form /signalbox`);
}

/** Fragments of a watch came with 3.4. */
async function checkRelease(connection: Connection): Promise<void> {
  const call = { path: '/etcdserverpb.Maintenance/Status', message: Buffer.alloc(0) };
  const { version } = decodeStatus(await connection.call(call, syncTimeoutMs));
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 3 || (major === 3 && minor >= 4)) return;
  throw new StoreError('Open the store in etcd', 'failed', `its release is ${version}, 3.4 is the first that will do`);
}
