import { InputError } from '../errors.ts';
import { isRecord } from '../prune.ts';
import type { Field, Schema } from '../schema.ts';
import { arrange, identityOfItem, identityOfValue } from './element-order.ts';

type Json = unknown;
type Members = Record<string, Json>;

const setElementOrder = '$setElementOrder/';
const deleteFromPrimitiveList = '$deleteFromPrimitiveList/';
const isDirective = (name: string) =>
  name === '$patch' ||
  name === '$retainKeys' ||
  name.startsWith(setElementOrder) ||
  name.startsWith(deleteFromPrimitiveList);

/**
 * Kubernetes' strategic merge patch (apimachinery's strategicpatch): like RFC 7396, but lists that the schema gives a
 * merge key are merged item by item, and directives (`$patch`, `$retainKeys`, `$setElementOrder/…`,
 * `$deleteFromPrimitiveList/…`) say what that alone cannot. Returns a new object; the arguments are left as they are.
 * Throws InputError.
 */
export function applyStrategicMergePatch(schema: Schema, current: Json, patch: Json): Json {
  if (!isRecord(patch)) throw malformed('a strategic merge patch must be an object');
  return mergeObject(schema, isRecord(current) ? structuredClone(current) : {}, structuredClone(patch));
}

/** Owns both arguments: they are clones. */
function mergeObject(schema: Schema | undefined, current: Members, patch: Members): Members {
  const directive = patch.$patch;
  if (directive === 'replace') return withoutDirectives(patch) as Members;
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw malformed(`unknown patch type found: ${text(directive)}`);
  retainKeys(current, patch);
  for (const [name, value] of Object.entries(patch)) {
    if (!isDirective(name)) mergeMember(memberSchema(schema, name), current, name, value);
  }
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith(deleteFromPrimitiveList)) deletePrimitives(current, name, value);
  }
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith(setElementOrder)) orderMember(schema, current, patch, name, value);
  }
  return current;
}

function mergeMember(schema: Schema | undefined, current: Members, name: string, value: Json): void {
  if (value === null) {
    delete current[name];
    return;
  }
  const before = Object.hasOwn(current, name) ? current[name] : undefined;
  let merged: Json;
  if (isRecord(value)) merged = mergeObject(schema, isRecord(before) ? before : {}, value);
  else if (Array.isArray(value)) merged = mergeList(schema, Array.isArray(before) ? before : [], value);
  else merged = value;
  define(current, name, merged);
}

function mergeList(schema: Schema | undefined, current: Json[], patch: Json[]): Json[] {
  const merge = schema?.kind === 'array' ? schema.merge : undefined;
  if (!merge) return patch.map(withoutDirectives);
  if (merge.kind === 'set') return mergeSet(current, patch);
  return mergeItems(itemSchema(schema), current, patch, merge.keys[0]!);
}

function mergeSet(current: Json[], patch: Json[]): Json[] {
  const union = new Map([...current, ...patch].map((item) => [identityOfValue(item), item]));
  return arrange([...union.values()], patch.map(identityOfValue), current, undefined);
}

function mergeItems(schema: Schema | undefined, current: Json[], patch: Json[], key: string): Json[] {
  const items = patch.filter(isRecord);
  if (items.length < patch.length)
    throw malformed(`every item of a list with merge key ${text(key)} must be an object`);
  const plain = items.filter((item) => item.$patch !== 'delete' && item.$patch !== 'replace');
  if (items.some((item) => item.$patch === 'replace')) return plain.map(withoutDirectives);
  const deleted = new Set(items.filter((item) => item.$patch === 'delete').map((item) => keyIdentity(item, key)));
  const merged = current.filter((item) => !deleted.has(identityOfItem(item, key)));
  mergeEach(schema, merged, plain, key);
  const order = plain.map((item) => identityOfItem(item, key));
  return arrange(merged, order, current, key);
}

