import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../meta.ts';
import { apiVersionOf } from '../resource.ts';
import { type Comparison, compareFields } from './compare-fields.ts';
import type { Conflict } from './conflicts.ts';
import { isSameManager, type ManagedEntry, readEntries, writeEntries } from './entries.ts';
import { intersection, isEmptySet, noFields, pathsIn, union, without } from './field-set.ts';
import { fieldsOf } from './fields-of.ts';
import { allowedByLastApplied, lastAppliedManager, withLastApplied } from './last-applied.ts';
import { mergeFields } from './merge-fields.ts';
import {
  disowned,
  type OwnershipContext,
  ownershipAfterUpdate,
  resetFieldsOf,
  withoutOwners,
  withoutUnowned,
} from './ownership.ts';
import { removeFields } from './remove-fields.ts';

export type Applied =
  | { readonly type: 'applied'; readonly object: KubeObject }
  | { readonly type: 'conflicts'; readonly conflicts: readonly Conflict[] };

export interface ApplyOptions {
  /** Takes from others what they own. */
  readonly force: boolean;
}

/** Whose fields those are that were there before anybody kept account (upstream's name). */
const beforeFirstApply = 'before-first-apply';

/**
 * Server-side apply (structured-merge-diff's Updater and upstream's field managers around it): `config` laid over the
 * object, without what this manager applied before and nobody owns now. The object that comes out has its managedFields
 * and none of the defaults that new fields call for. Arguments stay as they are.
 * @param live absent when there is no such object yet
 * @param config has passed the checks of an applied configuration
 */
export function applyConfiguration(
  context: OwnershipContext,
  live: KubeObject | undefined,
  config: KubeObject,
  options: ApplyOptions,
): Applied {
  const entries = live ? entriesOf(context, live) : [];
  const applied = applyOnce(context, live, config, entries, options);
  if (applied.type === 'applied' || context.writer.manager !== lastAppliedManager || !live)
    return finish(context, config, applied);
  // What kubectl applied the older way is its own, whichever name it did so under.
  const allowed = allowedByLastApplied(context.resource, withoutOwners(live));
  const conflicts = allowed && applied.conflicts.filter(({ path }) => !allowed(path));
  if (!conflicts) return applied;
  if (conflicts.length > 0) return { type: 'conflicts', conflicts };
  return finish(context, config, applyOnce(context, live, config, entries, { force: true }));
}

const finish = ({ writer }: OwnershipContext, config: KubeObject, applied: Applied): Applied =>
  applied.type === 'applied' && writer.manager === lastAppliedManager
    ? { type: 'applied', object: withLastApplied(applied.object, config) }
    : applied;

function entriesOf(context: OwnershipContext, live: KubeObject): readonly ManagedEntry[] {
  const entries = readEntries(live.metadata.managedFields);
  if (entries.length > 0) return entries;
  const first = { ...context, writer: { manager: beforeFirstApply } };
  return readEntries(ownershipAfterUpdate(first, undefined, live, { live: undefined }));
}

function applyOnce(
  context: OwnershipContext,
  live: KubeObject | undefined,
  config: KubeObject,
  entries: readonly ManagedEntry[],
  { force }: ApplyOptions,
): Applied {
  const { resource, writer } = context;
  const { schema } = resource;
  const reset = resetFieldsOf(resource, writer);
  const owned = without(fieldsOf(schema, config), reset);
  const mine = mineOf(context, withoutUnowned(owned));
  const former = entries.find((entry) => isSameManager(entry, mine));
  const others = entries.filter((entry) => entry !== former);
  const start = live && withoutOwners(live);
  const allOwned = others.reduce((all, { fields }) => union(all, fields), owned);
  const merged = removeFields(schema, mergeFields(schema, start, config), former?.fields ?? noFields, allOwned);
  const object = { ...(merged as KubeObject), metadata: { ...(merged as KubeObject).metadata } };
  const comparison = compareFields(schema, start ?? {}, object);
  const changed = without(union(comparison.added, comparison.modified), reset);
  const conflicts = force ? [] : conflictsWith(others, changed);
  if (conflicts.length > 0) return { type: 'conflicts', conflicts };
  const after = [...disowned(others, comparison, reset), mine];
  const managedFields = isNothing(comparison) ? unlessSame(live, after, mine, former) : writeEntries(after);
  if (managedFields.length > 0) object.metadata.managedFields = managedFields;
  return { type: 'applied', object };
}

function mineOf({ resource, writer, time }: OwnershipContext, fields: ManagedEntry['fields']): ManagedEntry {
  return {
    ...{ manager: writer.manager, operation: 'Apply', apiVersion: apiVersionOf(resource), time, fields },
    ...(writer.subresource && { subresource: writer.subresource }),
  };
}

const isNothing = ({ added, modified, removed }: Comparison) => [added, modified, removed].every(isEmptySet);

/** Applying the same again is no write: the time stays as it was. */
function unlessSame(
  live: KubeObject | undefined,
  entries: readonly ManagedEntry[],
  mine: ManagedEntry,
  former: ManagedEntry | undefined,
) {
  const then = { ...mine, ...(former?.time && { time: former.time }) };
  const kept = writeEntries(entries.map((entry) => (entry === mine ? then : entry)));
  return isDeepStrictEqual(kept, live?.metadata.managedFields) ? kept : writeEntries(entries);
}

function conflictsWith(others: readonly ManagedEntry[], changed: ManagedEntry['fields']): Conflict[] {
  return others.flatMap((owner) =>
    [...pathsIn(intersection(owner.fields, changed))].map((path): Conflict => ({ owner, path })),
  );
}
