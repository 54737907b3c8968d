import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../prune.ts';
import type { AnyArraySchema, Field, Schema } from '../schema.ts';
import { type Branches, branchOf, type FieldSet, fieldElement, isEmptySet, leaf, noFields } from './field-set.ts';
import { fieldOf, itemsOf, shapeOf } from './shape.ts';

/** What has become of the fields on the way from one value to another. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** structured-merge-diff's Compare, of whole objects: the root's own objects (metadata, spec, status) are always there. */
export const compareFields = (schema: Schema, before: object, after: object): Comparison =>
  compareMembers(schema, before as Members, after as Members, true);

type Members = Readonly<Record<string, unknown>>;

const equal: Comparison = { added: noFields, modified: noFields, removed: noFields };

function compareMembers(schema: Schema, before: Members, after: Members, isRoot = false): Comparison {
  const found = new Found();
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const name of names) {
    const field = fieldOf(schema, name);
    const empty = isAlwaysThere(field, isRoot || name === 'metadata') ? emptyOf(field.schema) : undefined;
    found.take(fieldElement(name), field.schema, before[name] ?? empty, after[name] ?? empty);
  }
  return found;
}

function compareItems(schema: AnyArraySchema, before: readonly unknown[], after: readonly unknown[]): Comparison {
  const found = new Found();
  const [old, now] = [itemsOf(schema, before), itemsOf(schema, after)];
  for (const element of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(element), now.get(element)];
    if ((was?.length ?? 1) === 1 && (is?.length ?? 1) === 1) found.take(element, schema.item, was?.[0], is?.[0]);
    // Several of one key (an environment variable given twice) are one value.
    else found.take(element, several, was, is);
  }
  return found;
}

const several: Schema = { kind: 'any' };

/**
 * Go's structs have no way to be absent, nor do lists without omitempty; which of our fields these are is told by their
 * presence. Nobody owns them for their own sake.
 */
const isAlwaysThere = ({ presence, schema }: Field, isStruct: boolean) =>
  (presence !== 'optional' || (isStruct && schema.kind === 'object')) && shapeOf(schema) !== 'whole';

const emptyOf = (schema: Schema): unknown => (schema.kind === 'array' ? [] : {});

class Found implements Comparison {
  readonly added: Branches = {};
  readonly modified: Branches = {};
  readonly removed: Branches = {};

  take(element: string, schema: Schema, before: unknown, after: unknown): void {
    if (isAbsent(before)) {
      if (!isAbsent(after)) this.added[element] = everything(schema, after);
    } else if (isAbsent(after)) {
      this.removed[element] = everything(schema, before);
    } else if (isLike(schema, before, after)) {
      this.#takeInner(element, compareInner(schema, before, after));
    } else if (!isDeepStrictEqual(before, after)) {
      this.modified[element] = leaf;
    }
  }

  #takeInner(element: string, inner: Comparison): void {
    if (!isEmptySet(inner.added)) this.added[element] = inner.added;
    if (!isEmptySet(inner.modified)) this.modified[element] = inner.modified;
    if (!isEmptySet(inner.removed)) this.removed[element] = inner.removed;
  }
}

const isAbsent = (value: unknown) => value === undefined || value === null;

/** Both can be looked into. */
function isLike(schema: Schema, before: unknown, after: unknown): boolean {
  const shape = shapeOf(schema);
  if (shape === 'whole') return false;
  return shape === 'items' ? Array.isArray(before) && Array.isArray(after) : isRecord(before) && isRecord(after);
}

function compareInner(schema: Schema, before: unknown, after: unknown): Comparison {
  if (before === after) return equal;
  return Array.isArray(before)
    ? compareItems(schema as AnyArraySchema, before, after as unknown[])
    : compareMembers(schema, before as Members, after as Members);
}

/** The element and all that is in it, of something that is on one side only. */
function everything(schema: Schema, value: unknown): FieldSet {
  const shape = shapeOf(schema);
  if (shape === 'items' && Array.isArray(value))
    return branchOf(true, compareItems(schema as AnyArraySchema, [], value).added)!;
  if (shape === 'whole' || !isRecord(value)) return leaf;
  return branchOf(true, compareMembers(schema, {}, value).added)!;
}
