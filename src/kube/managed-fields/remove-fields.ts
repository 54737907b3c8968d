import { isRecord } from '../prune.ts';
import type { AnyArraySchema, Schema } from '../schema.ts';
import { type FieldSet, fieldElement, isEmptySet, isMember, noFields } from './field-set.ts';
import { fieldOf, itemsOf, shapeOf } from './shape.ts';

/**
 * What an applier has owned (`last`) and nobody owns any more goes, with all that is in it (structured-merge-diff's prune).
 * What is left empty goes too. Shares parts with `value` and changes nothing in it.
 */
export function removeFields(schema: Schema, value: unknown, last: FieldSet, owned: FieldSet): unknown {
  if (isEmptySet(last)) return value;
  const shape = shapeOf(schema);
  if (shape === 'items' && Array.isArray(value)) return removeItems(schema as AnyArraySchema, value, last, owned);
  if (shape === 'whole' || !isRecord(value)) return value;
  const kept: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) {
    const left = leftOf(schema, fieldElement(name), fieldOf(schema, name).schema, member, last, owned);
    if (left !== undefined) kept.push([name, left]);
  }
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

function removeItems(schema: AnyArraySchema, list: readonly unknown[], last: FieldSet, owned: FieldSet): unknown {
  const kept: unknown[] = [];
  for (const [element, items] of itemsOf(schema, list)) {
    for (const item of items) {
      const left = leftOf(schema, element, schema.item, item, last, owned);
      if (left !== undefined) kept.push(left);
    }
  }
  return kept.length > 0 ? kept : undefined;
}

function leftOf(
  parent: Schema,
  element: string,
  schema: Schema,
  value: unknown,
  last: FieldSet,
  owned: FieldSet,
): unknown {
  const was = last[element];
  if (!was) return value;
  const is = owned[element];
  // An object's field counts as owned when anything in it is; an item or an entry must be owned itself.
  const counts = (branch: FieldSet) => shapeOf(parent) === 'fields' || isMember(branch);
  if (counts(was) && !(is && counts(is))) return undefined;
  return removeFields(schema, value, was, is ?? noFields);
}
