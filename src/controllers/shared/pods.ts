import { type Pod, type PodCondition, parseTime } from '../../kube/mod.ts';

export const podCondition = (pod: Pod, type: string): PodCondition | undefined =>
  pod.status?.conditions?.find((condition) => condition.type === type);

export const isReady = (pod: Pod): boolean => podCondition(pod, 'Ready')?.status === 'True';

/** All its containers have ended for good. */
export const isFinished = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

export const isTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;

/** Counts as one of its owner's replicas. */
export const isActive = (pod: Pod): boolean => !isFinished(pod) && !isTerminating(pod);

/** Milliseconds until the Pod has been ready for so long, 0 when it has; undefined when it is not ready. */
export function availableInMs(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  if (!isReady(pod)) return undefined;
  if (minReadySeconds === 0) return 0;
  const since = podCondition(pod, 'Ready')?.lastTransitionTime;
  const sinceMs = (since && parseTime(since)) || nowMs;
  return Math.max(0, sinceMs + minReadySeconds * 1000 - nowMs);
}
