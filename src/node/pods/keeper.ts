import { messageOf } from '../../base/errors.ts';
import type { Container, Pod } from '../../kube/mod.ts';
import { isPodError } from '../errors.ts';
import { attemptProbe, type HandlerTarget } from '../probes/attempt.ts';
import { settingsOf } from '../probes/settings.ts';
import type { ProbeKind } from '../probes/state.ts';
import type { SandboxStatus } from '../runtime/port.ts';
import { afterRestart, type BackOff, mayRestartAtMs } from './back-off.ts';
import { containerConfigOf } from './container-config.ts';
import type { PodContext } from './context.ts';
import { runHook } from './hooks.ts';
import { ProberSet, probeField } from './prober-set.ts';
import { lostAttempt, reportedStatuses } from './specs.ts';
import { Stopping } from './stopping.ts';
import type { Attempt, Condemnation, ContainerView, Obstacle } from './view.ts';

/** How long something that failed for reasons outside the container is left alone. */
const obstacleRetryMs = 10_000;
/** Upstream sets no limit to hooks; one that never ends must not be remembered for ever. */
const longestHookMs = 3_600_000;

/** Starts, probes and stops one container of a Pod, and remembers what the runtime does not. */
export class ContainerKeeper {
  readonly #role: ContainerView['role'];
  readonly #context: PodContext;
  #spec: Container;
  #backOff: BackOff | undefined;
  #obstacle: Obstacle | undefined;
  /** An attempt that the runtime knows nothing of: it could not be started, or was lost with the runtime's records. */
  #lost: Attempt | undefined;
  #probers: { readonly id: string; readonly set: ProberSet } | undefined;
  #stopping: Stopping | undefined;
  #condemned: Condemnation | undefined;
  #toldBackOffOf = -1;

  constructor(spec: Container, role: ContainerView['role'], context: PodContext) {
    this.#spec = spec;
    this.#role = role;
    this.#context = context;
    const { runtime, clock, pod } = context;
    const known = runtime.get(pod.metadata.uid)?.containers.some(({ name }) => name === spec.name);
    if (!known) this.#lost = lostAttempt(pod, spec.name, clock.now());
  }

