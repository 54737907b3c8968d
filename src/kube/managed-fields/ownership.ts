import type { KubeObject } from '../meta.ts';
import { apiVersionOf, type Resource } from '../resource.ts';
import { type Comparison, compareFields } from './compare-fields.ts';
import { checkEntries, isReset, isSameManager, type ManagedEntry, readEntries, writeEntries } from './entries.ts';
import { difference, type FieldSet, isEmptySet, leaf, noFields, union, without } from './field-set.ts';
import { joinOldest } from './join-oldest.ts';

/** Who writes, and through which door. */
export interface Writer {
  readonly manager: string;
  /** Absent: the object itself. */
  readonly subresource?: string;
}

export interface OwnershipContext {
  readonly resource: Resource;
  readonly writer: Writer;
  /** Of the entry that the write makes or changes: RFC 3339. */
  readonly time: string;
}

type Wire = KubeObject['metadata']['managedFields'];

export interface Owners {
  /** As they were written by this code. */
  readonly live: Wire;
  /** As the writer sent them: they count, unless they are nothing or make no sense. */
  readonly given?: Wire;
}

/** Nobody owns these: they say which object it is, or are the server's to write (upstream's stripMetaManager). */
const unowned: FieldSet = {
  'f:apiVersion': leaf,
  'f:kind': leaf,
  'f:metadata': {
    '.': leaf,
    'f:name': leaf,
    'f:namespace': leaf,
    'f:creationTimestamp': leaf,
    'f:selfLink': leaf,
    'f:uid': leaf,
    'f:clusterName': leaf,
    'f:generation': leaf,
    'f:managedFields': leaf,
    'f:resourceVersion': leaf,
  },
};

/** What a door resets whatever the writer says of it; nobody comes to own it there (upstream's GetResetFields). */
export function resetFieldsOf(resource: Resource, { subresource }: Writer): FieldSet {
  if (!resource.subresources.includes('status')) return noFields;
  return subresource === 'status' ? { 'f:metadata': leaf, 'f:spec': leaf } : { 'f:status': leaf };
}

export const withoutUnowned = (fields: FieldSet): FieldSet => difference(fields, unowned);

/**
 * metadata.managedFields after a write that is no apply: whoever owned what it changed owns it no longer, and the writer
 * owns it now. The objects come without their managedFields.
 * @param before absent when the object is new
 */
export function ownershipAfterUpdate(
  context: OwnershipContext,
  before: KubeObject | undefined,
  after: KubeObject,
  owners: Owners,
): Wire {
  const entries = entriesToStartFrom(owners, context.writer);
  // An object from before anybody looked is looked at from its first apply on.
  if (before && entries.length === 0) return undefined;
  const { resource, writer } = context;
  const reset = resetFieldsOf(resource, writer);
  const comparison = compareFields(resource.schema, before ?? {}, after);
  const changed = union(comparison.added, comparison.modified);
  const others = disowned(entries, comparison, reset);
  const mine = withoutUnowned(without(changed, reset));
  if (isEmptySet(mine)) return finished(others);
  return finished(joinOldest(withOwned(others, entryFor(context, mine))));
}

const finished = (entries: readonly ManagedEntry[]): Wire => {
  const wire = writeEntries(entries);
  return wire.length > 0 ? wire : undefined;
};

export const entryFor = ({ resource, writer, time }: OwnershipContext, fields: FieldSet): ManagedEntry => ({
  ...{ manager: writer.manager, operation: 'Update', apiVersion: apiVersionOf(resource), time, fields },
  ...(writer.subresource && { subresource: writer.subresource }),
});

/** Through a subresource nobody says who owns what. */
function entriesToStartFrom({ live, given }: Owners, { subresource }: Writer): readonly ManagedEntry[] {
  if (subresource === undefined) {
    if (isReset(given)) return [];
    const entries = checkEntries(given);
    if (entries && entries.length > 0) return entries;
  }
  return readEntries(live);
}

/** The entries without what was changed or removed. */
export function disowned(entries: readonly ManagedEntry[], comparison: Comparison, reset: FieldSet): ManagedEntry[] {
  const lost = without(union(union(comparison.added, comparison.modified), comparison.removed), reset);
  if (isEmptySet(lost)) return [...entries];
  return entries.map((entry) => ({ ...entry, fields: difference(entry.fields, lost) }));
}

function withOwned(entries: readonly ManagedEntry[], mine: ManagedEntry): ManagedEntry[] {
  const known = entries.find((entry) => isSameManager(entry, mine));
  const others = entries.filter((entry) => entry !== known);
  return [...others, known ? { ...mine, fields: union(known.fields, mine.fields) } : mine];
}

/** managedFields are not fields that anybody owns. */
export function withoutOwners(object: KubeObject): KubeObject {
  if (object.metadata?.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
