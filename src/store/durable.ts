import { messageOf } from '../base/errors.ts';
import type { Engine, Stage, Superseded } from './engine.ts';
import { StoreError } from './errors.ts';
import type { Log, Version } from './log.ts';
import type {
  Committed,
  Entry,
  Listing,
  ListOptions,
  Operation,
  Read,
  Store,
  StoreEvent,
  Watcher,
  WatchOptions,
} from './port.ts';

/** Deletions that one transaction does at the most, so that no commit waits long for the sweeping behind a compaction. */
const sweepLimit = 256;

/** A commit or a compaction that waits for its transaction. */
interface Job {
  readonly operations?: readonly Operation[];
  readonly compact?: number;
  resolve(committed: Committed): void;
  reject(error: unknown): void;
}

export interface DurableStore extends Store {
  readonly counters: StoreCounters;
}

export interface StoreCounters {
  /** Since the store was opened. */
  readonly commits: number;
  /** Transactions written, each with one fsync; fewer than commits when writers share them. */
  readonly transactions: number;
  /** Versions that compactions have left to delete, now. */
  readonly superseded: number;
}

/**
 * The engine on top of a log, with group commit: while one transaction is on its way to the disk, commits queue; then
 * all that queue are judged against what is committed and written as one. Each still is a revision of its own.
 */
export class LoggedStore implements DurableStore {
  #commits = 0;
  #transactions = 0;
  readonly #engine: Engine;
  readonly #log: Log;
  readonly #queue: Job[] = [];
  /** What compactions have left to delete; of each key the older first, so that no deleted key comes back. */
  readonly #superseded: Superseded[];
  /** So many jobs from the queue are to be written each alone, since their common transaction failed. */
  #alone = 0;
  #running: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #lost: StoreError | undefined;

  constructor(engine: Engine, log: Log, superseded: Superseded[]) {
    this.#engine = engine;
    this.#log = log;
    this.#superseded = superseded;
    log.lost.then((cause) => this.#lose(cause));
    if (superseded.length > 0) this.#running = this.#run();
  }

  get revision(): number {
    return this.#engine.revision;
  }

  get counters(): StoreCounters {
    return { commits: this.#commits, transactions: this.#transactions, superseded: this.#superseded.length };
  }

  async sync(): Promise<number> {
    this.#engine.assertOpen('Sync');
    return this.#engine.revision;
  }

  async get(key: string): Promise<Read<Entry | undefined>> {
    return { value: this.#engine.get(key), revision: this.#engine.revision };
  }

  async list(prefix: string, options?: ListOptions): Promise<Listing> {
    return this.#engine.list(prefix, options);
  }

  watch(prefix: string, options: WatchOptions): Watcher {
    if (this.#lost) throw this.#lost;
    return this.#engine.watch(prefix, options);
  }

  async commit(operations: readonly Operation[]): Promise<Committed> {
    return this.#enqueue('Commit', { operations });
  }

  async compact(revision: number): Promise<void> {
    this.#engine.assertNotFuture('Compact', revision);
    await this.#enqueue('Compact', { compact: revision });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#engine.close();
    await this.#running;
    await this.#log.close();
    this.#engine.endWatches();
  }

  async #enqueue(operation: string, work: Pick<Job, 'operations' | 'compact'>): Promise<Committed> {
    this.#engine.assertOpen(operation);
    if (this.#lost) throw this.#lost;
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...work, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    // What else is committed in this turn shares the first transaction.
    await undefined;
    let sweeping = true;
    while (this.#queue.length > 0 || (sweeping && this.#superseded.length > 0 && !this.#closing)) {
      // Sweeping alone would fail again and again; the next commit tries it once more.
      sweeping = await this.#writeBatch();
    }
    this.#running = undefined;
  }

  /** @returns whether the log took it */
  async #writeBatch(): Promise<boolean> {
    const jobs = this.#queue.splice(0, this.#alone > 0 ? 1 : this.#queue.length);
    this.#alone = Math.max(0, this.#alone - 1);
    const stage = this.#engine.stage();
    const settlements = jobs.map((job) => this.#stage(job, stage));
    const versions = stage.events.map(versionOf);
    const compacted = Math.max(this.#engine.compacted, ...jobs.map((job) => job.compact ?? 0));
    const superseded = this.#superseded.slice(0, sweepLimit);
    if (versions.length + superseded.length > 0 || compacted > this.#engine.compacted) {
      try {
        await this.#log.write({ versions, compacted, superseded });
      } catch (error) {
        this.#retryAlone(jobs, error);
        return false;
      }
      this.#superseded.splice(0, superseded.length);
      this.#transactions++;
    }
    this.#engine.apply(stage.events);
    for (const version of this.#engine.compact(compacted)) this.#superseded.push(version);
    for (const settle of settlements) settle();
    return true;
  }

  /**
   * @returns what to tell the job when the transaction is durable; a refusal too, for it may rest on a commit that
   * shares the transaction, and fails with it
   */
  #stage(job: Job, stage: Stage): () => void {
    if (!job.operations) return () => job.resolve({ revision: this.#engine.revision });
    try {
      const revision = stage.add(job.operations);
      return () => {
        this.#commits++;
        job.resolve({ revision });
      };
    } catch (error) {
      return () => job.reject(error);
    }
  }

  /** One commit too large for the disk must not fail those that only shared its transaction. */
  #retryAlone(jobs: readonly Job[], error: unknown): void {
    if (jobs.length === 1 || this.#lost) {
      for (const job of jobs) job.reject(error);
      return;
    }
    this.#queue.unshift(...jobs);
    this.#alone = jobs.length;
  }

  #lose(cause: unknown): void {
    this.#lost = new StoreError('Write to the store', 'failed', `its writer has ended (${messageOf(cause)})`, {
      cause,
    });
    for (const job of this.#queue.splice(0)) job.reject(this.#lost);
    this.#engine.endWatches(this.#lost);
  }
}

const versionOf = ({ revision, key, entry }: StoreEvent): Version => ({
  revision,
  key,
  value: entry?.value ?? null,
  createRevision: entry?.createRevision ?? revision,
});
