import type { Container, PodSpec } from '../../kube/mod.ts';
import type { ContainerStatus, SandboxStatus } from '../runtime/port.ts';
import type { BackOff } from './back-off.ts';

/** All that decides what to do with a Pod and what to say of it: read once, then only looked at. */
export interface PodView {
  readonly spec: PodSpec;
  readonly nowMs: number;
  /** Its end has been asked for: by the API, or because it is no longer there. */
  readonly deleting: boolean;
  /** It has failed as a whole, whatever its containers say. */
  readonly failure?: { readonly reason: string; readonly message: string };
  /** It was Succeeded or Failed already when this agent met it. */
  readonly concluded?: 'Succeeded' | 'Failed';
  readonly sandbox?: SandboxStatus;
  /** The sandbox could not be made: not to be tried again before. */
  readonly sandboxRetryAtMs?: number;
  /** Init containers in their order, then the others. */
  readonly containers: readonly ContainerView[];
}

export interface ContainerView {
  readonly spec: Container;
  /** `sidecar`: an init container with restartPolicy Always. */
  readonly role: 'init' | 'sidecar' | 'main';
  /** The newest attempt, whatever became of it. */
  readonly current?: Attempt;
  /** The one before. */
  readonly previous?: Attempt;
  readonly backOff?: BackOff;
  /** It could not even be tried. */
  readonly obstacle?: Obstacle;
  /** It is being ended. */
  readonly stopping: boolean;
  /** Its startup probe has succeeded, or it has none. Only of a running one. */
  readonly started: boolean;
  /** Its readiness probe succeeds, or it has none. Only of a running one. */
  readonly passesReadiness: boolean;
  /** A probe or hook has decided against the running attempt. */
  readonly condemned?: Condemnation;
}

export interface Attempt extends Omit<ContainerStatus, 'name' | 'image' | 'sandboxAttempt'> {
  /** Absent when the runtime does not know of it. */
  readonly sandboxAttempt?: number;
  /** Instead of `Completed` or `Error`. */
  readonly reason?: string;
  readonly message?: string;
}

export interface Obstacle {
  /** `ErrImagePull`, `CreateContainerConfigError` */
  readonly reason: string;
  readonly message: string;
  readonly retryAtMs: number;
}

export interface Condemnation {
  /** As the Event says it. */
  readonly message: string;
  /** The probe's own; left out: the Pod's. */
  readonly graceSeconds?: number;
}

export const isRunning = ({ current }: ContainerView): boolean => current !== undefined && !current.exit;

/** An init container is over with exit code 0 in the sandbox that is there: a new sandbox begins anew. */
export function isInitialized(view: PodView, container: ContainerView): boolean {
  const { current } = container;
  if (container.role === 'sidecar') return isRunning(container) && container.started;
  if (current?.exit?.code !== 0) return false;
  return view.sandbox === undefined || !view.sandbox.ready || current.sandboxAttempt === view.sandbox.attempt;
}

/** Whether an ended container is to be started again, sooner or later. */
export function restarts({ spec }: PodView, { role, current }: ContainerView): boolean {
  if (role === 'sidecar') return true;
  if (role === 'init') return current?.exit?.code !== 0 && spec.restartPolicy !== 'Never';
  return spec.restartPolicy === 'Always' || (spec.restartPolicy === 'OnFailure' && current?.exit?.code !== 0);
}
