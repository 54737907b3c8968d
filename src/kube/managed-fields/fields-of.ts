import { isRecord } from '../prune.ts';
import type { AnyArraySchema, Schema } from '../schema.ts';
import { type Branches, branchOf, type FieldSet, fieldElement, noFields } from './field-set.ts';
import { fieldOf, isHollow, itemsOf, shapeOf } from './shape.ts';

/** The fields that somebody owns who has applied `value` (structured-merge-diff's ToFieldSet). */
export const fieldsOf = (schema: Schema, value: unknown): FieldSet => {
  const shape = shapeOf(schema);
  if (shape === 'items' && Array.isArray(value)) return fieldsOfItems(schema as AnyArraySchema, value);
  if (shape === 'whole' || !isRecord(value)) return noFields;
  const fields: Branches = {};
  for (const [name, member] of Object.entries(value)) {
    const { schema: inner } = fieldOf(schema, name);
    const branch = branchOf(isOwnedItself(schema, inner, member), fieldsOf(inner, member));
    if (branch) fields[fieldElement(name)] = branch;
  }
  return fields;
};

/** Entries of a map count, and so does whatever is owned whole or is empty; an object's field with others in it does not. */
const isOwnedItself = (schema: Schema, inner: Schema, member: unknown) =>
  shapeOf(schema) === 'entries' ||
  shapeOf(inner) === 'whole' ||
  member === null ||
  (shapeOf(inner) !== 'items' && isHollow(member));

function fieldsOfItems(schema: AnyArraySchema, list: readonly unknown[]): FieldSet {
  const fields: Branches = {};
  for (const [element, [item]] of itemsOf(schema, list))
    fields[element] = branchOf(true, fieldsOf(schema.item, item)) as FieldSet;
  return fields;
}
