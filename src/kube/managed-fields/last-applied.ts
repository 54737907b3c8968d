import type { KubeObject } from '../meta.ts';
import { isRecord } from '../prune.ts';
import { apiVersionOf, type Resource } from '../resource.ts';
import { compareFields } from './compare-fields.ts';
import { difference, type FieldSet, isMember, union } from './field-set.ts';
import { fieldsOf } from './fields-of.ts';

/** The only manager for whom the annotation of client-side apply counts (upstream's lastAppliedManager). */
export const lastAppliedManager = 'kubectl';
const annotation = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Which fields kubectl may take over without force: those that its last client-side apply has set and that still are as it
 * set them. Undefined: there is no such apply to go by.
 */
export function allowedByLastApplied(
  resource: Resource,
  live: KubeObject,
): ((path: readonly string[]) => boolean) | undefined {
  const last = parseObject(live.metadata.annotations?.[annotation]);
  if (last?.apiVersion !== apiVersionOf(resource)) return undefined;
  const { added, modified, removed } = compareFields(resource.schema, last, live);
  const allowed = difference(fieldsOf(resource.schema, last), union(union(added, modified), removed));
  return (path) => has(allowed, path);
}

function has(set: FieldSet, path: readonly string[]): boolean {
  let branch: FieldSet | undefined = set;
  for (const element of path) branch = branch?.[element];
  return branch !== undefined && isMember(branch);
}

function parseObject(text: string | undefined): Record<string, unknown> | undefined {
  if (!text) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** An object that has the annotation keeps it up to date, so that the way back to client-side apply stays open. */
export function withLastApplied(object: KubeObject, config: KubeObject): KubeObject {
  const { annotations } = object.metadata;
  if (!annotations?.[annotation]) return object;
  const { [annotation]: _, ...own } = config.metadata.annotations ?? {};
  const metadata = { ...config.metadata, ...(config.metadata.annotations && { annotations: own }) };
  const text = `${JSON.stringify({ ...config, metadata })}\n`;
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [annotation]: text } } };
}
