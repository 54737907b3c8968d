import { isRecord } from '../prune.ts';
import type { AnyArraySchema, Field, Schema } from '../schema.ts';
import { keyElement, valueElement } from './field-set.ts';

/**
 * How ownership runs through a value (structured-merge-diff's atoms): through the fields of an object, the entries of a
 * map, the items of a list that the schema gives keys or calls a set; or not at all, when it is owned whole.
 */
export type Shape = 'fields' | 'entries' | 'items' | 'whole';

export function shapeOf(schema: Schema): Shape {
  switch (schema.kind) {
    case 'object':
      return schema.atomic ? 'whole' : 'fields';
    case 'map':
      return schema.atomic ? 'whole' : 'entries';
    case 'array':
      return schema.merge ? 'items' : 'whole';
    default:
      return 'whole';
  }
}

const anything: Field = { schema: { kind: 'any' }, presence: 'optional' };

/** The schema of one member of an object or a map. */
export function fieldOf(schema: Schema, name: string): Field {
  if (schema.kind === 'map') return { schema: schema.value, presence: 'optional' };
  if (schema.kind !== 'object') return anything;
  const fields: Record<string, Field> = schema.fields;
  return (Object.hasOwn(fields, name) && fields[name]) || anything;
}

/** The path element of an item; undefined when it lacks one of its list's keys. */
export function elementOf({ merge, item }: AnyArraySchema, value: unknown): string | undefined {
  if (merge?.kind !== 'map') return valueElement(value);
  if (!isRecord(value)) return undefined;
  const keys: Record<string, unknown> = {};
  for (const name of merge.keys) {
    const key = value[name] ?? defaultOf(item, name);
    if (key === undefined) return undefined;
    keys[name] = key;
  }
  return keyElement(keys);
}

function defaultOf(item: Schema, name: string): string | undefined {
  const { schema } = fieldOf(item, name);
  return schema.kind === 'string' ? schema.keyDefault : undefined;
}

/** The items of a list by their elements, in order; of several with one element all count as one. */
export function itemsOf(schema: AnyArraySchema, list: readonly unknown[]): Map<string, readonly unknown[]> {
  const items = new Map<string, unknown[]>();
  for (const value of list) {
    // An item without its key owns nothing that could be named; it is told from the others by its whole value.
    const element = elementOf(schema, value) ?? valueElement(value);
    const same = items.get(element);
    if (same) same.push(value);
    else items.set(element, [value]);
  }
  return items;
}

/** Whether a value has nothing in it through which ownership could run. */
export const isHollow = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  (Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0);
