import type { Pod } from '../../kube/mod.ts';
import { isFinished, isTerminating } from '../shared/pods.ts';

/** Why a Pod is collected; the text is the reason in its condition. */
export type GarbageReason = 'OrphanedOnMissingNode' | 'UnscheduledTerminating' | 'Finished';

/**
 * @param isNodeKnown whether the node exists, or has been missing only for a moment
 * @param maxFinished so many ended Pods are kept for those who want to read their logs
 */
export function findGarbage(
  pods: readonly Pod[],
  isNodeKnown: (name: string) => boolean,
  maxFinished: number,
): Map<Pod, GarbageReason> {
  const garbage = new Map<Pod, GarbageReason>();
  for (const pod of pods) {
    if (pod.spec.nodeName && !isNodeKnown(pod.spec.nodeName)) garbage.set(pod, 'OrphanedOnMissingNode');
    else if (!pod.spec.nodeName && isTerminating(pod)) garbage.set(pod, 'UnscheduledTerminating');
  }
  const finished = pods.filter((pod) => isFinished(pod) && !isTerminating(pod) && !garbage.has(pod));
  for (const pod of oldestFirst(finished).slice(0, Math.max(0, finished.length - maxFinished)))
    garbage.set(pod, 'Finished');
  return garbage;
}

const oldestFirst = (pods: Pod[]): Pod[] =>
  pods.sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));

/** The Pod as it is shown before it is removed from a node that no longer exists: nobody else will say that it ended. */
export function failedPod(pod: Pod, time: string): Pod {
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget');
  const target = {
    type: 'DisruptionTarget',
    status: 'True' as const,
    lastTransitionTime: time,
    reason: 'DeletionByPodGC',
    message: 'PodGC: node no longer exists',
  };
  return { ...pod, status: { ...pod.status, phase: 'Failed', conditions: [...others, target] } };
}
