import type { Deployment, ReplicaSet } from '../../kube/mod.ts';
import { canonical, contentHash } from '../shared/content-hash.ts';

type Template = Deployment['spec']['template'];

/** On every ReplicaSet of a Deployment and its Pods, so that the selectors of two of them never meet. */
export const hashLabel = 'pod-template-hash';

/** A name for the template's content; two templates of one Deployment that share it are told apart by `collisionCount`. */
export const templateHash = (template: Template, collisionCount = 0): string =>
  contentHash(withoutHash(template), collisionCount);

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
