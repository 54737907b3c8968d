import type { Resource } from '../resource.ts';

/** A fresh copy of `object` with what upstream fills in before it validates; the argument is left as it is. */
export function applyDefaults<Type extends object>(_resource: Resource, object: Type): Type {
  return structuredClone(object);
}
