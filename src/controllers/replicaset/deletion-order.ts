import { type Pod, parseTime } from '../../kube/mod.ts';
import { isReady, podCondition } from '../shared/pods.ts';

/** Lower goes first. */
type Rank = (pod: Pod) => number;

const phaseRanks: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
const costAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

/**
 * The Pods in the order in which a ReplicaSet that has too many deletes them: upstream's ActivePodsWithRanks
 * (pkg/controller/controller_utils.go), from the least to the most useful.
 */
export function deletionOrder(pods: readonly Pod[], nowMs: number): Pod[] {
  const podsByNode = Map.groupBy(pods, ({ spec }) => spec.nodeName ?? '');
  const ranks: Rank[] = [
    ({ spec }) => (spec.nodeName ? 1 : 0),
    ({ status }) => phaseRanks[status?.phase ?? 'Pending'] ?? 1,
    (pod) => (isReady(pod) ? 1 : 0),
    ({ metadata }) => Number.parseInt(metadata.annotations?.[costAnnotation] ?? '0', 10) || 0,
    ({ spec }) => -podsByNode.get(spec.nodeName ?? '')!.length,
    (pod) => ageRank(podCondition(pod, 'Ready')?.lastTransitionTime, nowMs),
    (pod) => -restartsOf(pod),
    ({ metadata }) => ageRank(metadata.creationTimestamp, nowMs),
  ];
  // The last word makes the order the same on every attempt.
  return [...pods].sort((a, b) => compareBy(ranks, a, b) || (a.metadata.uid < b.metadata.uid ? -1 : 1));
}

function compareBy(ranks: readonly Rank[], a: Pod, b: Pod): number {
  for (const rank of ranks) {
    const difference = rank(a) - rank(b);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The age's order of magnitude: Pods that are about as old count as equal, so that the choice is spread. */
function ageRank(time: string | undefined, nowMs: number): number {
  const ageSeconds = (nowMs - ((time && parseTime(time)) || nowMs)) / 1000;
  return ageSeconds < 1 ? 0 : Math.ceil(Math.log2(ageSeconds + 1));
}

const restartsOf = ({ status }: Pod): number =>
  (status?.containerStatuses ?? []).reduce((most, { restartCount }) => Math.max(most, restartCount), 0);
