import { formatQuantity, isQuantity } from './quantity.ts';
import type { AnyMapSchema, AnyObjectSchema, ArraySchema, Field, Schema } from './schema.ts';

/**
 * A fresh copy of `value` with only what the schema knows, as decoding into Go structs leaves it: unknown fields are
 * dropped, and what counts as not given is absent: null, the empty text where only certain words are allowed, and, for
 * an optional field, the empty list or map. Quantities are in canonical form (`0.5` → `500m`).
 */
export function prune<Type>(schema: Schema, value: Type): Type {
  return copy(schema, value) as Type;
}

function copy(schema: Schema, value: unknown): unknown {
  switch (schema.kind) {
    case 'object':
      return isRecord(value) ? copyObject(schema, value) : value;
    case 'map':
      return isRecord(value) ? copyMap(schema, value) : value;
    case 'array':
      return Array.isArray(value) ? value.map((item) => copy((schema as ArraySchema).item, item)) : value;
    case 'any':
      return structuredClone(value);
    case 'quantity':
      return canonical(value);
    default:
      return value;
  }
}

function copyObject(schema: AnyObjectSchema, value: Record<string, unknown>): Record<string, unknown> {
  const fields: Record<string, Field> = schema.fields;
  const copied: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(value)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field || isAbsent(field.schema, given)) continue;
    const kept = copy(field.schema, given);
    if (field.presence !== 'optional' || !isEmptyCollection(field.schema, kept)) copied[name] = kept;
  }
  return copied;
}

function copyMap(schema: AnyMapSchema, value: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(value).map(([key, given]): [string, unknown] => [
    key,
    given === null && schema.value.kind === 'string' ? '' : copy(schema.value, given),
  ]);
  return Object.fromEntries(entries);
}

const canonical = (value: unknown): unknown =>
  (typeof value === 'string' || typeof value === 'number') && isQuantity(value) ? formatQuantity(value) : value;

/** Whether a field's value counts as not given. */
export const isAbsent = (schema: Schema, value: unknown): boolean =>
  value === undefined || value === null || (value === '' && schema.kind === 'string' && schema.values !== undefined);

const isEmptyCollection = (schema: Schema, value: unknown): boolean =>
  (schema.kind === 'array' && Array.isArray(value) && value.length === 0) ||
  (schema.kind === 'map' && isRecord(value) && Object.keys(value).length === 0);

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