  /** Probes for what runs, an end to what goes with an attempt that has ended. */
  sync(spec: Container): void {
    this.#spec = spec;
    const running = this.#sandbox?.containers.findLast(({ name, exit }) => name === spec.name && !exit);
    if (this.#probers && this.#probers.id !== running?.id) {
      this.#probers.set.stop();
      this.#probers = undefined;
    }
    if (!running) {
      this.#stopping?.done();
      this.#stopping = undefined;
      this.#condemned = undefined;
    } else if (!this.#probers) {
      this.#probers = { id: running.id, set: this.#probe(running.id, running.startedAtMs) };
      if (this.#context.deleting) this.#probers.set.leave();
    }
  }

  view(): ContainerView {
    const [current, previous] = this.#attempts.slice(-2).reverse();
    const probers = current && this.#probers?.id === current.id ? this.#probers.set : undefined;
    const condemned = this.#condemned ?? probers?.condemned;
    return {
      spec: this.#spec,
      role: this.#role,
      ...(current ? { current } : {}),
      ...(previous ? { previous } : {}),
      ...(this.#backOff ? { backOff: this.#backOff } : {}),
      ...(this.#obstacle ? { obstacle: this.#obstacle } : {}),
      stopping: this.#stopping !== undefined,
      started: probers?.started ?? false,
      passesReadiness: probers?.ready ?? false,
      ...(condemned ? { condemned } : {}),
    };
  }

  async start(): Promise<void> {
    const { clock, runtime, pod, catalogue, sources, place, volumes } = this.#context;
    const last = this.#attempts.at(-1);
    const attempt = last ? last.attempt + 1 : 0;
    try {
      const config = await containerConfigOf(pod, this.#spec, attempt, place, sources, catalogue, volumes);
      if (last?.exit) this.#backOff = afterRestart(this.#backOff, last.exit.finishedAtMs, clock.now());
      this.#obstacle = undefined;
      const { id } = await runtime.startContainer(pod.metadata.uid, config);
      this.#context.tell('Created', `Created container: ${this.#spec.name}`);
      this.#context.tell('Started', `Started container ${this.#spec.name}`);
      this.#runPostStart(id);
    } catch (error) {
      this.#takeFailure(attempt, error);
    }
  }

  stop(because: 'pod' | 'condemned'): void {
    const { clock, runtime, pod, graceMs } = this.#context;
    const { current, condemned, spec } = this.view();
    if (!current || current.exit) return;
    const verdict = because === 'condemned' ? condemned : undefined;
    this.#context.tell('Killing', verdict?.message ?? `Stopping container ${spec.name}`);
    this.#probers?.set.leave();
    const signal = (spec.lifecycle?.stopSignal ?? 'SIGTERM') as NodeJS.Signals;
    this.#stopping = new Stopping({
      clock,
      graceMs: verdict?.graceSeconds === undefined ? graceMs : 1000 * verdict.graceSeconds,
      ...(spec.lifecycle?.preStop
        ? { hook: (timeoutMs, limit) => this.#runPreStop(current.id, timeoutMs, limit) }
        : {}),
      terminate: () => runtime.signalContainer(pod.metadata.uid, current.id, signal),
      kill: () => runtime.signalContainer(pod.metadata.uid, current.id, 'SIGKILL'),
    });
  }

  /** The grace period was shortened. */
  hurry(graceMs: number): void {
    this.#stopping?.hurry(graceMs);
  }

  /** Says once for each ended attempt that the next one has to wait. */
  tellBackOff(): void {
    const last = this.#attempts.at(-1);
    if (!last?.exit || this.#toldBackOffOf === last.attempt) return;
    if (mayRestartAtMs(this.#backOff, last.exit.finishedAtMs) <= this.#context.clock.now()) return;
    this.#toldBackOffOf = last.attempt;
    const { name, namespace } = this.#context.pod.metadata;
    this.#context.warn(
      'BackOff',
      `Back-off restarting failed container ${this.#spec.name} in pod ${namespace}/${name}`,
    );
  }

  /** Leaves the container as it is. */
  release(): void {
    this.#probers?.set.stop();
    this.#stopping?.done();
  }

  get #sandbox(): SandboxStatus | undefined {
    return this.#context.runtime.get(this.#context.pod.metadata.uid);
  }

  get #attempts(): Attempt[] {
    const known: Attempt[] = this.#sandbox?.containers.filter(({ name }) => name === this.#spec.name) ?? [];
    return this.#lost ? [...known, this.#lost].sort((a, b) => a.attempt - b.attempt) : known;
  }

  #takeFailure(attempt: number, error: unknown): void {
    const nowMs = this.#context.clock.now();
    // The sandbox has died under our hands: the next step sees to that.
    if (isPodError(error, 'gone')) return;
    const message = messageOf(error);
    this.#context.warn('Failed', message);
    if (isPodError(error, 'start')) {
      const exit = { code: 128, finishedAtMs: nowMs };
      this.#lost = { id: '', attempt, startedAtMs: nowMs, exit, reason: 'StartError', message };
      return;
    }
    const imageReason = this.#obstacle ? 'ImagePullBackOff' : 'ErrImagePull';
    const reason = isPodError(error, 'image') ? imageReason : 'CreateContainerConfigError';
    this.#obstacle = { reason, message, retryAtMs: nowMs + obstacleRetryMs };
  }

  #runPostStart(containerId: string): void {
    const hook = this.#spec.lifecycle?.postStart;
    if (!hook) return;
    const never = new AbortController().signal;
    void runHook(this.#target(containerId), hook, this.#context.clock, longestHookMs, never).then((failure) => {
      if (failure === undefined || this.view().current?.id !== containerId) return;
      this.#context.warn('FailedPostStartHook', `PostStartHook failed: ${failure}`);
      this.#condemned = { message: `Container ${this.#spec.name} failed its postStart hook` };
      this.#context.wake();
    });
  }

  async #runPreStop(containerId: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const hook = this.#spec.lifecycle!.preStop!;
    const failure = await runHook(this.#target(containerId), hook, this.#context.clock, timeoutMs, signal);
    if (failure !== undefined && !signal.aborted) {
      this.#context.warn('FailedPreStopHook', `PreStopHook failed: ${failure}`);
    }
  }

  #probe(containerId: string, startedAtMs: number): ProberSet {
    const { clock, pod } = this.#context;
    const known = reportedStatuses(pod).find(({ containerID }) => containerID?.endsWith(`://${containerId}`));
    return new ProberSet({
      container: this.#spec,
      clock,
      startedAtMs,
      assume: { started: known?.started ?? false, ready: (known?.ready ?? false) && !wasSilent(pod) },
      attempt: (kind, signal) => {
        const probe = this.#spec[probeField[kind]]!;
        return attemptProbe(this.#target(containerId), probe, settingsOf(probe).timeoutMs, signal);
      },
      onFailure: (kind, message) => this.#tellUnhealthy(kind, message),
      onChange: () => this.#context.wake(),
    });
  }

  #tellUnhealthy(kind: ProbeKind, message: string): void {
    if (this.#context.deleting) return;
    this.#context.warn('Unhealthy', `${kind[0]!.toUpperCase()}${kind.slice(1)} probe failed: ${message}`);
  }

  #target(containerId: string): HandlerTarget {
    const { runtime, clock, pod, place } = this.#context;
    return {
      runtime,
      clock,
      podUid: pod.metadata.uid,
      podAddress: place.podAddress,
      container: this.#spec,
      containerId,
    };
  }
}

/** Whether this node's agent was away for so long that the Pod was taken out of the endpoints: what it said then is old. */
const wasSilent = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'NodeNotReady') ?? false;
