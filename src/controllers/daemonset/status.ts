import type { DaemonSet, Pod } from '../../kube/mod.ts';
import { availableInMs, isReady } from '../shared/pods.ts';
import { revisionOf } from '../shared/revisions.ts';
import type { Place } from './plan.ts';

type Status = NonNullable<DaemonSet['status']>;

export interface StatusPlan {
  readonly status: Status;
  /** When a ready Pod will have been ready for minReadySeconds. */
  readonly nextChangeMs: number | undefined;
}

/** Of several Pods on one node the oldest counts (upstream's updateDaemonSetStatus). */
export function planStatus(set: DaemonSet, places: readonly Place[], hash: string, nowMs: number): StatusPlan {
  const wanted = places.filter(({ fit }) => fit.shouldRun);
  const pods = wanted.flatMap(({ pods: [oldest] }): Pod[] => (oldest ? [oldest] : []));
  const waits = pods.flatMap((pod) => availableInMs(pod, set.spec.minReadySeconds ?? 0, nowMs) ?? []);
  const available = waits.filter((waitMs) => waitMs === 0).length;
  const later = waits.filter((waitMs) => waitMs > 0);
  const status = {
    currentNumberScheduled: pods.length,
    numberMisscheduled: places.filter(({ fit, pods: there }) => !fit.shouldRun && there.length > 0).length,
    desiredNumberScheduled: wanted.length,
    numberReady: pods.filter(isReady).length,
    observedGeneration: set.metadata.generation ?? 0,
    updatedNumberScheduled: pods.filter((pod) => revisionOf(pod) === hash).length,
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
    ...(set.status?.collisionCount !== undefined && { collisionCount: set.status.collisionCount }),
  };
  return { status, nextChangeMs: later.length > 0 ? Math.min(...later) : undefined };
}