/** Each item of the patch goes into the first item of the list that bears its key, or to the end. */
function mergeEach(schema: Schema | undefined, merged: Json[], items: readonly Members[], key: string): void {
  const places = new Map<string, number>();
  for (const [place, item] of merged.entries()) {
    const identity = identityOfItem(item, key);
    if (!places.has(identity)) places.set(identity, place);
  }
  for (const item of items) {
    const identity = keyIdentity(item, key);
    const place = places.get(identity) ?? merged.length;
    places.set(identity, place);
    merged[place] = mergeObject(schema, (merged[place] as Members | undefined) ?? {}, item);
  }
}

function keyIdentity(item: Members, key: string): string {
  if (item[key] === undefined) {
    throw malformed(`map: ${text(item)} does not contain declared merge key: ${key}`);
  }
  return identityOfValue(item[key]);
}

/** `$retainKeys` lists all that stays: it is how a union's former member is taken away. */
function retainKeys(current: Members, patch: Members): void {
  const retained = patch.$retainKeys;
  if (retained === undefined) return;
  if (!Array.isArray(retained)) throw malformed('$retainKeys must be a list of field names');
  for (const [name, value] of Object.entries(patch)) {
    if (!isDirective(name) && value !== null && !retained.includes(name)) {
      throw malformed(`$retainKeys must contain every field of the patch: ${text(name)} is missing`);
    }
  }
  for (const name of Object.keys(current)) if (!retained.includes(name)) delete current[name];
}

function deletePrimitives(current: Members, directive: string, values: Json): void {
  if (!Array.isArray(values)) throw malformed(`${directive} must be a list`);
  const name = directive.slice(deleteFromPrimitiveList.length);
  const list = current[name];
  if (!Array.isArray(list)) return;
  const deleted = new Set(values.map(identityOfValue));
  current[name] = list.filter((item) => !deleted.has(identityOfValue(item)));
}

/** `$setElementOrder/containers: [{name: a}, {name: b}]`: the order of the items that the writer knows of. */
function orderMember(
  schema: Schema | undefined,
  current: Members,
  patch: Members,
  directive: string,
  order: Json,
): void {
  if (!Array.isArray(order)) throw malformed(`${directive} must be a list`);
  const name = directive.slice(setElementOrder.length);
  const list = current[name];
  const member = memberSchema(schema, name);
  if (!Array.isArray(list) || member?.kind !== 'array' || !member.merge) return;
  const key = member.merge.kind === 'map' ? member.merge.keys[0] : undefined;
  const wanted = order.map((item) => identityOfItem(item, key));
  checkOrderNamesAll(patch[name], new Set(wanted), key, directive);
  current[name] = arrange(list, wanted, list, key);
}

function checkOrderNamesAll(items: Json, order: Set<string>, key: string | undefined, directive: string): void {
  if (!Array.isArray(items)) return;
  const isListed = (item: Json) => (isRecord(item) && item.$patch === 'delete') || order.has(identityOfItem(item, key));
  if (!items.every(isListed)) {
    throw malformed(`the ${text(directive)} list must contain every item of the patch's list`);
  }
}

function memberSchema(schema: Schema | undefined, name: string): Schema | undefined {
  if (schema?.kind === 'object') return (schema.fields as Record<string, Field>)[name]?.schema;
  return schema?.kind === 'map' ? schema.value : undefined;
}

const itemSchema = (schema: Schema | undefined): Schema | undefined =>
  schema?.kind === 'array' ? schema.item : undefined;

/** What is put in place without anything to merge it with: no directive may reach the stored object, nor any null. */
function withoutDirectives(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutDirectives);
  if (!isRecord(value)) return value;
  const kept = Object.entries(value).filter(([name, member]) => !isDirective(name) && member !== null);
  return Object.fromEntries(kept.map(([name, member]) => [name, withoutDirectives(member)]));
}

/** By definition and not assignment, so that `__proto__` is a name like any other. */
const define = (target: object, name: string, value: Json) =>
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });

const text = (value: unknown) => JSON.stringify(value);

const malformed = (detail: string) => new InputError('Apply a strategic merge patch', 'malformed', detail);
