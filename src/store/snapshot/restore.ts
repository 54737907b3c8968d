import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { OperatingError } from '../../base/errors.ts';
import type { Store } from '../port.ts';
import { failureOf, SqliteDatabase } from '../sqlite-database.ts';
import { readSnapshot } from './file.ts';
import type { SnapshotLine } from './format.ts';

/**
 * How far the revision is set ahead of the snapshot's: more than was written since it was taken. Whoever asks for what came
 * after a revision of that time is told that it is too old, and lists anew; else it would miss what is different now.
 */
const aheadRevisions = 1_000_000_000;
const batchSize = 100;
/**
 * In a store that cannot take all of it at once: what stands here is on its way. Below the prefix that servers watch: they
 * wait for every revision to come by there.
 */
export const unfinishedKey = '/registry/signalbox/restoring';

/** Makes a new SQLite store of a checked snapshot. Until it is whole there is none. Throws OperatingError. */
export async function restoreToSqlite(snapshot: string, revision: number, path: string): Promise<void> {
  const operation = `Restore to ${path}`;
  if (existsSync(path)) throw new OperatingError(operation, 'exists', 'there is a store already; move it away first');
  const unfinished = `${path}.restoring`;
  const files = [unfinished, `${unfinished}-wal`, `${unfinished}-shm`];
  for (const file of files) await rm(file, { force: true });
  const start = revision + aheadRevisions;
  try {
    const database = new SqliteDatabase({ path: unfinished });
    try {
      for await (const batch of inBatches(snapshot)) {
        const versions = batch.map(({ key, value }) => ({ key, value, revision: start, createRevision: start }));
        database.write({ versions, superseded: [] });
      }
      database.write({ versions: [], compacted: start, superseded: [] });
    } finally {
      database.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    for (const file of files) await rm(file, { force: true });
    if (error instanceof OperatingError) throw error;
    const { code, state } = failureOf(error);
    throw new OperatingError(operation, code, state, error);
  }
}

/** Fills an empty store from a checked snapshot, commit by commit; a restore that was broken off is begun anew. */
export async function restoreToStore(snapshot: string, store: Store): Promise<void> {
  await store.sync();
  const mark = (await store.get(unfinishedKey)).value;
  const entries = (await store.list('/registry/')).entries.filter(({ key }) => key !== unfinishedKey);
  if (entries.length > 0 && !mark)
    throw new OperatingError('Restore', 'exists', `the store holds ${entries.length} entries already`);
  if (!mark) await store.commit([{ type: 'create', key: unfinishedKey, value: 'a backup is being restored' }]);
  for (let at = 0; at < entries.length; at += batchSize) {
    const old = entries.slice(at, at + batchSize);
    await store.commit(old.map(({ key, modRevision }) => ({ type: 'delete', key, expected: modRevision })));
  }
  for await (const batch of inBatches(snapshot))
    await store.commit(batch.map(({ key, value }) => ({ type: 'create', key, value })));
  const { modRevision } = (await store.get(unfinishedKey)).value!;
  await store.commit([{ type: 'delete', key: unfinishedKey, expected: modRevision }]);
}

async function* inBatches(snapshot: string): AsyncGenerator<(SnapshotLine & { type: 'entry' })[]> {
  let batch: (SnapshotLine & { type: 'entry' })[] = [];
  for await (const line of readSnapshot(snapshot)) {
    if (line.type !== 'entry') continue;
    batch.push(line);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
