import { isDeepStrictEqual } from 'node:util';
import { InputError } from '../errors.ts';
import { formatPointer, parsePointer } from './json-pointer.ts';

type Json = unknown;
type Container = Json[] | Record<string, Json>;
type Operation = (document: Json, operation: Record<string, unknown>) => Json;

/**
 * RFC 6902. Returns a new document; `document` is left as it is. All operations apply or none does.
 * Throws InputError: `malformed` when the operations do not read as a patch, `unprocessable` when one does not fit.
 */
export function applyJsonPatch(document: Json, operations: unknown): Json {
  if (!Array.isArray(operations)) throw malformed('a JSON patch must be an array of operations');
  return operations.reduce<Json>(applyOperation, structuredClone(document));
}

function applyOperation(document: Json, operation: unknown): Json {
  if (!isObject(operation)) throw malformed('each operation of a JSON patch must be an object');
  const apply =
    typeof operation.op === 'string' && Object.hasOwn(verbs, operation.op) ? verbs[operation.op] : undefined;
  if (!apply) throw malformed(`unexpected kind of operation: ${JSON.stringify(operation.op)}`);
  return apply(document, operation);
}

const verbs: Record<string, Operation> = {
  add: (document, operation) => add(document, pathOf(operation, 'path'), structuredClone(operandOf(operation)), 'add'),
  remove: (document, operation) => remove(document, pathOf(operation, 'path'), 'remove'),
  replace(document, operation) {
    const path = pathOf(operation, 'path');
    get(document, path, 'replace');
    return set(document, path, structuredClone(operandOf(operation)), 'replace');
  },
  move(document, operation) {
    const from = pathOf(operation, 'from');
    const path = pathOf(operation, 'path');
    const value = get(document, from, 'move');
    if (isWithin(path, from)) {
      if (path.length === from.length) return document;
      throw unfit('move', path, 'a value cannot be moved into itself');
    }
    return add(remove(document, from, 'move'), path, value, 'move');
  },
  copy(document, operation) {
    const value = get(document, pathOf(operation, 'from'), 'copy');
    return add(document, pathOf(operation, 'path'), structuredClone(value), 'copy');
  },
  test(document, operation) {
    const path = pathOf(operation, 'path');
    if (!isDeepStrictEqual(get(document, path, 'test'), operandOf(operation))) {
      throw new InputError('Apply a JSON patch', 'unprocessable', `testing value ${formatPointer(path)} failed`);
    }
    return document;
  },
};

function pathOf(operation: Record<string, unknown>, member: 'path' | 'from'): string[] {
  const text = operation[member];
  if (typeof text !== 'string') throw malformed(`operation ${String(operation.op)} missing "${member}" field`);
  return parsePointer(text);
}

function operandOf(operation: Record<string, unknown>): Json {
  if (!('value' in operation)) throw malformed(`operation ${String(operation.op)} missing "value" field`);
  return operation.value;
}

function get(document: Json, path: readonly string[], verb: string): Json {
  let value = document;
  for (const [depth, token] of path.entries()) {
    if (!hasMember(value, token)) throw unfit(verb, path.slice(0, depth + 1), 'no such value');
    value = (value as Record<string, Json>)[token];
  }
  return value;
}

function add(document: Json, path: readonly string[], value: Json, verb: string): Json {
  if (path.length === 0) return value;
  const parent = parentOf(document, path, verb);
  const token = path.at(-1)!;
  if (!Array.isArray(parent)) parent[checkedName(token, path, verb)] = value;
  else parent.splice(token === '-' ? parent.length : indexOf(parent, token, parent.length, path, verb), 0, value);
  return document;
}

function set(document: Json, path: readonly string[], value: Json, verb: string): Json {
  if (path.length === 0) return value;
  const parent = parentOf(document, path, verb);
  (parent as Record<string, Json>)[path.at(-1)!] = value;
  return document;
}

function remove(document: Json, path: readonly string[], verb: string): Json {
  if (path.length === 0) return null;
  const parent = parentOf(document, path, verb);
  const token = path.at(-1)!;
  if (!hasMember(parent, token)) throw unfit(verb, path, 'no such value');
  if (Array.isArray(parent)) parent.splice(Number(token), 1);
  else delete parent[token];
  return document;
}

function parentOf(document: Json, path: readonly string[], verb: string): Container {
  const parent = get(document, path.slice(0, -1), verb);
  if (typeof parent !== 'object' || parent === null) throw unfit(verb, path.slice(0, -1), 'not an object or array');
  return parent as Container;
}

function indexOf(list: readonly Json[], token: string, maximum: number, path: readonly string[], verb: string): number {
  if (!isIndex(token)) throw unfit(verb, path, `${JSON.stringify(token)} is not an array index`);
  if (Number(token) > maximum) throw unfit(verb, path, `index is beyond the array's ${list.length} items`);
  return Number(token);
}

function hasMember(value: Json, token: string): boolean {
  if (Array.isArray(value)) return isIndex(token) && Number(token) < value.length;
  return isObject(value) && Object.hasOwn(value, token);
}

/** No leading zeros (RFC 6901, section 4). */
const isIndex = (token: string) => /^(?:0|[1-9]\d*)$/.test(token);

/** An own property of that name cannot be set by assignment, and no Kubernetes field bears it. */
function checkedName(token: string, path: readonly string[], verb: string): string {
  if (token === '__proto__') throw unfit(verb, path, 'the name is not allowed');
  return token;
}

const isWithin = (path: readonly string[], outer: readonly string[]) => outer.every((token, at) => path[at] === token);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const malformed = (detail: string) => new InputError('Read a JSON patch', 'malformed', detail);

const unfit = (verb: string, path: readonly string[], why: string) =>
  new InputError(
    'Apply a JSON patch',
    'unprocessable',
    `${verb} operation does not apply: ${formatPointer(path)}: ${why}`,
  );
