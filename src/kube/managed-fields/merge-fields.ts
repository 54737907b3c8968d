import { isRecord } from '../prune.ts';
import type { AnyArraySchema, Schema } from '../schema.ts';
import { fieldOf, itemsOf, shapeOf } from './shape.ts';

/** `config` laid over `live` (structured-merge-diff's Merge). Shares parts with both and changes neither. */
export function mergeFields(schema: Schema, live: unknown, config: unknown): unknown {
  if (config === undefined) return live;
  if (live === undefined || live === null) return config;
  const shape = shapeOf(schema);
  if (shape === 'items' && Array.isArray(live) && Array.isArray(config))
    return mergeItems(schema as AnyArraySchema, live, config);
  if (shape === 'whole' || shape === 'items' || !isRecord(live) || !isRecord(config)) return config;
  const merged: Record<string, unknown> = { ...live };
  for (const [name, value] of Object.entries(config))
    define(
      merged,
      name,
      mergeFields(fieldOf(schema, name).schema, Object.hasOwn(live, name) ? live[name] : undefined, value),
    );
  return merged;
}

/** By definition and not assignment, so that `__proto__` is a name like any other. */
const define = (target: object, name: string, value: unknown) =>
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });

/** What both have stands in the order of `config`; what only `live` has keeps its place behind what it followed. */
function mergeItems(schema: AnyArraySchema, live: readonly unknown[], config: readonly unknown[]): unknown[] {
  const [old, given] = [itemsOf(schema, live), itemsOf(schema, config)];
  const waiting = [...old.keys()];
  const shared = [...given.keys()].filter((element) => old.has(element));
  const merged: unknown[] = [];
  const takeUnshared = () => {
    while (waiting.length > 0 && waiting[0] !== shared[0]) {
      const element = waiting.shift()!;
      if (!given.has(element)) merged.push(...old.get(element)!);
    }
  };
  for (const [element, [item]] of given) {
    takeUnshared();
    merged.push(mergeFields(schema.item, old.get(element)?.[0], item));
    if (shared[0] === element) shared.shift();
    if (waiting[0] === element) waiting.shift();
  }
  takeUnshared();
  return merged;
}
