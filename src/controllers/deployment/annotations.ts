import type { Deployment, ReplicaSet } from '../../kube/mod.ts';
import { limitsOf } from './limits.ts';

type Annotations = Readonly<Record<string, string>>;

/** Which rollout this was; `kubectl rollout history` and `undo` read it. */
export const revisionAnnotation = 'deployment.kubernetes.io/revision';
/** The revisions that a ReplicaSet was before, when a rollback made it the current one again. */
const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
/** The Deployment's replicas when the ReplicaSet was last sized: when it differs, the Deployment was scaled. */
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';

/** Annotations that say something about the Deployment only (upstream's annotationsToSkip). */
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  'deprecated.deployment.rollback.to',
]);

export const revisionOf = ({ metadata }: { readonly metadata: { readonly annotations?: Annotations } }): number =>
  Number(metadata.annotations?.[revisionAnnotation]) || 0;

/** What every ReplicaSet that the Deployment sizes bears. */
export const sizeAnnotations = (deployment: Deployment): Annotations => ({
  [desiredReplicasAnnotation]: String(deployment.spec.replicas),
  [maxReplicasAnnotation]: String(deployment.spec.replicas + limitsOf(deployment).maxSurge),
});

/** What the ReplicaSet with the Deployment's template bears: its revision is above those of all `others`. */
export function currentAnnotations(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  others: readonly ReplicaSet[],
): Annotations {
  const before = current?.metadata.annotations ?? {};
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => !notCopied.has(name));
  return {
    ...before,
    ...Object.fromEntries(copied),
    ...revisionAnnotations(before, others),
    ...sizeAnnotations(deployment),
  };
}

function revisionAnnotations(before: Annotations, others: readonly ReplicaSet[]): Annotations {
  const old = Number(before[revisionAnnotation]) || 0;
  const next = Math.max(0, ...others.map(revisionOf)) + 1;
  if (old >= next) return {};
  if (old === 0) return { [revisionAnnotation]: String(next) };
  const history = [before[revisionHistoryAnnotation], String(old)].filter(Boolean).join(',');
  return { [revisionAnnotation]: String(next), [revisionHistoryAnnotation]: history };
}
