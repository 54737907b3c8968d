export { checkSnapshot, readSnapshot, type Summary, writeSnapshot } from './file.ts';
export type { SnapshotLine } from './format.ts';
export { restoreToSqlite, restoreToStore, unfinishedKey } from './restore.ts';
export { takeSnapshot } from './take.ts';
