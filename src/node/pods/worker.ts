import type { Cancel, Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Client, Recorder } from '../../client/mod.ts';
import { type Container, formatTime, type Pod } from '../../kube/mod.ts';
import type { Catalogue } from '../runtime/catalogue.ts';
import type { Runtime } from '../runtime/port.ts';
import type { VolumeSources } from '../volumes/files.ts';
import { PodVolumes } from '../volumes/pod-volumes.ts';
import type { PodContext } from './context.ts';
import type { PodPlace } from './environment.ts';
import { ContainerKeeper } from './keeper.ts';
import { type PodAction, type PodPlan, planPod } from './plan.ts';
import { hostnameOf, type NameServiceOptions, sandboxConfigOf } from './sandbox-config.ts';
import { type ContainerRole, specsOf } from './specs.ts';
import { statusOf } from './status.ts';
import { StatusWriter } from './status-writer.ts';
import type { ContainerView, PodView } from './view.ts';

export interface PodWorkerOptions {
  readonly client: Client;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recorder: Recorder;
  readonly catalogue: Catalogue;
  readonly sources: VolumeSources;
  /** Where the volumes of a Pod are kept. */
  readonly volumesFolder: (pod: Pod) => string;
  readonly names: NameServiceOptions;
  readonly nodeAddress: string;
  readonly capacity: PodPlace['capacity'];
}

/** A sandbox that cannot be made, or a step that failed as a whole, is tried again after so long. */
const retryMs = 2000;

/**
 * Everything this node does for one Pod. One step at a time it looks at what is, plans, acts, and says what has come of
 * it; whatever happens in between only asks for another step.
 */
export class PodWorker {
  readonly #options: PodWorkerOptions;
  readonly #uid: string;
  readonly #onGone: () => void;
  readonly #context: PodContext;
  readonly #keepers = new Map<string, ContainerKeeper>();
  readonly #writer: StatusWriter;
  readonly #volumes: PodVolumes;
  readonly #startTime: string;
  readonly #concluded: 'Succeeded' | 'Failed' | undefined;
  #failure: PodView['failure'];
  #sandboxRetryAtMs = 0;
  /** The Pod is not in the API any more. */
  #absent = false;
  #stepping = false;
  #again = false;
  #stopped = false;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #cancelWake: Cancel = () => {};

  /** @param onGone nothing of the Pod is left, neither here nor in the API */
  constructor(pod: Pod, options: PodWorkerOptions, onGone: () => void) {
    this.#options = options;
    this.#uid = pod.metadata.uid;
    this.#onGone = onGone;
    const { client, clock, log } = options;
    this.#writer = new StatusWriter(pod, { client, clock, log, compute: (current) => this.#status(current) });
    this.#startTime = pod.status?.startTime ?? formatTime(clock.now());
    const phase = pod.status?.phase;
    this.#concluded = phase === 'Succeeded' || phase === 'Failed' ? phase : undefined;
    const { sources, volumesFolder } = options;
    this.#volumes = new PodVolumes(pod, { folder: volumesFolder(pod), sources, clock, log });
    this.#context = this.#createContext();
    if (options.runtime.get(this.#uid)?.containers.some(({ exit }) => !exit)) this.#volumes.resume();
  }

  update(pod: Pod): void {
    this.#volumes.update(pod);
    this.#writer.update(pod);
    this.#hurry();
    this.wake();
  }

  /** The API has no such Pod: it was deleted by force, or we have just let it go. */
  forget(): void {
    if (this.#absent) return;
    this.#absent = true;
    this.#writer.stop();
    this.#hurry();
    this.wake();
  }

  /** Something may have changed. */
  wake(): void {
    this.#again = true;
    if (!this.#stepping && !this.#stopped) void this.#run();
  }

  /** Leaves the Pod running as it is. */
  stop(): void {
    this.#stopped = true;
    this.#cancelWake();
    this.#writer.stop();
    this.#volumes.stop();
    for (const keeper of this.#keepers.values()) keeper.release();
  }

  get #pod(): Pod {
    return this.#writer.pod;
  }

  get #deleting(): boolean {
    return this.#absent || this.#pod.metadata.deletionTimestamp !== undefined;
  }

  /** One that was deleted by force still gets a moment, as upstream has it since 1.27. */
  get #graceMs(): number {
    const { metadata, spec } = this.#pod;
    if (this.#absent) return 1000;
    return 1000 * (metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30);
  }

  async #run(): Promise<void> {
    this.#stepping = true;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        await this.#step();
      } catch (error) {
        // A full disk, or a mistake of ours: neither may take the other Pods down.
        this.#options.log.error('A step for a Pod failed', { pod: this.#name, because: messageOf(error) });
        this.#wakeAt(this.#options.clock.now() + retryMs);
      }
    }
    this.#stepping = false;
  }

  async #step(): Promise<void> {
    this.#cancelWake();
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    this.#checkDeadline();
    this.#syncKeepers();
    const plan = planPod(this.#view());
    for (const action of plan.actions) await this.#act(action);
    this.#syncKeepers();
    if (plan.actions.length > 0) this.#again = true;
    if (plan.wakeAtMs !== undefined) this.#wakeAt(plan.wakeAtMs);
    await this.#conclude(plan);
  }

