import { isAbsent, isRecord } from '../prune.ts';
import { isQuantity, quantityProblem } from '../quantity.ts';
import type { AnyArraySchema, AnyMapSchema, AnyObjectSchema, Field, Schema, StringSchema } from '../schema.ts';
import { parseTime } from '../time.ts';
import { deepest, isTooDeep } from './depth.ts';
import {
  childPath,
  type FieldError,
  invalidError,
  keyPath,
  notSupportedError,
  requiredError,
  typeError,
} from './field-error.ts';

export interface SchemaFindings {
  readonly errors: readonly FieldError[];
  /** Upstream's sentences for strict decoding, in the order found: `unknown field "spec.prots"`. */
  readonly unknown: readonly string[];
}

/** Whether `value` has the shape that the schema describes; what its values mean is validateObject's matter. */
export function validateSchema(schema: Schema, value: unknown, path = ''): SchemaFindings {
  const findings = { errors: [] as FieldError[], unknown: [] as string[] };
  visit(schema, value, path, findings);
  return findings;
}

interface Findings {
  errors: FieldError[];
  unknown: string[];
}

function visit(schema: Schema, value: unknown, path: string, findings: Findings): void {
  if (schema.kind === 'object') visitObject(schema, value, path, findings);
  else if (schema.kind === 'map') visitMap(schema, value, path, findings);
  else if (schema.kind === 'array') visitArray(schema, value, path, findings);
  else findings.errors.push(...scalarErrors(schema, value, path));
}

function visitObject(schema: AnyObjectSchema, value: unknown, path: string, findings: Findings): void {
  if (!isRecord(value)) {
    findings.errors.push(wrongType(path, value, 'object'));
    return;
  }
  const fields: Record<string, Field> = schema.fields;
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(fields, name)) findings.unknown.push(`unknown field ${JSON.stringify(childPath(path, name))}`);
  }
  for (const [name, field] of Object.entries(fields)) {
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    if (!isAbsent(field.schema, given)) visit(field.schema, given, childPath(path, name), findings);
    else if (field.presence === 'required') findings.errors.push(requiredError(childPath(path, name)));
  }
}

function visitMap(schema: AnyMapSchema, value: unknown, path: string, findings: Findings): void {
  if (!isRecord(value)) {
    findings.errors.push(wrongType(path, value, 'object'));
    return;
  }
  for (const [key, given] of Object.entries(value)) {
    if (given !== null) visit(schema.value, given, keyPath(path, key), findings);
  }
}

function visitArray(schema: AnyArraySchema, value: unknown, path: string, findings: Findings): void {
  if (!Array.isArray(value)) {
    findings.errors.push(wrongType(path, value, 'array'));
    return;
  }
  for (const [index, item] of value.entries()) visit(schema.item, item, `${path}[${index}]`, findings);
}

const scalarErrors = (schema: Schema, value: unknown, path: string): FieldError[] => {
  const error = scalarError(schema, value, path);
  return error ? [error] : [];
};

function scalarError(schema: Schema, value: unknown, path: string): FieldError | undefined {
  switch (schema.kind) {
    case 'string':
      return stringError(schema, value, path);
    case 'integer':
      return integerError(schema.format, value, path);
    case 'boolean':
      return typeof value === 'boolean' ? undefined : wrongType(path, value, 'boolean');
    case 'int-or-string':
      return typeof value === 'string' ? undefined : integerError('int32', value, path, 'integer or string');
    case 'quantity':
      if (typeof value !== 'string' && typeof value !== 'number') return wrongType(path, value, 'string or number');
      return isQuantity(value) ? undefined : invalidError(path, value, quantityProblem);
    case 'any':
      return isTooDeep(value) ? invalidError(path, '...', `must not be nested more than ${deepest} levels`) : undefined;
    default:
      return undefined;
  }
}

function stringError(schema: StringSchema, value: unknown, path: string): FieldError | undefined {
  if (typeof value !== 'string') return wrongType(path, value, 'string');
  if (schema.values && !schema.values.includes(value)) return notSupportedError(path, value, schema.values);
  if (schema.format === 'date-time' && parseTime(value) === undefined) {
    return invalidError(path, value, 'must be a time in RFC 3339 format (2006-01-02T15:04:05Z)');
  }
  if (schema.format === 'byte' && !isBase64(value)) return invalidError(path, value, 'must be base64 encoded');
  return undefined;
}

function integerError(format: 'int32' | 'int64', value: unknown, path: string, wanted = 'integer') {
  if (typeof value !== 'number' || !Number.isInteger(value)) return wrongType(path, value, wanted);
  const isInRange = format === 'int32' ? (value | 0) === value : Number.isSafeInteger(value);
  return isInRange ? undefined : invalidError(path, value, `must fit in an ${format}`);
}

/** Whole objects and lists are named by their type only; their text may be megabytes. */
const wrongType = (path: string, value: unknown, wanted: string): FieldError =>
  typeError(path, Array.isArray(value) ? 'array' : isRecord(value) ? 'object' : value, `must be of type ${wanted}`);

const isBase64 = (text: string) =>
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text.replace(/[\r\n]/g, ''));
