import type { Deployment, ReplicaSet } from '../../kube/mod.ts';

type Template = Deployment['spec']['template'];

/** On every ReplicaSet of a Deployment and its Pods, so that the selectors of two of them never meet. */
export const hashLabel = 'pod-template-hash';

/** Letters of upstream's SafeEncodeString: no vowels, so no words. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * A name for the template's content: the same for the same content, however its fields are ordered. FNV-1a, 32 bits;
 * two templates of one Deployment that share it are told apart by `collisionCount`.
 */
export function templateHash(template: Template, collisionCount = 0): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${canonical(withoutHash(template))}${collisionCount || ''}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return [...String(hash)].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join('');
}

/** Equal but for the label that the Deployment controller added (upstream's EqualIgnoreHash). */
export const isSameTemplate = (a: Template, b: Template): boolean =>
  canonical(withoutHash(a)) === canonical(withoutHash(b));

/** The template with the label added. */
export const withHash = (template: Template, hash: string): Template => ({
  ...template,
  metadata: { ...template.metadata, labels: { ...template.metadata?.labels, [hashLabel]: hash } },
});

/** The oldest ReplicaSet with the Deployment's template: the one that its Pods are to come from. */
export const findCurrent = (deployment: Deployment, replicaSets: readonly ReplicaSet[]): ReplicaSet | undefined =>
  oldestFirst(replicaSets).find(({ spec }) => isSameTemplate(spec.template, deployment.spec.template));

export const oldestFirst = (replicaSets: readonly ReplicaSet[]): ReplicaSet[] =>
  [...replicaSets].sort(
    (a, b) =>
      compare(a.metadata.creationTimestamp, b.metadata.creationTimestamp) || compare(a.metadata.name, b.metadata.name),
  );

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function withoutHash(template: Template): Template {
  const { creationTimestamp: _time, labels, ...metadata } = template.metadata ?? {};
  const { [hashLabel]: _hash, ...others } = labels ?? {};
  return { ...template, metadata: { ...metadata, labels: others } };
}

/** JSON with sorted names, without what is undefined. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, part) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => compare(a, b)))
      : part,
  );
}
