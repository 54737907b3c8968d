export { isStoreError, type StoreErrorCode } from './errors.ts';
export { type EtcdOptions, openEtcdStore } from './etcd/etcd.ts';
export { createMemoryStore } from './memory.ts';
export type * from './port.ts';
export { openSqliteStore } from './sqlite.ts';
