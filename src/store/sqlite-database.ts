import { writeFileSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { codeOf, messageOf } from '../base/errors.ts';
import type { StoreErrorCode } from './errors.ts';
import type { LogTransaction, Version } from './log.ts';

/** Stands in the file's header (https://sqlite.org/fileformat.html): "SigB". */
const applicationId = 0x53_69_67_42;
const schemaVersion = 1;
const pageBytes = 4096;

/**
 * Every version of every key, in the order in which they were committed: a transaction appends to the last page of the
 * table and of the index, whatever the keys. What a key holds is its newest version.
 */
const schema = `
  CREATE TABLE versions (
    id INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT,
    create_revision INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX versions_by_revision ON versions (revision);
  CREATE TABLE compaction (revision INTEGER NOT NULL) STRICT;
  INSERT INTO compaction VALUES (0);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};`;

export interface DatabaseOptions {
  readonly path: string;
  /** The size of the database file (without its write-ahead log) beyond which commits are refused with `full`. */
  readonly maxBytes?: number;
}

/** Why the database did not do it; plain data, so that it crosses from the worker's thread. */
export interface Failure {
  readonly code: StoreErrorCode;
  readonly state: string;
}

/** The file: schema and transactions. Each call blocks until the disk has answered. */
export class SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #compact: StatementSync;

  /** @throws an error for `failureOf` */
  constructor(options: DatabaseOptions) {
    createPrivately(options.path);
    this.#database = new DatabaseSync(options.path, { timeout: 0 });
    try {
      prepare(this.#database, options);
    } catch (error) {
      this.#database.close();
      throw error;
    }
    this.#insert = this.#database.prepare(
      'INSERT INTO versions (revision, key, value, create_revision) VALUES (?, ?, ?, ?)',
    );
    this.#delete = this.#database.prepare('DELETE FROM versions WHERE revision = ? AND key = ?');
    this.#compact = this.#database.prepare('UPDATE compaction SET revision = ?');
  }

  get compacted(): number {
    return numberOf(this.#database, 'SELECT revision FROM compaction');
  }

  /** Every version, the oldest first. */
  *versions(): Generator<Version> {
    const select = this.#database.prepare(
      'SELECT revision, key, value, create_revision AS createRevision FROM versions ORDER BY id',
    );
    for (const row of select.iterate()) yield { ...row } as unknown as Version;
  }

  /** All of it, or nothing: then it throws an error for `failureOf`. */
  write({ versions, compacted, superseded }: LogTransaction): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      // First what goes: its pages are free for what comes.
      for (const { revision, key } of superseded) this.#delete.run(revision, key);
      for (const { revision, key, value, createRevision } of versions) {
        this.#insert.run(revision, key, value, createRevision);
      }
      if (compacted !== undefined) this.#compact.run(compacted);
      this.#database.exec('COMMIT');
    } catch (error) {
      // SQLite has rolled back by itself after some errors (https://sqlite.org/lang_transaction.html).
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }
}

/** A file that this program will not work on. */
class RefusedFile extends Error {
  readonly failure: Failure;

  constructor(code: StoreErrorCode, state: string) {
    super(state);
    this.failure = { code, state };
  }
}

export function failureOf(error: unknown): Failure {
  if (error instanceof RefusedFile) return error.failure;
  // Primary result codes are the low byte (https://sqlite.org/rescode.html).
  const resultCode = (error as { errcode?: number }).errcode;
  switch (resultCode === undefined ? undefined : resultCode & 0xff) {
    case 5:
      return { code: 'locked', state: 'another process has it open' };
    case 13:
      return {
        code: 'full',
        state: 'the disk, or the size that the store may have, is full; make room, and it goes on',
      };
    case 26:
      return { code: 'failed', state: 'the file is not a SQLite database' };
    default:
      return { code: 'failed', state: messageOf(error) };
  }
}

/**
 * The store holds Secrets: only its owner may read it. SQLite gives its log the same mode. An existing file is not
 * opened, because closing it would drop the locks that this process has on it (https://sqlite.org/howtocorrupt.html).
 */
function createPrivately(path: string): void {
  try {
    writeFileSync(path, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function prepare(database: DatabaseSync, { maxBytes }: DatabaseOptions): void {
  // Set before the first access, so that the write-ahead log needs no shared memory and the lock is held until the end;
  // the kernel drops it when the process dies (https://sqlite.org/wal.html#noshm).
  database.exec('PRAGMA locking_mode = EXCLUSIVE');
  refuseForeign(database);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  if (numberOf(database, 'PRAGMA user_version') === 0) create(database);
  // No effect below the size that the file has.
  if (maxBytes !== undefined) database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pageBytes))}`);
}

function refuseForeign(database: DatabaseSync): void {
  const application = numberOf(database, 'PRAGMA application_id');
  const tables = numberOf(database, 'SELECT count(*) FROM sqlite_schema');
  const version = numberOf(database, 'PRAGMA user_version');
  if (application !== applicationId && (application !== 0 || tables > 0)) {
    throw new RefusedFile('failed', 'the file is a SQLite database of another program');
  }
  if (version > schemaVersion) {
    const state = `the file has schema version ${version} of a newer release, this one knows ${schemaVersion}`;
    throw new RefusedFile('newer', state);
  }
}

function create(database: DatabaseSync): void {
  database.exec('BEGIN EXCLUSIVE');
  database.exec(schema);
  database.exec('COMMIT');
}

function numberOf(database: DatabaseSync, query: string): number {
  return Number(Object.values(database.prepare(query).get() ?? {})[0]);
}
