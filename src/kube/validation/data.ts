import { isDeepStrictEqual } from 'node:util';
import type { ConfigMap, Secret } from '../kinds/cluster.ts';
import { type FieldError, forbiddenError, invalidError, keyPath, requiredError, tooLongError } from './field-error.ts';
import { immutableMessage } from './metadata.ts';

/** What one ConfigMap or Secret may hold. */
const limitBytes = 1024 * 1024;

export function validateConfigMap({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors = [...keyErrors(data, 'data'), ...keyErrors(binaryData, 'binaryData')];
  for (const key of Object.keys(data)) {
    if (Object.hasOwn(binaryData, key)) {
      errors.push(invalidError(keyPath('data', key), key, 'duplicate of key present in binaryData'));
    }
  }
  const total = sizeOf(data, Buffer.byteLength) + sizeOf(binaryData, decodedLength);
  // Upstream gives this error for the object as a whole, whose path prints as [].
  return total > limitBytes ? [...errors, tooLongError('[]', limitBytes)] : errors;
}

/** What each type of Secret cannot do without. */
const requiredKeys: Record<string, readonly string[] | undefined> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
};

export function validateSecret({ type, data = {} }: Secret): FieldError[] {
  const errors = keyErrors(data, 'data');
  if (sizeOf(data, decodedLength) > limitBytes) errors.push(tooLongError('data', limitBytes));
  const missing = (requiredKeys[type] ?? []).filter((key) => !Object.hasOwn(data, key));
  return [...errors, ...missing.map((key) => requiredError(keyPath('data', key)))];
}

export const validateConfigMapUpdate = (before: ConfigMap, after: ConfigMap): FieldError[] =>
  frozenErrors(before, after, ['data', 'binaryData']);

export function validateSecretUpdate(before: Secret, after: Secret): FieldError[] {
  const errors = before.type === after.type ? [] : [invalidError('type', after.type, immutableMessage)];
  return [...errors, ...frozenErrors(before, after, ['data'])];
}

function frozenErrors<Type extends ConfigMap | Secret>(before: Type, after: Type, fields: (keyof Type & string)[]) {
  if (!before.immutable) return [];
  const detail = 'field is immutable when `immutable` is set';
  const changed = fields.filter((field) => !isDeepStrictEqual(before[field], after[field]));
  return [...(after.immutable ? [] : ['immutable']), ...changed].map((field) => forbiddenError(field, detail));
}

const keyMessage =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' " +
  "(e.g. 'key.name', or 'KEY_NAME', or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

const keyErrors = (entries: object, path: string): FieldError[] =>
  Object.keys(entries).flatMap((key) => {
    const at = keyPath(path, key);
    if (key.length > 253) return [invalidError(at, key, 'must be no more than 253 characters')];
    if (key === '.' || key === '..') return [invalidError(at, key, `must not be '${key}'`)];
    if (key.startsWith('..')) return [invalidError(at, key, "must not start with '..'")];
    return /^[-._a-zA-Z0-9]+$/.test(key) ? [] : [invalidError(at, key, keyMessage)];
  });

const sizeOf = (entries: Record<string, string>, lengthOf: (text: string) => number): number =>
  Object.values(entries).reduce((sum, text) => sum + lengthOf(text), 0);

const decodedLength = (text: string): number => Buffer.byteLength(text, 'base64');
