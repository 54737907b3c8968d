import type { Superseded } from './engine.ts';

/** What makes a store durable: a log that takes whole transactions. One is written at a time. */
export interface Log {
  /**
   * Resolves when the transaction is on the disk. Rejects with a StoreError, `full` or `failed`, when nothing of it was
   * written.
   */
  write(transaction: LogTransaction): Promise<void>;
  close(): Promise<void>;
  /** Resolves with the reason when the log has ended without being closed and will never write again. */
  readonly lost: Promise<unknown>;
}

export interface LogTransaction {
  /** In the order of their revisions. */
  readonly versions: readonly Version[];
  /** The revision before which history is forgotten, if that has changed. */
  readonly compacted?: number;
  /** Versions to delete. */
  readonly superseded: readonly Superseded[];
}

/** What a commit made of a key. */
export interface Version {
  readonly revision: number;
  readonly key: string;
  /** null when the key was deleted. */
  readonly value: string | null;
  readonly createRevision: number;
}
