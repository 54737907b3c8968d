export type { DurableStore, StoreCounters } from './durable.ts';
export { isStoreError, StoreError, type StoreErrorCode } from './errors.ts';
export { createMemoryStore } from './memory.ts';
export type * from './port.ts';
export { openSqliteStore, type SqliteStoreOptions } from './sqlite.ts';
