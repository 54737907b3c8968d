import type { ObjectMeta } from '../meta.ts';
import { parseTime } from '../time.ts';
import { type FieldSet, isEmptySet, parseFieldSet } from './field-set.ts';

/** metav1.ManagedFieldsEntry: what one manager owns, by applying or by any other way of writing. */
export interface ManagedEntry {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly time?: string;
  readonly subresource?: string;
  readonly fields: FieldSet;
}

type Wire = NonNullable<ObjectMeta['managedFields']>[number];

/** Entries that `writeEntries` has written. */
export const readEntries = (wire: readonly Wire[] | undefined): readonly ManagedEntry[] => (wire ?? []).map(readEntry);

/** Entries that somebody sent. Undefined: there is something among them that is none. */
export function checkEntries(wire: readonly Wire[] | null | undefined): readonly ManagedEntry[] | undefined {
  const entries: ManagedEntry[] = [];
  for (const entry of wire ?? []) {
    const isEntry = entry.operation === 'Apply' || entry.operation === 'Update';
    const fields = parseFieldSet(entry.fieldsV1 ?? {});
    if (!isEntry || !entry.apiVersion || entry.fieldsType !== 'FieldsV1' || !fields) return undefined;
    entries.push({ ...readEntry(entry), fields });
  }
  return entries;
}

const readEntry = ({ manager = '', operation, apiVersion, time, fieldsV1, subresource }: Wire) =>
  ({
    ...{ manager, operation, apiVersion, fields: fieldsV1 },
    ...(time && { time }),
    ...(subresource && { subresource }),
  }) as ManagedEntry;

/** In upstream's order; entries that own nothing are left out. */
export const writeEntries = (entries: readonly ManagedEntry[]): Wire[] =>
  entries
    .filter(({ fields }) => !isEmptySet(fields))
    .sort(inOrder)
    .map(({ manager, operation, apiVersion, time, subresource, fields }) => ({
      ...(manager && { manager }),
      ...{ operation, apiVersion },
      ...(time && { time }),
      ...{ fieldsType: 'FieldsV1', fieldsV1: fields },
      ...(subresource && { subresource }),
    }));

function inOrder(a: ManagedEntry, b: ManagedEntry): number {
  return (
    compareText(a.operation, b.operation) ||
    millisecondsOf(a) - millisecondsOf(b) ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource ?? '', b.subresource ?? '')
  );
}

export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
export const millisecondsOf = ({ time }: ManagedEntry): number => (time && parseTime(time)) || 0;

/** Who an entry speaks of: an applier has one however the version, somebody who updates has one for each. */
export const isSameManager = (a: ManagedEntry, b: ManagedEntry): boolean =>
  a.manager === b.manager &&
  a.operation === b.operation &&
  (a.operation === 'Apply' || a.apiVersion === b.apiVersion) &&
  (a.subresource ?? '') === (b.subresource ?? '');

/** A writer who sends an empty list, or one empty entry, wants to begin anew (upstream's isResetManagedFields). */
export const isReset = (wire: readonly object[] | null | undefined): boolean =>
  wire !== undefined &&
  wire !== null &&
  (wire.length === 0 || (wire.length === 1 && Object.keys(wire[0]!).length === 0));
