import {
  type ContainerState,
  type ContainerStatus,
  formatTime,
  type PodCondition,
  type PodStatus,
  qosClassOf,
} from '../../kube/mod.ts';
import { mayRestartAtMs } from './back-off.ts';
import { isOver, type Phase, phaseOf } from './phase.ts';
import { type Attempt, type ContainerView, isInitialized, isRunning, type PodView, restarts } from './view.ts';

export interface StatusFacts {
  readonly podName: string;
  readonly nodeAddress: string;
  readonly runtimeName: string;
  /** When this agent accepted the Pod. */
  readonly startTime: string;
  /** What the API has now: conditions keep their time as long as they keep their status, others' are left alone. */
  readonly known: PodStatus | undefined;
}

/** status of the Pod, all of it. */
export function statusOf(view: PodView, facts: StatusFacts): PodStatus {
  const phase = phaseOf(view);
  const address = view.spec.hostNetwork ? facts.nodeAddress : view.sandbox?.address;
  const init = view.containers.filter(({ role }) => role !== 'main');
  const main = view.containers.filter(({ role }) => role === 'main');
  const toStatus = (container: ContainerView) => containerStatus(view, container, phase, facts);
  return {
    phase,
    conditions: conditionsOf(view, phase, facts),
    ...view.failure,
    hostIP: facts.nodeAddress,
    hostIPs: [{ ip: facts.nodeAddress }],
    ...(address === undefined ? {} : { podIP: address, podIPs: [{ ip: address }] }),
    startTime: facts.startTime,
    ...(init.length > 0 ? { initContainerStatuses: init.map(toStatus) } : {}),
    containerStatuses: main.map(toStatus),
    qosClass: qosClassOf(view.spec),
  };
}

export const isReady = (container: ContainerView): boolean =>
  isRunning(container) && container.started && container.passesReadiness;

function containerStatus(view: PodView, container: ContainerView, phase: Phase, facts: StatusFacts): ContainerStatus {
  const { spec, current, previous, role } = container;
  const waiting = waitingReason(view, container, phase, facts.podName);
  const ended = waiting ? current : previous;
  const ready = role === 'init' ? current?.exit?.code === 0 : isReady(container);
  return {
    name: spec.name,
    state: waiting ? { waiting } : stateOf(current!, facts),
    ...(ended?.exit ? { lastState: stateOf(ended, facts) } : {}),
    ready,
    restartCount: current?.attempt ?? 0,
    image: spec.image ?? '',
    imageID: '',
    ...(current?.id ? { containerID: `${facts.runtimeName}://${current.id}` } : {}),
    started: isRunning(container) && container.started,
  };
}

function waitingReason(
  view: PodView,
  container: ContainerView,
  phase: Phase,
  podName: string,
): { reason: string; message?: string } | undefined {
  const { current, obstacle, spec, backOff } = container;
  if (isRunning(container)) return undefined;
  if (obstacle && !isOver(phase)) return { reason: obstacle.reason, message: obstacle.message };
  if (!current)
    return { reason: isOver(phase) || !waitsForInit(view, container) ? 'ContainerCreating' : 'PodInitializing' };
  if (isOver(phase) || view.deleting || !restarts(view, container)) return undefined;
  if (mayRestartAtMs(backOff, current.exit!.finishedAtMs) <= view.nowMs) return undefined;
  return {
    reason: 'CrashLoopBackOff',
    message: `back-off ${backOff!.delayMs / 1000}s restarting failed container=${spec.name} pod=${podName}`,
  };
}

const waitsForInit = (view: PodView, container: ContainerView) =>
  container.role === 'main' && view.containers.some((other) => other.role !== 'main' && !isInitialized(view, other));

function stateOf({ id, startedAtMs, exit, reason, message }: Attempt, { runtimeName }: StatusFacts): ContainerState {
  const startedAt = formatTime(startedAtMs);
  if (!exit) return { running: { startedAt } };
  return {
    terminated: {
      exitCode: exit.code,
      reason: reason ?? (exit.code === 0 ? 'Completed' : 'Error'),
      ...(message === undefined ? {} : { message }),
      startedAt,
      finishedAt: formatTime(exit.finishedAtMs),
      ...(id ? { containerID: `${runtimeName}://${id}` } : {}),
    },
  };
}

/** Reasons and messages are kubelet's (pkg/kubelet/status/generate.go). */
function conditionsOf(view: PodView, phase: Phase, facts: StatusFacts): PodCondition[] {
  const init = view.containers.filter(({ role }) => role !== 'main');
  const incomplete = init.filter((container) => !isInitialized(view, container) && phase !== 'Succeeded');
  const own = [
    verdict('PodReadyToStartContainers', view.sandbox?.ready ?? false),
    phase === 'Succeeded'
      ? verdict('Initialized', true, 'PodCompleted')
      : verdict(
          'Initialized',
          incomplete.length === 0,
          ...listing('ContainersNotInitialized', 'incomplete', incomplete),
        ),
    readiness('ContainersReady', view, phase),
    readiness('Ready', view, phase, facts.known),
    verdict('PodScheduled', true),
  ];
  const known = facts.known?.conditions ?? [];
  const types = new Set(own.map(({ type }) => type));
  return [
    ...own.map((condition) => withTime(condition, known, view.nowMs)),
    ...known.filter(({ type }) => !types.has(type)),
  ];
}

function readiness(type: string, view: PodView, phase: Phase, gated?: StatusFacts['known']): PodCondition {
  if (phase === 'Succeeded') return verdict(type, false, 'PodCompleted');
  if (phase === 'Failed') return verdict(type, false, 'PodFailed');
  const unready = view.containers.filter((container) => container.role !== 'init' && !isReady(container));
  if (unready.length > 0) return verdict(type, false, ...listing('ContainersNotReady', 'unready', unready));
  const holds = (gate: string) =>
    gated?.conditions?.some((condition) => condition.type === gate && condition.status === 'True');
  const gates = type === 'Ready' ? (view.spec.readinessGates ?? []).filter((gate) => !holds(gate.conditionType)) : [];
  if (gates.length === 0) return verdict(type, true);
  const missing = gates.map((gate) => `the status of pod readiness gate "${gate.conditionType}" is not "True"`);
  return verdict(type, false, 'ReadinessGatesNotReady', missing.join(', '));
}

const listing = (reason: string, word: string, containers: readonly ContainerView[]): [string?, string?] =>
  containers.length === 0
    ? []
    : [reason, `containers with ${word} status: [${containers.map(({ spec }) => spec.name).join(' ')}]`];

const verdict = (type: string, holds: boolean, reason?: string, message?: string): PodCondition => ({
  type,
  status: holds ? 'True' : 'False',
  ...(reason === undefined ? {} : { reason }),
  ...(message === undefined ? {} : { message }),
});

function withTime(condition: PodCondition, known: readonly PodCondition[], nowMs: number): PodCondition {
  const before = known.find(({ type }) => type === condition.type);
  const lastTransitionTime =
    before?.status === condition.status && before.lastTransitionTime !== undefined
      ? before.lastTransitionTime
      : formatTime(nowMs);
  return { ...condition, lastTransitionTime };
}
