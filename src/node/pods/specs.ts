import { type Container, type Pod, parseTime } from '../../kube/mod.ts';
import type { Catalogue } from '../runtime/catalogue.ts';
import type { Attempt, ContainerView } from './view.ts';

/** A container as it is run here. */
export interface ContainerRole {
  readonly spec: Container;
  readonly role: ContainerView['role'];
}

/** Init containers in their order, then the others. */
export function specsOf(pod: Pod, catalogue: Catalogue): ContainerRole[] {
  const init = (pod.spec.initContainers ?? []).map((spec) => ({
    spec,
    role: spec.restartPolicy === 'Always' ? ('sidecar' as const) : ('init' as const),
  }));
  return [
    ...init,
    ...pod.spec.containers.map((spec) => ({ spec: withImageProbe(spec, catalogue), role: 'main' as const })),
  ];
}

/** See CatalogueEntry.readyPort. */
function withImageProbe(spec: Container, catalogue: Catalogue): Container {
  const hasOwn = spec.readinessProbe || spec.startupProbe || spec.command?.length || spec.args?.length;
  const port = hasOwn ? undefined : catalogue.find(spec.image ?? '')?.readyPort;
  if (port === undefined) return spec;
  const thresholds = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
  return { ...spec, readinessProbe: { tcpSocket: { port }, ...thresholds } };
}

export const reportedStatuses = ({ status }: Pod) => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
];

/**
 * The attempt that the API knows of and the runtime does not: the machine was restarted, or the state directory lost.
 * If it ran, it counts as killed, as kubelet has it (ContainerStatusUnknown).
 */
export function lostAttempt(pod: Pod, name: string, nowMs: number): Attempt | undefined {
  const status = reportedStatuses(pod).find((candidate) => candidate.name === name);
  if (!status?.containerID) return undefined;
  // In back-off the last attempt is under lastState.
  const { running, terminated = status.lastState?.terminated } = status.state ?? {};
  const attempt = {
    id: status.containerID.replace(/^[a-z-]+:\/\//, ''),
    attempt: status.restartCount,
    startedAtMs: timeOf(running?.startedAt ?? terminated?.startedAt) ?? nowMs,
  };
  if (running || !terminated) {
    return {
      ...attempt,
      exit: { code: 137, finishedAtMs: nowMs },
      reason: 'ContainerStatusUnknown',
      message: 'The container could not be located when the Pod was taken up again',
    };
  }
  const { exitCode, finishedAt, reason, message } = terminated;
  return {
    ...attempt,
    exit: { code: exitCode, finishedAtMs: timeOf(finishedAt) ?? nowMs },
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}

const timeOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : parseTime(text));
