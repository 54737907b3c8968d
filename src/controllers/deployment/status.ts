import { type Deployment, formatTime, parseTime, type ReplicaSet } from '../../kube/mod.ts';
import { limitsOf } from './limits.ts';
import { sumAvailable, sumReplicas } from './sizes.ts';

export type Status = NonNullable<Deployment['status']>;
type Condition = NonNullable<Status['conditions']>[number];
type Verdict = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

export interface StatusPlan {
  readonly status: Status;
  /** When the rollout will have taken too long, should nothing happen. */
  readonly nextChangeMs: number | undefined;
}

/** @param isCreated the current ReplicaSet is being created just now */
export function planStatus(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  nowMs: number,
  isCreated = false,
): StatusPlan {
  const counts = countsOf(current, old);
  const before = deployment.status?.conditions ?? [];
  const progress = progressOf(deployment, counts, current, nowMs, isCreated);
  const failure = [...old, ...(current ? [current] : [])]
    .flatMap(({ status }) => status?.conditions ?? [])
    .find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  const verdicts = [
    availability(deployment, counts.availableReplicas),
    ...(progress ? [progress] : []),
    ...(failure ? [verdict('ReplicaFailure', 'True', failure.reason ?? '', failure.message ?? '')] : []),
  ];
  const conditions = verdicts.map((now) => conditionOf(now, before, nowMs, hasAdvanced(deployment.status, counts)));
  const status = {
    ...counts,
    observedGeneration: deployment.metadata.generation ?? 0,
    ...(deployment.status?.collisionCount === undefined ? {} : { collisionCount: deployment.status.collisionCount }),
    conditions,
  };
  return { status, nextChangeMs: deadlineInMs(deployment, conditions, counts, nowMs) };
}

type Counts = ReturnType<typeof countsOf>;

function countsOf(current: ReplicaSet | undefined, old: readonly ReplicaSet[]) {
  const all = current ? [...old, current] : [...old];
  const sum = (field: 'replicas' | 'readyReplicas') =>
    all.reduce((total, { status }) => total + (status?.[field] ?? 0), 0);
  const availableReplicas = sumAvailable(all);
  return {
    replicas: sum('replicas'),
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: sum('readyReplicas'),
    availableReplicas,
    unavailableReplicas: Math.max(0, sumReplicas(all) - availableReplicas),
  };
}

const verdict = (type: string, status: 'True' | 'False' | 'Unknown', reason: string, message: string): Verdict => ({
  type,
  status,
  reason,
  message,
});

function availability(deployment: Deployment, available: number): Verdict {
  return available >= deployment.spec.replicas - limitsOf(deployment).maxUnavailable
    ? verdict('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
    : verdict('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.');
}

/** Upstream's DeploymentComplete, but for the generation, which the caller writes with it. */
export const isComplete = (
  { spec }: Deployment,
  counts: Omit<Counts, 'unavailableReplicas' | 'readyReplicas'>,
): boolean =>
  counts.updatedReplicas === spec.replicas &&
  counts.replicas === spec.replicas &&
  counts.availableReplicas === spec.replicas;

/** Upstream's DeploymentProgressing. */
function hasAdvanced(before: Status | undefined, now: Counts): boolean {
  const { updatedReplicas = 0, replicas = 0, readyReplicas = 0, availableReplicas = 0 } = before ?? {};
  return (
    now.updatedReplicas > updatedReplicas ||
    now.replicas - now.updatedReplicas < replicas - updatedReplicas ||
    now.readyReplicas > readyReplicas ||
    now.availableReplicas > availableReplicas
  );
}

function progressOf(
  deployment: Deployment,
  counts: Counts,
  current: ReplicaSet | undefined,
  nowMs: number,
  isCreated: boolean,
): Verdict | undefined {
  const known = deployment.status?.conditions?.find(({ type }) => type === 'Progressing');
  const subject = current ? `ReplicaSet "${current.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  if (isCreated)
    return verdict(
      'Progressing',
      'True',
      'NewReplicaSetCreated',
      `Created new replica set "${current?.metadata.name}"`,
    );
  if (deployment.spec.paused) return pausedProgress(known);
  if (known?.reason === 'DeploymentPaused')
    return verdict('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed');
  if (isComplete(deployment, counts)) {
    return verdict('Progressing', 'True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`);
  }
  // A complete Deployment whose Pod broke later is not a rollout again.
  const wasComplete = known?.reason === 'NewReplicaSetAvailable' && counts.replicas === counts.updatedReplicas;
  if (wasComplete) return known;
  if (hasAdvanced(deployment.status, counts)) {
    return verdict('Progressing', 'True', 'ReplicaSetUpdated', `${subject} is progressing.`);
  }
  if (known && (deadlineLeftMs(deployment, known, nowMs) ?? 1) <= 0) {
    return verdict('Progressing', 'False', 'ProgressDeadlineExceeded', `${subject} has timed out progressing.`);
  }
  return (
    known ??
    (current &&
      verdict('Progressing', 'True', 'FoundNewReplicaSet', `Found new replica set "${current.metadata.name}"`))
  );
}

/** Once shown to be too late, a paused Deployment stays that. */
const pausedProgress = (known: Condition | undefined): Verdict =>
  known?.reason === 'ProgressDeadlineExceeded'
    ? known
    : verdict('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused');

/** Times change only with what the condition says; progress that goes on counts as news of its own. */
function conditionOf(now: Verdict, before: readonly Condition[], nowMs: number, advanced: boolean): Condition {
  const known = before.find(({ type }) => type === now.type);
  const isNews = known?.status !== now.status || known?.reason !== now.reason;
  const goesOn = now.reason === 'ReplicaSetUpdated' && advanced;
  if (known && !isNews && !goesOn) return { ...known, ...(now.message === undefined ? {} : { message: now.message }) };
  const time = formatTime(nowMs);
  const { type, status, reason = '', message = '' } = now;
  const lastTransitionTime = known?.status === status ? (known.lastTransitionTime ?? time) : time;
  return { type, status, lastUpdateTime: time, lastTransitionTime, reason, message };
}

function deadlineLeftMs({ spec }: Deployment, { lastUpdateTime }: Condition, nowMs: number): number | undefined {
  // Upstream's "no deadline" is the largest int32.
  const seconds = spec.progressDeadlineSeconds ?? 2_147_483_647;
  const sinceMs = lastUpdateTime === undefined ? undefined : parseTime(lastUpdateTime);
  return seconds === 2_147_483_647 || sinceMs === undefined ? undefined : sinceMs + seconds * 1000 - nowMs;
}

function deadlineInMs(deployment: Deployment, conditions: readonly Condition[], counts: Counts, nowMs: number) {
  const progress = conditions.find(({ type }) => type === 'Progressing');
  if (progress?.status !== 'True' || isComplete(deployment, counts)) return undefined;
  const leftMs = deadlineLeftMs(deployment, progress, nowMs);
  return leftMs === undefined || leftMs <= 0 ? undefined : leftMs;
}
