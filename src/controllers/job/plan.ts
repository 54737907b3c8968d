import { formatTime, type Job, type Pod, parseTime } from '../../kube/mod.ts';
import { isReady, isTerminating } from '../shared/pods.ts';
import { backoffMs } from './backoff.ts';
import { completedIndexes, formatIndexes, indexOf } from './indexes.ts';

type Status = NonNullable<Job['status']>;
type Condition = NonNullable<Status['conditions']>[number];

/** Holds a Pod of a Job back until its end has been counted: what is gone before would be run again. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';

export interface JobPlan {
  readonly status: Status;
  /** One entry a Pod; the index, of an Indexed Job. */
  readonly create: readonly (number | undefined)[];
  readonly delete: readonly Pod[];
  /** Pods that lose the finalizer, after the status has been written. */
  readonly release: readonly Pod[];
  readonly nextChangeMs: number | undefined;
}

const isTracked = ({ metadata }: Pod) => metadata.finalizers?.includes(trackingFinalizer) ?? false;
const hasSucceeded = ({ status }: Pod) => status?.phase === 'Succeeded';
/** One on its way out counts as failed: nobody waits for what it might still do. */
const hasFailed = (pod: Pod) => pod.status?.phase === 'Failed' || (isTerminating(pod) && !hasSucceeded(pod));

/** What a suspended Job stops has neither succeeded nor failed. */
const isSetAside = ({ spec }: Job, pod: Pod) => spec.suspend === true && isTerminating(pod) && !hasEnded(pod);
const hasEnded = ({ status }: Pod) => status?.phase === 'Succeeded' || status?.phase === 'Failed';

export const isOver = ({ status }: Job): boolean => hasCondition(status, 'Complete') || hasCondition(status, 'Failed');

const hasCondition = (status: Status | undefined, type: string) =>
  status?.conditions?.some((each) => each.type === type && each.status === 'True') ?? false;

/** Upstream's syncJob, as a value. @param pods those that the Job owns */
export function planJob(job: Job, pods: readonly Pod[], nowMs: number): JobPlan {
  const counted = count(job, pods);
  const release = pods.filter(
    (pod) => isTracked(pod) && (counted.seen.has(pod.metadata.uid) || isOver(job) || isSetAside(job, pod)),
  );
  if (isOver(job)) return { status: job.status!, create: [], delete: [], release, nextChangeMs: undefined };
  const active = pods.filter((pod) => !hasSucceeded(pod) && !hasFailed(pod));
  const startTime = job.spec.suspend ? undefined : (job.status?.startTime ?? formatTime(nowMs));
  const verdict = verdictOf(job, counted, active, startTime, nowMs);
  const isStopping = verdict !== undefined || job.spec.suspend === true;
  const wanted = isStopping
    ? { create: [], surplus: active, waitMs: undefined }
    : sizes(job, counted, active, pods, nowMs);
  const isSettled = active.length === 0 && counted.uncounted === undefined;
  const conditions = conditionsOf(job, verdict, isSettled, nowMs);
  const isComplete = conditions.some(({ type }) => type === 'Complete');
  const status: Status = {
    ...(conditions.length > 0 && { conditions }),
    ...(startTime && { startTime }),
    ...(isComplete && { completionTime: formatTime(nowMs) }),
    ...(active.length > 0 && { active: active.length }),
    ...(counted.succeeded > 0 && { succeeded: counted.succeeded }),
    ...(counted.failed > 0 && { failed: counted.failed }),
    ...(counted.indexes.size > 0 && { completedIndexes: formatIndexes(counted.indexes) }),
    ...(counted.uncounted && { uncountedTerminatedPods: counted.uncounted }),
    ready: active.filter(isReady).length,
    terminating: pods.filter((pod) => isTerminating(pod) && !hasSucceeded(pod) && pod.status?.phase !== 'Failed')
      .length,
  };
  const deadlineMs = deadlineOf(job, startTime);
  const waits = [wanted.waitMs, deadlineMs === undefined ? undefined : deadlineMs - nowMs].filter(
    (ms) => ms !== undefined && ms > 0,
  );
  return {
    status,
    create: wanted.create,
    delete: wanted.surplus,
    release,
    nextChangeMs: waits.length > 0 ? Math.min(...(waits as number[])) : undefined,
  };
}

interface Counted {
  readonly succeeded: number;
  readonly failed: number;
  readonly indexes: ReadonlySet<number>;
  readonly uncounted: { succeeded?: string[]; failed?: string[] } | undefined;
  /** Uids that the stored status names already: these may lose their finalizer. */
  readonly seen: ReadonlySet<string>;
}

/**
 * In two steps, so that no crash counts a Pod twice or never: the uid of one that has ended is first written down beside the
 * counts, then its finalizer is taken away, then the uid becomes part of the counts.
 */
