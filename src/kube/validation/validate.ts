import type { KubeInput, KubeObject } from '../meta.ts';
import type { Resource } from '../resource.ts';
import type { FieldError } from './field-error.ts';

/** What is wrong with a new object, after its defaults and before its allocations. */
export function validateObject(_resource: Resource, _object: KubeInput): FieldError[] {
  return [];
}

/** What is wrong with replacing `before` by `after`; `after` is validated as a whole as well. */
export function validateUpdate(resource: Resource, _before: KubeObject, after: KubeObject): FieldError[] {
  return validateObject(resource, after);
}
