import type { ContainerStatus, Pod } from '../kinds/pod.ts';
import { parseTime } from '../time.ts';
import { ageColumn, type Column, column, nameColumn, none, since, wide } from './column.ts';

export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  column('Ready', 'How many of the containers are ready', (pod) => summarize(pod).ready),
  column('Status', 'The phase of the Pod, or what keeps its containers from running', (pod) => summarize(pod).status),
  column('Restarts', 'How often containers were restarted, and when the last time', (pod, nowMs) =>
    restartsText(summarize(pod), nowMs),
  ),
  ageColumn,
  wide('IP', 'The first address of the Pod', (pod) => pod.status?.podIPs?.[0]?.ip || pod.status?.podIP || none),
  wide('Node', 'The node that runs the Pod', (pod) => pod.spec.nodeName || none),
  wide(
    'Nominated Node',
    'The node that is being made free for the Pod',
    (pod) => pod.status?.nominatedNodeName || none,
  ),
  wide('Readiness Gates', 'How many of the extra conditions for readiness are true', gatesText),
];

interface Summary {
  readonly ready: string;
  readonly status: string;
  readonly restarts: number;
  readonly lastRestart: string | undefined;
}

/** Follows upstream's printPod, down to the order in which a later container's reason covers an earlier one's. */
function summarize(pod: Pod): Summary {
  const sidecars = new Set(
    (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always').map(({ name }) => name),
  );
  const initial = initState(pod, sidecars);
  const started = initial.reason === undefined || isTrue(pod, 'Initialized');
  const containers = pod.status?.containerStatuses ?? [];
  const counted = started
    ? [...(pod.status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)), ...containers]
    : (pod.status?.initContainerStatuses ?? []).slice(0, initial.looked);
  const running = started ? containers.filter(isRunningReady).length : 0;
  return {
    ready: `${initial.readySidecars + running}/${pod.spec.containers.length + sidecars.size}`,
    status: statusOf(pod, initial.reason, started, running > 0),
    restarts: counted.reduce((sum, { restartCount }) => sum + restartCount, 0),
    lastRestart: latest(counted.map(({ lastState }) => lastState?.terminated?.finishedAt)),
  };
}

interface InitState {
  /** `Init:0/2`, `Init:CrashLoopBackOff`; undefined when every init container has done its part. */
  readonly reason: string | undefined;
  readonly readySidecars: number;
  /** How many statuses were looked at before one that holds the others up. */
  readonly looked: number;
}

function initState(pod: Pod, sidecars: ReadonlySet<string>): InitState {
  const statuses = pod.status?.initContainerStatuses ?? [];
  let readySidecars = 0;
  for (const [index, status] of statuses.entries()) {
    if (status.state?.terminated?.exitCode === 0) continue;
    if (sidecars.has(status.name) && status.started) {
      if (status.ready) readySidecars++;
      continue;
    }
    const reason = initReason(status) ?? `${index}/${pod.spec.initContainers?.length ?? 0}`;
    return { reason: `Init:${reason}`, readySidecars, looked: index + 1 };
  }
  return { reason: undefined, readySidecars, looked: statuses.length };
}

function initReason({ state }: ContainerStatus): string | undefined {
  if (state?.terminated) return terminatedReason(state.terminated);
  const waiting = state?.waiting?.reason;
  return waiting && waiting !== 'PodInitializing' ? waiting : undefined;
}

type Terminated = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;

const terminatedReason = ({ reason, signal, exitCode }: Terminated): string =>
  reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);

function statusOf(pod: Pod, initReason: string | undefined, started: boolean, hasRunning: boolean): string {
  const phase = pod.status?.phase ?? '';
  if (pod.metadata.deletionTimestamp) {
    if (pod.status?.reason === 'NodeLost') return 'Unknown';
    if (phase !== 'Succeeded' && phase !== 'Failed') return 'Terminating';
  }
  const reason = (started ? containerReason(pod) : undefined) ?? initReason ?? podReason(pod, phase);
  if (reason !== 'Completed' || !hasRunning) return reason;
  return isTrue(pod, 'Ready') ? 'Running' : 'NotReady';
}

/** The first container's reason counts, as upstream walks them backwards. */
function containerReason(pod: Pod): string | undefined {
  for (const { state } of pod.status?.containerStatuses ?? []) {
    if (state?.waiting?.reason) return state.waiting.reason;
    if (state?.terminated) return terminatedReason(state.terminated);
  }
  return undefined;
}

function podReason(pod: Pod, phase: string): string {
  const isGated = pod.status?.conditions?.some(
    ({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated',
  );
  return isGated ? 'SchedulingGated' : pod.status?.reason || phase;
}

const isRunningReady = ({ ready, state }: ContainerStatus): boolean =>
  ready && state?.running !== undefined && !state.waiting?.reason && !state.terminated;

const isTrue = (pod: Pod, condition: string): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === condition && status === 'True') ?? false;

const latest = (times: readonly (string | undefined)[]): string | undefined =>
  times.reduce(
    (last, time) => (time && (!last || (parseTime(time) ?? 0) > (parseTime(last) ?? 0)) ? time : last),
    undefined,
  );

const restartsText = ({ restarts, lastRestart }: Summary, nowMs: number): string =>
  restarts > 0 && lastRestart ? `${restarts} (${since(lastRestart, nowMs)} ago)` : String(restarts);

function gatesText(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? [];
  if (gates.length === 0) return none;
  return `${gates.filter(({ conditionType }) => isTrue(pod, conditionType)).length}/${gates.length}`;
}
