import { isRecord } from '../prune.ts';
import type { Resource } from '../resource.ts';
import type { AnyArraySchema, Schema } from '../schema.ts';
import { validateSchema } from '../validation/validate-schema.ts';
import { printPath } from './field-set.ts';
import { elementOf, fieldOf } from './shape.ts';

/** What is left for the merged object to have; an applied configuration may leave it out. */
const forLater = new Set(['FieldValueRequired', 'FieldValueNotSupported']);

/**
 * What makes it impossible to say which fields a configuration is about: types that are not the schema's, fields that the
 * schema does not have, items without their keys or given twice. Whatever `fieldValidation` says, as upstream.
 */
export function checkConfiguration({ schema }: Resource, config: object): string[] {
  const { errors } = validateSchema(schema, config);
  const wrong = errors.filter(({ type }) => !forLater.has(type)).map(({ path, message }) => `.${path}: ${message}`);
  return wrong.length > 0 ? wrong : problemsIn(schema, config, '');
}

/** The types are right: what the schema calls an object is one. */
function problemsIn(schema: Schema, value: unknown, path: string): string[] {
  if (Array.isArray(value) && schema.kind === 'array') return problemsInList(schema, value, path);
  if (!isRecord(value) || (schema.kind !== 'object' && schema.kind !== 'map')) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const place = `${path}.${name}`;
    if (schema.kind === 'object' && !Object.hasOwn(schema.fields, name))
      return [`${place}: field not declared in schema`];
    return problemsIn(fieldOf(schema, name).schema, member, place);
  });
}

function problemsInList(schema: AnyArraySchema, list: readonly unknown[], path: string): string[] {
  if (!schema.merge) return list.flatMap((item, index) => problemsIn(schema.item, item, `${path}[${index}]`));
  const seen = new Set<string>();
  return list.flatMap((item, index) => {
    const element = elementOf(schema, item);
    if (element === undefined) return [`${path}: element ${index}: ${missingKey(schema, item)}`];
    const place = printPath([element]);
    if (seen.has(element)) return [`${path}: duplicate entries for key ${place}`];
    seen.add(element);
    return problemsIn(schema.item, item, path + place);
  });
}

function missingKey({ merge }: AnyArraySchema, item: unknown): string {
  const keys = merge?.kind === 'map' ? merge.keys : [];
  const missing = keys.find((name) => !isRecord(item) || item[name] === undefined);
  return `associative list with keys has an element that omits key field ${JSON.stringify(missing)} (and doesn't have default value)`;
}
