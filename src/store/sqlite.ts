import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../base/errors.ts';
import { type DurableStore, LoggedStore } from './durable.ts';
import { Engine } from './engine.ts';
import { StoreError } from './errors.ts';
import type { Log, LogTransaction, Version } from './log.ts';
import type { StoreEvent } from './port.ts';
import type { DatabaseOptions, Failure } from './sqlite-database.ts';
import type { Reply, Request } from './sqlite-worker.ts';

/**
 * Opens, or creates, the store in a file; history is there as the last process left it.
 * Rejects with a StoreError: `locked` (another process has it), `newer` (a later release wrote it), `failed` (no such
 * folder, another kind of file, damage).
 */
export async function openSqliteStore(options: DatabaseOptions): Promise<DurableStore> {
  const engine = new Engine();
  const log = new SqliteLog(options, (version) => restore(engine, version));
  const compacted = await log.opened;
  return new LoggedStore(engine, log, engine.compact(compacted));
}

function restore(engine: Engine, { revision, key, value, createRevision }: Version): void {
  const previous = engine.get(key);
  const before = previous && { previous };
  const event: StoreEvent =
    value === null
      ? { type: 'delete', revision, key, ...before }
      : { type: 'put', revision, key, entry: { key, value, createRevision, modRevision: revision }, ...before };
  engine.apply([event]);
}

/** The database in its thread. */
class SqliteLog implements Log {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #restore: (version: Version) => void;
  readonly #opened = Promise.withResolvers<number>();
  readonly #lost = Promise.withResolvers<string>();
  #asked: PromiseWithResolvers<void> | undefined;
  #closing = false;
  /** Why the thread is gone. */
  #ended: string | undefined;

  constructor(options: DatabaseOptions, restore: (version: Version) => void) {
    this.#path = options.path;
    this.#restore = restore;
    // Node's flags for the main program (--eval, --input-type) would not fit the thread.
    const setup = { workerData: options, execArgv: [] };
    this.#worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), setup);
    this.#worker.on('message', (reply: Reply) => this.#receive(reply));
    this.#worker.on('error', (error) => this.#end(messageOf(error)));
    this.#worker.on('exit', () => this.#end('its thread has ended'));
  }

  /** Resolves with the revision of the last compaction when all versions are restored. */
  get opened(): Promise<number> {
    return this.#opened.promise;
  }

  get lost(): Promise<string> {
    return this.#lost.promise;
  }

  write(transaction: LogTransaction): Promise<void> {
    return this.#ask({ type: 'write', transaction });
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#closing = true;
    const exit = once(this.#worker, 'exit');
    try {
      await this.#ask({ type: 'close' });
    } finally {
      await exit;
    }
  }

  #ask(request: Request): Promise<void> {
    this.#asked = Promise.withResolvers();
    if (this.#ended) this.#settle({ code: 'failed', state: this.#ended });
    else this.#worker.postMessage(request);
    return this.#asked.promise;
  }

  #receive(reply: Reply): void {
    if (reply.type === 'versions') for (const version of reply.versions) this.#restore(version);
    else if (reply.type === 'open') this.#opened.resolve(reply.compacted);
    else if (reply.type === 'refused') this.#refuse(reply.failure);
    else this.#settle(reply.failure);
  }

  #refuse({ code, state }: Failure): void {
    this.#opened.reject(new StoreError(`Open the store ${this.#path}`, code, state));
  }

  #settle(failure?: Failure): void {
    if (!failure) this.#asked?.resolve();
    else this.#asked?.reject(new StoreError(`Write to the store ${this.#path}`, failure.code, failure.state));
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    const failure: Failure = { code: 'failed', state: reason };
    this.#refuse(failure);
    this.#settle(this.#closing ? undefined : failure);
    if (!this.#closing) this.#lost.resolve(reason);
  }
}
