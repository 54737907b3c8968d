import { StoreError } from '../errors.ts';
import type { Entry, Operation, Store, StoreEvent } from '../mod.ts';

/**
 * A store on an etcd that has been written before, as the suite expects it: empty, at revision 1. So all its tests can
 * use one etcd, each a prefix of its own.
 */
export function rebased(store: Store): Store {
  const base = store.revision - 1;
  const entryOf = (entry: Entry): Entry => ({
    ...entry,
    createRevision: entry.createRevision - base,
    modRevision: entry.modRevision - base,
  });
  const eventOf = ({ entry, previous, ...event }: StoreEvent): StoreEvent => ({
    ...event,
    revision: event.revision - base,
    ...(entry && { entry: entryOf(entry) }),
    ...(previous && { previous: entryOf(previous) }),
  });
  const operationOf = (operation: Operation): Operation =>
    operation.type === 'create' ? operation : { ...operation, expected: operation.expected + base };
  const errorOf = (error: unknown): unknown => {
    if (!(error instanceof StoreError) || !error.current) return error;
    const state = error.message.slice(error.operation.length + 2);
    const details = { current: entryOf(error.current), ...(error.key !== undefined && { key: error.key }) };
    return new StoreError(error.operation, error.code, state, details);
  };
  return {
    get revision() {
      return store.revision - base;
    },
    sync: async () => (await store.sync()) - base,
    async get(key) {
      const { value, revision } = await store.get(key);
      return { value: value && entryOf(value), revision: revision - base };
    },
    async list(prefix, options = {}) {
      const { revision, ...others } = options;
      const at = revision === undefined ? {} : { revision: revision + base };
      const listing = await store.list(prefix, { ...others, ...at });
      return { ...listing, entries: listing.entries.map(entryOf), revision: listing.revision - base };
    },
    async commit(operations) {
      try {
        return { revision: (await store.commit(operations.map(operationOf))).revision - base };
      } catch (error) {
        throw errorOf(error);
      }
    },
    watch: (prefix, options) =>
      store.watch(prefix, {
        ...options,
        after: options.after + base,
        onEvents: (events) => options.onEvents(events.map(eventOf)),
      }),
    compact: (revision) => store.compact(revision + base),
    close: () => store.close(),
  };
}
