import { isDeepStrictEqual } from 'node:util';
import { formatTime, matchesLabels, type Pod, type ReplicaSet, requirementsOfMap } from '../../kube/mod.ts';
import { availableInMs, isActive, isReady } from '../shared/pods.ts';
import { deletionOrder } from './deletion-order.ts';

export interface ReplicaPlan {
  /** How many Pods to create. */
  readonly create: number;
  readonly delete: readonly Pod[];
}

/** Pods created or deleted at once; the rest follows when these are seen (upstream's BurstReplicas). */
export const burstReplicas = 500;

/** @param pods those that the ReplicaSet owns */
export function planReplicas(replicaSet: ReplicaSet, pods: readonly Pod[], nowMs: number): ReplicaPlan {
  if (replicaSet.metadata.deletionTimestamp) return { create: 0, delete: [] };
  const active = pods.filter(isActive);
  const missing = replicaSet.spec.replicas - active.length;
  if (missing >= 0) return { create: Math.min(missing, burstReplicas), delete: [] };
  return { create: 0, delete: deletionOrder(active, nowMs).slice(0, Math.min(-missing, burstReplicas)) };
}

type Status = NonNullable<ReplicaSet['status']>;

export interface StatusPlan {
  readonly status: Status;
  /** When a ready Pod will have been ready for minReadySeconds. */
  readonly nextChangeMs: number | undefined;
}

/**
 * @param pods those that the ReplicaSet owns
 * @param failure why Pods could not be created or deleted just now
 */
export function planStatus(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  nowMs: number,
  failure: { readonly reason: string; readonly message: string } | undefined,
): StatusPlan {
  const active = pods.filter(isActive);
  const template = requirementsOfMap(replicaSet.spec.template.metadata?.labels ?? {});
  const waits = active.flatMap((pod) => availableInMs(pod, replicaSet.spec.minReadySeconds ?? 0, nowMs) ?? []);
  const conditions = conditionsOf(replicaSet.status, failure, nowMs);
  const status = {
    replicas: active.length,
    fullyLabeledReplicas: active.filter((pod) => matchesLabels(template, pod.metadata.labels)).length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: waits.filter((waitMs) => waitMs === 0).length,
    observedGeneration: replicaSet.metadata.generation ?? 0,
    ...(conditions.length > 0 ? { conditions } : {}),
  };
  const later = waits.filter((waitMs) => waitMs > 0);
  return { status, nextChangeMs: later.length > 0 ? Math.min(...later) : undefined };
}

export const isSameStatus = (a: Status | undefined, b: Status): boolean => isDeepStrictEqual(a, b);

function conditionsOf(
  status: Status | undefined,
  failure: { readonly reason: string; readonly message: string } | undefined,
  nowMs: number,
): NonNullable<Status['conditions']> {
  const others = (status?.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure');
  if (!failure) return others;
  const known = status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
  if (known?.reason === failure.reason) return [...others, known];
  const lastTransitionTime = formatTime(nowMs);
  return [...others, { type: 'ReplicaFailure', status: 'True', lastTransitionTime, ...failure }];
}