  /** Says how things stand; when all is over and the Pod is to go, lets it go. */
  async #conclude({ settled, actions, wakeAtMs }: PodPlan): Promise<void> {
    if (wakeAtMs !== undefined) for (const keeper of this.#keepers.values()) keeper.tellBackOff();
    const isOver = settled && actions.length === 0;
    if (!this.#absent) {
      if (isOver && this.#deleting) this.#writer.refreshAndRemove();
      else this.#writer.refresh();
    } else if (isOver) {
      await this.#options.runtime.removeSandbox(this.#uid);
      this.stop();
      this.#onGone();
    }
  }

  #view(): PodView {
    const { runtime, clock } = this.#options;
    const sandbox = runtime.get(this.#uid);
    return {
      spec: this.#pod.spec,
      nowMs: clock.now(),
      deleting: this.#deleting,
      ...(this.#failure ? { failure: this.#failure } : {}),
      ...(this.#concluded ? { concluded: this.#concluded } : {}),
      ...(sandbox ? { sandbox } : {}),
      sandboxRetryAtMs: this.#sandboxRetryAtMs,
      containers: this.#roles.map(({ spec, role }) => this.#keeper(spec, role).view()),
    };
  }

  #status(pod: Pod) {
    return statusOf(this.#view(), {
      podName: pod.metadata.name,
      nodeAddress: this.#options.nodeAddress,
      runtimeName: this.#options.runtime.name,
      startTime: this.#startTime,
      known: pod.status,
    });
  }

  /** spec.activeDeadlineSeconds: then the Pod has failed, whatever it was doing. */
  #checkDeadline(): void {
    const seconds = this.#pod.spec.activeDeadlineSeconds;
    if (seconds === undefined || this.#failure || this.#concluded || this.#deleting) return;
    const deadlineMs = Date.parse(this.#startTime) + 1000 * seconds;
    if (this.#options.clock.now() < deadlineMs) {
      this.#wakeAt(deadlineMs);
    } else {
      const message = 'Pod was active on the node longer than the specified deadline';
      this.#failure = { reason: 'DeadlineExceeded', message };
    }
  }

  async #act(action: PodAction): Promise<void> {
    switch (action.kind) {
      case 'start-sandbox':
        return this.#startSandbox();
      case 'stop-sandbox':
        return this.#options.runtime.stopSandbox(this.#uid);
      case 'start':
        return this.#keeper(action.container.spec, action.container.role).start();
      case 'stop':
        return this.#keeper(action.container.spec, action.container.role).stop(action.because);
    }
  }

  async #startSandbox(): Promise<void> {
    const { runtime, names, clock } = this.#options;
    try {
      await runtime.startSandbox(sandboxConfigOf(this.#pod, names));
    } catch (error) {
      this.#context.warn('FailedCreatePodSandBox', messageOf(error));
      this.#sandboxRetryAtMs = clock.now() + retryMs;
    }
  }

  /** The grace period was shortened, or the Pod is gone from the API. */
  #hurry(): void {
    if (!this.#deleting) return;
    for (const keeper of this.#keepers.values()) keeper.hurry(this.#graceMs);
  }

  #syncKeepers(): void {
    for (const { spec, role } of this.#roles) this.#keeper(spec, role).sync(spec);
  }

  get #roles(): ContainerRole[] {
    return specsOf(this.#pod, this.#options.catalogue);
  }

  #keeper(spec: Container, role: ContainerView['role']): ContainerKeeper {
    let keeper = this.#keepers.get(spec.name);
    if (!keeper) {
      keeper = new ContainerKeeper(spec, role, this.#context);
      this.#keepers.set(spec.name, keeper);
    }
    return keeper;
  }

  #createContext(): PodContext {
    const worker = this;
    const { runtime, clock, catalogue, sources, recorder } = this.#options;
    return {
      runtime,
      clock,
      catalogue,
      sources,
      volumes: this.#volumes,
      get pod() {
        return worker.#pod;
      },
      get place() {
        return worker.#place;
      },
      get deleting() {
        return worker.#deleting;
      },
      get graceMs() {
        return worker.#graceMs;
      },
      wake: () => this.wake(),
      tell: (reason, message) => recorder.record(this.#pod, 'Normal', reason, message),
      warn: (reason, message) => recorder.record(this.#pod, 'Warning', reason, message),
    };
  }

  get #place(): PodPlace {
    const { runtime, names, nodeAddress, capacity } = this.#options;
    return {
      nodeName: names.nodeName,
      nodeAddress,
      podAddress: runtime.get(this.#uid)?.address ?? nodeAddress,
      hostname: hostnameOf(this.#pod, names.nodeName),
      capacity,
    };
  }

  #wakeAt(atMs: number): void {
    if (atMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    this.#cancelWake();
    const delayMs = Math.max(0, atMs - this.#options.clock.now());
    this.#cancelWake = this.#options.clock.schedule(delayMs, () => this.wake());
  }

  get #name(): string {
    return `${this.#pod.metadata.namespace}/${this.#pod.metadata.name}`;
  }
}
