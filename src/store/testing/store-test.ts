import type { Store } from '../mod.ts';

/** Declares a test that gets an empty store, which is closed after it. */
export type StoreTest = (title: string, body: (store: Store) => Promise<void>) => void;
