import { Engine } from './engine.ts';
import type { Store } from './port.ts';

/** A store that lasts as long as the process; its commits are as durable as they will be when the call returns. */
export function createMemoryStore(): Store {
  const engine = new Engine();
  return {
    get revision() {
      return engine.revision;
    },
    async sync() {
      engine.assertOpen('Sync');
      return engine.revision;
    },
    async get(key) {
      return { value: engine.get(key), revision: engine.revision };
    },
    async list(prefix, options) {
      return engine.list(prefix, options);
    },
    async commit(operations) {
      engine.assertOpen('Commit');
      const stage = engine.stage();
      const revision = stage.add(operations);
      engine.apply(stage.events);
      return { revision };
    },
    watch: (prefix, options) => engine.watch(prefix, options),
    async compact(revision) {
      engine.assertOpen('Compact');
      engine.assertNotFuture('Compact', revision);
      engine.compact(revision);
    },
    async close() {
      engine.close();
      engine.endWatches();
    },
  };
}
