import type { ApiRequest } from '../../base/exchange.ts';
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  badRequest,
  duplicateKeys,
  isInputError,
  type Resource,
  unprocessable,
  unsupportedMediaType,
} from '../../kube/mod.ts';
import { refuse } from '../status-error.ts';
import { mediaTypeOf, parseWith } from './decode.ts';

type ApplyPatch = (resource: Resource, current: object, patch: unknown) => unknown;

const patchTypes: Readonly<Record<string, ApplyPatch>> = {
  'application/json-patch+json': (_resource, current, patch) => applyJsonPatch(current as never, patch),
  'application/merge-patch+json': (_resource, current, patch) => applyMergePatch(current, patch),
  'application/strategic-merge-patch+json': (resource, current, patch) =>
    applyStrategicMergePatch(resource.schema, current, patch),
};

/** Server-side apply, which is more than a patch: serve/apply.ts. */
export const applyPatchType = 'application/apply-patch+yaml';

export interface ReadPatch {
  /** What the patch makes of an object, unchecked. */
  readonly apply: (current: object) => unknown;
  /** What is said twice in it. */
  readonly duplicates: readonly string[];
}

/** The body as a change to the object. */
export function readPatch(request: ApiRequest, resource: Resource): ReadPatch {
  const apply = patchTypes[mediaTypeOf(request)];
  if (!apply) return refuse(unsupportedMediaType([...Object.keys(patchTypes), applyPatchType]));
  const text = request.body ?? '';
  const patch = parseWith(JSON.parse, text);
  return { apply: (current) => refusing(() => apply(resource, current, patch)), duplicates: duplicateKeys(text) };
}

function refusing(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (!isInputError(error)) throw error;
    return refuse(error.code === 'malformed' ? badRequest(error.detail) : unprocessable(error.detail));
  }
}
