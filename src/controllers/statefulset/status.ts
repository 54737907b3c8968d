import type { Pod, StatefulSet } from '../../kube/mod.ts';
import { availableInMs, isFinished, isReady, isTerminating } from '../shared/pods.ts';
import { revisionOf } from '../shared/revisions.ts';
import type { Revisions } from './plan.ts';

type Status = NonNullable<StatefulSet['status']>;

export interface StatusPlan {
  readonly status: Status;
  /** When a ready Pod will have been ready for minReadySeconds. */
  readonly nextChangeMs: number | undefined;
}

/** @param pods those that the StatefulSet owns */
export function planStatus(set: StatefulSet, pods: readonly Pod[], revisions: Revisions, nowMs: number): StatusPlan {
  const { current, update } = revisions;
  const ready = pods.filter((pod) => isReady(pod) && !isFinished(pod) && !isTerminating(pod));
  const waits = ready.map((pod) => availableInMs(pod, set.spec.minReadySeconds ?? 0, nowMs) ?? 0);
  const of = (name: string) => pods.filter((pod) => !isTerminating(pod) && revisionOf(pod) === name).length;
  const counts = {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: pods.length,
    readyReplicas: ready.length,
    currentReplicas: of(current.metadata.name),
    updatedReplicas: of(update.metadata.name),
    availableReplicas: waits.filter((waitMs) => waitMs === 0).length,
    ...(set.status?.collisionCount !== undefined && { collisionCount: set.status.collisionCount }),
  };
  const later = waits.filter((waitMs) => waitMs > 0);
  return {
    status: withRevisions(set, counts, revisions),
    nextChangeMs: later.length > 0 ? Math.min(...later) : undefined,
  };
}

/** When every Pod is of the new template and ready, it is the current one (upstream's completeRollingUpdate). */
function withRevisions(set: StatefulSet, counts: Status, { current, update }: Revisions): Status {
  const names = { currentRevision: current.metadata.name, updateRevision: update.metadata.name };
  const isDone = counts.updatedReplicas === counts.replicas && counts.readyReplicas === counts.replicas;
  if (set.spec.updateStrategy.type !== 'RollingUpdate' || !isDone) return { ...counts, ...names };
  return {
    ...counts,
    ...names,
    currentReplicas: counts.updatedReplicas,
    currentRevision: names.updateRevision,
  } as Status;
}
