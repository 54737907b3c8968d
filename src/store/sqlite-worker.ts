/** The thread that waits for the disk, so that the API server's does not. */
import { parentPort, workerData } from 'node:worker_threads';
import type { LogTransaction, Version } from './log.ts';
import { type DatabaseOptions, type Failure, failureOf, SqliteDatabase } from './sqlite-database.ts';

/** Asked for one at a time; each is answered by one `done`. */
export type Request = { readonly type: 'write'; readonly transaction: LogTransaction } | { readonly type: 'close' };

export type Reply =
  /** First, unasked: what the file holds, then `open`. Or `refused`, and the thread ends. */
  | { readonly type: 'versions'; readonly versions: readonly Version[] }
  | { readonly type: 'open'; readonly compacted: number }
  | { readonly type: 'refused'; readonly failure: Failure }
  | { readonly type: 'done'; readonly failure?: Failure };

const versionsInMessage = 1000;
const port = parentPort!;
const reply = (message: Reply) => port.postMessage(message);

try {
  const database = new SqliteDatabase(workerData as DatabaseOptions);
  sendVersions(database);
  reply({ type: 'open', compacted: database.compacted });
  port.on('message', (request: Request) => answer(database, request));
} catch (error) {
  reply({ type: 'refused', failure: failureOf(error) });
}

function sendVersions(database: SqliteDatabase): void {
  let versions: Version[] = [];
  for (const version of database.versions()) {
    if (versions.push(version) < versionsInMessage) continue;
    reply({ type: 'versions', versions });
    versions = [];
  }
  reply({ type: 'versions', versions });
}

function answer(database: SqliteDatabase, request: Request): void {
  try {
    if (request.type === 'write') database.write(request.transaction);
    else close(database);
    reply({ type: 'done' });
  } catch (error) {
    reply({ type: 'done', failure: failureOf(error) });
  }
}

/** Without a listener the port does not keep the thread. */
function close(database: SqliteDatabase): void {
  port.removeAllListeners('message');
  port.unref();
  database.close();
}
