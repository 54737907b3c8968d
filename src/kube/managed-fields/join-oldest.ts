import { compareText, isSameManager, type ManagedEntry, millisecondsOf } from './entries.ts';
import { isEmptySet, union } from './field-set.ts';

/** Upstream's DefaultMaxUpdateManagers. */
const maxUpdaters = 10;
const bucketManager = 'ancient-changes';

/** Of more than ten who updated, the oldest are made one, for each version (upstream's capManagersManager). */
export function joinOldest(entries: readonly ManagedEntry[]): readonly ManagedEntry[] {
  const updaters = entries.filter(({ operation, fields }) => operation === 'Update' && !isEmptySet(fields));
  let tooMany = updaters.length - maxUpdaters;
  if (tooMany <= 0) return entries;
  const kept = new Set(entries);
  const firsts = new Map<string, ManagedEntry>();
  for (const entry of updaters.sort(oldestFirst)) {
    if (tooMany === 0) break;
    const first = firsts.get(entry.apiVersion);
    if (!first) {
      firsts.set(entry.apiVersion, entry);
      continue;
    }
    const joined = bucketOf(entry, first, kept);
    for (const gone of [entry, first, joined.former]) if (gone) kept.delete(gone);
    kept.add(joined.bucket);
    firsts.set(entry.apiVersion, joined.bucket);
    tooMany--;
  }
  return [...kept];
}

const oldestFirst = (a: ManagedEntry, b: ManagedEntry) =>
  millisecondsOf(a) - millisecondsOf(b) || compareText(a.manager, b.manager);

/** @returns the bucket, and the one that it stands for when that is neither of the two */
function bucketOf(entry: ManagedEntry, first: ManagedEntry, entries: ReadonlySet<ManagedEntry>) {
  const { subresource: _, ...rest } = entry;
  const name = { ...rest, manager: bucketManager };
  const former = [...entries].find((known) => known !== entry && known !== first && isSameManager(known, name));
  const fields = union(union(entry.fields, first.fields), former?.fields ?? {});
  return { bucket: { ...name, fields }, former };
}
