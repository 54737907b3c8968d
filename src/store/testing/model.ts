import type { Entry, Operation, StoreErrorCode, StoreEvent } from '../mod.ts';

/** The naive store: a whole map for each revision, and nothing clever. What the real ones are compared with. */
export class Model {
  readonly #states = new Map<number, ReadonlyMap<string, Entry>>([[1, new Map()]]);
  readonly events: StoreEvent[] = [];
  revision = 1;
  compacted = 0;

  /** @returns the revision, or why not */
  commit(operations: readonly Operation[]): number | StoreErrorCode {
    const before = this.at(this.revision);
    const revision = this.revision + 1;
    const after = new Map(before);
    const events: StoreEvent[] = [];
    for (const operation of operations) {
      const { key } = operation;
      const previous = before.get(key);
      if (operation.type === 'create' && previous) return 'exists';
      if (operation.type !== 'create' && !previous) return 'missing';
      if (operation.type !== 'create' && previous?.modRevision !== operation.expected) return 'stale';
      const was = previous && { previous };
      if (operation.type === 'delete') {
        after.delete(key);
        events.push({ type: 'delete', revision, key, ...was });
      } else {
        const createRevision = previous?.createRevision ?? revision;
        const entry = { key, value: operation.value, createRevision, modRevision: revision };
        after.set(key, entry);
        events.push({ type: 'put', revision, key, entry, ...was });
      }
    }
    this.#states.set(revision, after);
    this.events.push(...events);
    this.revision = revision;
    return revision;
  }

  at(revision: number): ReadonlyMap<string, Entry> {
    return this.#states.get(revision) ?? new Map();
  }

  list(prefix: string, revision = this.revision, after = ''): Entry[] {
    const entries = [...this.at(revision).values()].filter(({ key }) => key.startsWith(prefix) && key > after);
    return entries.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  eventsAfter(revision: number, prefix: string): StoreEvent[] {
    return this.events.filter((event) => event.revision > revision && event.key.startsWith(prefix));
  }

  compact(revision: number): void {
    this.compacted = Math.max(this.compacted, revision);
  }
}