function count(job: Job, pods: readonly Pod[]): Counted {
  const { spec, status = {} } = job;
  const tracked = pods.filter(isTracked);
  const before = status.uncountedTerminatedPods ?? {};
  const waiting = (uids: readonly string[] = []) =>
    uids.filter((uid) => tracked.some((pod) => pod.metadata.uid === uid));
  const known = new Set([...(before.succeeded ?? []), ...(before.failed ?? [])]);
  const ended = (is: (pod: Pod) => boolean) =>
    tracked.filter((pod) => is(pod) && !known.has(pod.metadata.uid)).map((pod) => pod.metadata.uid);
  const succeeded = [...waiting(before.succeeded), ...ended(hasSucceeded)];
  const failed = [...waiting(before.failed), ...ended((pod) => hasFailed(pod) && !isSetAside(job, pod))];
  const indexes =
    spec.completionMode === 'Indexed'
      ? completedIndexes(status.completedIndexes, pods.filter(hasSucceeded))
      : new Set<number>();
  const settled = (uids: readonly string[] = []) => uids.length - waiting(uids).length;
  return {
    succeeded: spec.completionMode === 'Indexed' ? indexes.size : (status.succeeded ?? 0) + settled(before.succeeded),
    failed: (status.failed ?? 0) + settled(before.failed),
    indexes,
    uncounted:
      succeeded.length + failed.length === 0
        ? undefined
        : { ...(succeeded.length > 0 && { succeeded }), ...(failed.length > 0 && { failed }) },
    seen: known,
  };
}

const successes = ({ succeeded, indexes, uncounted }: Counted) =>
  indexes.size > 0 ? indexes.size : succeeded + (uncounted?.succeeded?.length ?? 0);
const failures = ({ failed, uncounted }: Counted) => failed + (uncounted?.failed?.length ?? 0);

interface Verdict {
  readonly isSuccess: boolean;
  readonly reason: string;
  readonly message: string;
}

function verdictOf(
  job: Job,
  counted: Counted,
  active: readonly Pod[],
  startTime: string | undefined,
  nowMs: number,
): Verdict | undefined {
  const { completions, backoffLimit = 6, template } = job.spec;
  const stored = job.status?.conditions?.find(({ type }) => type === 'FailureTarget' || type === 'SuccessCriteriaMet');
  if (stored)
    return {
      isSuccess: stored.type === 'SuccessCriteriaMet',
      reason: stored.reason ?? '',
      message: stored.message ?? '',
    };
  const done = successes(counted);
  const isReached = completions === undefined ? done > 0 && active.length === 0 : done >= completions;
  if (isReached)
    return { isSuccess: true, reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' };
  const restarts = template.spec.restartPolicy === 'OnFailure' ? restartsOf(active) : 0;
  if (failures(counted) > backoffLimit || (restarts > 0 && restarts >= backoffLimit))
    return { isSuccess: false, reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  const deadlineMs = deadlineOf(job, startTime);
  return deadlineMs !== undefined && nowMs >= deadlineMs
    ? { isSuccess: false, reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' }
    : undefined;
}

const restartsOf = (pods: readonly Pod[]) =>
  pods
    .flatMap(({ status }) => status?.containerStatuses ?? [])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);

const deadlineOf = ({ spec: { activeDeadlineSeconds } }: Job, startTime: string | undefined): number | undefined =>
  activeDeadlineSeconds === undefined || !startTime
    ? undefined
    : (parseTime(startTime) ?? 0) + activeDeadlineSeconds * 1000;

function sizes(job: Job, counted: Counted, active: readonly Pod[], pods: readonly Pod[], nowMs: number) {
  const { parallelism = 1, completions, podReplacementPolicy } = job.spec;
  const done = successes(counted);
  const wanted =
    completions === undefined ? (done > 0 ? active.length : parallelism) : Math.min(parallelism, completions - done);
  const surplus = active.slice(Math.max(0, wanted));
  const leaving =
    podReplacementPolicy === 'Failed'
      ? pods.filter((pod) => isTerminating(pod) && pod.status?.phase === 'Running').length
      : 0;
  const missing = Math.max(0, wanted - active.length - leaving);
  const waitMs = missing > 0 ? backoffMs(pods.filter(hasFailed), pods.filter(hasSucceeded), nowMs) : 0;
  if (waitMs > 0) return { create: [], surplus, waitMs };
  return { create: placesFor(job, counted, active, missing), surplus, waitMs: undefined };
}

function placesFor(
  { spec }: Job,
  { indexes }: Counted,
  active: readonly Pod[],
  missing: number,
): (number | undefined)[] {
  if (spec.completionMode !== 'Indexed') return Array.from({ length: missing }, () => undefined);
  const taken = new Set([...indexes, ...active.map(indexOf)]);
  const free: number[] = [];
  for (let index = 0; index < (spec.completions ?? 0) && free.length < missing; index++)
    if (!taken.has(index)) free.push(index);
  return free;
}

/** What was decided is said at once, and that it is over when every Pod has ended and is counted. */
function conditionsOf(job: Job, verdict: Verdict | undefined, isSettled: boolean, nowMs: number): Condition[] {
  const conditions = [...(job.status?.conditions ?? [])];
  const set = (type: string, status: 'True' | 'False', reason: string, message: string) => {
    const known = conditions.findIndex((each) => each.type === type);
    if (known >= 0 && conditions[known]!.status === status) return;
    const time = formatTime(nowMs);
    const condition = { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message };
    if (known >= 0) conditions[known] = condition;
    else conditions.push(condition);
  };
  if (verdict) {
    set(verdict.isSuccess ? 'SuccessCriteriaMet' : 'FailureTarget', 'True', verdict.reason, verdict.message);
    if (isSettled) set(verdict.isSuccess ? 'Complete' : 'Failed', 'True', verdict.reason, verdict.message);
  } else if (job.spec.suspend) set('Suspended', 'True', 'JobSuspended', 'Job suspended');
  else if (hasCondition(job.status, 'Suspended')) set('Suspended', 'False', 'JobResumed', 'Job resumed');
  return conditions;
}
