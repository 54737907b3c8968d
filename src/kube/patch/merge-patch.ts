/** RFC 7396: null removes, objects merge, everything else replaces. Returns a new value; neither argument changes. */
export function applyMergePatch(current: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return structuredClone(patch);
  const merged: Record<string, unknown> = isObject(current) ? structuredClone(current) : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else define(merged, name, applyMergePatch(Object.hasOwn(merged, name) ? merged[name] : undefined, value));
  }
  return merged;
}

/** By definition and not assignment, so that `__proto__` is a name like any other. */
const define = (target: object, name: string, value: unknown) =>
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
