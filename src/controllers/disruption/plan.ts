import {
  formatTime,
  matchesSelector,
  type Pod,
  type PodDisruptionBudget,
  parseTime,
  resolveIntOrPercent,
} from '../../kube/mod.ts';
import { isFinished, isReady, isTerminating } from '../shared/pods.ts';

type Status = NonNullable<PodDisruptionBudget['status']>;

/** So long an eviction that was granted counts before the Pod is seen to go (upstream's DeletionTimeout). */
const graceMs = 120_000;

export interface BudgetPlan {
  readonly status: Status;
  /** When the first grant that came to nothing is forgotten. */
  readonly nextChangeMs: number | undefined;
}

export const isCovered = ({ spec }: PodDisruptionBudget, pod: Pod): boolean =>
  spec?.selector !== undefined && matchesSelector(spec.selector, pod.metadata.labels);

/**
 * How many Pods a budget can do without just now (upstream's trySync).
 * @param pods those that it covers
 * @param scale how many there ought to be, by what made them
 */
export function planBudget(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  scale: number,
  nowMs: number,
): BudgetPlan {
  const grants = openGrants(budget, pods, nowMs);
  const counted = pods.filter((pod) => !isFinished(pod));
  const { expected, desired } = wantedOf(budget, counted.length, scale);
  const healthy = counted.filter((pod) => isReady(pod) && !isTerminating(pod) && !grants.has(pod.metadata.name)).length;
  const allowed = expected > 0 ? Math.max(0, healthy - desired) : 0;
  const ends = [...grants.values()].map((time) => (parseTime(time) ?? 0) + graceMs - nowMs);
  return {
    status: {
      observedGeneration: budget.metadata.generation ?? 0,
      ...(grants.size > 0 && { disruptedPods: Object.fromEntries(grants) }),
      disruptionsAllowed: allowed,
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      conditions: [conditionOf(budget, allowed, nowMs)],
    },
    nextChangeMs: ends.length > 0 ? Math.max(0, Math.min(...ends)) : undefined,
  };
}

/** Pods whose eviction was granted and which are not on their way out yet. */
function openGrants({ status }: PodDisruptionBudget, pods: readonly Pod[], nowMs: number): Map<string, string> {
  const there = new Map(pods.map((pod) => [pod.metadata.name, pod]));
  const granted = Object.entries(status?.disruptedPods ?? {});
  return new Map(
    granted.filter(([name, time]) => {
      const pod = there.get(name);
      return pod && !isTerminating(pod) && (parseTime(time) ?? 0) + graceMs > nowMs;
    }),
  );
}

/** A number of Pods to keep needs no more than the Pods; a share, or a number to lose, is of what there ought to be. */
function wantedOf({ spec }: PodDisruptionBudget, count: number, scale: number): { expected: number; desired: number } {
  const { minAvailable, maxUnavailable } = spec ?? {};
  if (maxUnavailable !== undefined)
    return { expected: scale, desired: Math.max(0, scale - resolveIntOrPercent(maxUnavailable, scale, true)) };
  if (typeof minAvailable === 'string')
    return { expected: scale, desired: resolveIntOrPercent(minAvailable, scale, true) };
  return { expected: count, desired: minAvailable ?? 1 };
}

function conditionOf({ metadata, status }: PodDisruptionBudget, allowed: number, nowMs: number) {
  const type = 'DisruptionAllowed';
  const is = allowed > 0 ? ('True' as const) : ('False' as const);
  const known = status?.conditions?.find((condition) => condition.type === type);
  return {
    type,
    status: is,
    reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    observedGeneration: metadata.generation ?? 0,
    lastTransitionTime: known?.status === is && known.lastTransitionTime ? known.lastTransitionTime : formatTime(nowMs),
  };
}
