import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { WorkQueue } from '../base/work-queue.ts';
import {
  type Change,
  type Client,
  createRecorder,
  type Informer,
  isConflict,
  isNotFound,
  type Recorder,
  SharedInformers,
} from '../client/mod.ts';
import { formatTime, Node, Pod } from '../kube/mod.ts';
import { place } from './fit.ts';
import { Occupancy } from './occupancy.ts';

export interface SchedulerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1), for jitter. */
  readonly random?: () => number;
  /** The Pods that name this scheduler are its business; default `default-scheduler`. */
  readonly name?: string;
}

export interface RunningScheduler {
  /** Resolves when all nodes and Pods are known and it works. */
  readonly synced: Promise<void>;
  stop(): Promise<void>;
}

/** Gives every Pod without a node one. */
export function startScheduler(options: SchedulerOptions): RunningScheduler {
  const informers = new SharedInformers(options);
  const scheduler = new Scheduler(options, informers.of(Node), informers.of(Pod));
  const synced = informers.start().then(() => scheduler.start());
  return {
    synced,
    async stop() {
      await scheduler.stop();
      await informers.stop();
    },
  };
}

class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #name: string;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #recorder: Recorder;
  readonly #queue: WorkQueue;
  readonly #occupancy = new Occupancy();
  /** Pods for which there was no place; a change that makes room calls for them again. */
  readonly #unplaced = new Set<string>();

  constructor(options: SchedulerOptions, nodes: Informer<Node>, pods: Informer<Pod>) {
    const { clock, log, client } = options;
    this.#options = options;
    this.#name = options.name ?? 'default-scheduler';
    this.#nodes = nodes;
    this.#pods = pods;
    this.#recorder = createRecorder({ client, component: this.#name, clock, log });
    this.#queue = new WorkQueue({
      clock,
      work: (key) => this.#schedule(key),
      onFailure: (key, error, failures, retryMs) =>
        log.warn('Scheduling again', { pod: key, failures, retryMs, because: messageOf(error) }),
    });
  }

  /** Called when both informers have synced. */
  start(): void {
    this.#pods.onChange((change) => this.#onPod(change));
    this.#nodes.onChange(({ before, after }) => {
      if (after && (!before || canTakeOther(before, after))) this.#retryUnplaced();
    });
  }

  async stop(): Promise<void> {
    await this.#queue.stop();
    await this.#recorder.flush();
  }

  #onPod({ key, before, after }: Change<Pod>): void {
    this.#occupancy.see(key, after);
    if (!after || !this.#isOurs(after)) this.#unplaced.delete(key);
    // What changed a Pod that has no place may have been our saying so: only its own wishes are a reason to try again.
    else if (!this.#unplaced.has(key) || !isDeepStrictEqual(before?.spec, after.spec)) this.#queue.add(key);
    const hadSeat = before?.spec.nodeName !== undefined && !hasEnded(before);
    if (hadSeat && (!after || hasEnded(after))) this.#retryUnplaced();
  }

  #isOurs({ metadata, spec }: Pod): boolean {
    return (
      !spec.nodeName &&
      !metadata.deletionTimestamp &&
      (spec.schedulerName ?? this.#name) === this.#name &&
      (spec.schedulingGates ?? []).length === 0
    );
  }

  #retryUnplaced(): void {
    for (const key of this.#unplaced) this.#queue.add(key);
    this.#unplaced.clear();
  }

  async #schedule(key: string): Promise<void> {
    const pod = this.#pods.get(key);
    if (!pod || !this.#isOurs(pod)) return;
    const candidates = [...this.#nodes.list()].map((node) => ({
      node,
      ...this.#occupancy.on(node.metadata.name, pod),
    }));
    const placement = place(pod, candidates);
    if ('node' in placement) await this.#bind(key, pod, placement.node.metadata.name);
    else await this.#refuse(key, pod, placement.refusal);
  }

  async #bind(key: string, pod: Pod, node: string): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    this.#occupancy.assume(pod, node);
    try {
      await this.#options.client.bind(namespace!, name, node, uid);
    } catch (error) {
      this.#occupancy.see(key, this.#pods.get(key));
      // It is gone, or somebody else has bound it: its next event says so.
      if (isNotFound(error) || isConflict(error)) return;
      throw error;
    }
    this.#recorder.record(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${node}`);
  }

  async #refuse(key: string, pod: Pod, message: string): Promise<void> {
    this.#unplaced.add(key);
    this.#recorder.record(pod, 'Warning', 'FailedScheduling', message);
    const unplaced = withCondition(pod, message, this.#options.clock.now());
    if (isDeepStrictEqual(unplaced.status, pod.status)) return;
    try {
      await this.#options.client.updateStatus(Pod, unplaced);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

const hasEnded = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** Heartbeats change a node every few seconds; only these changes can make room. */
function canTakeOther(before: Node, after: Node): boolean {
  const facts = ({ metadata, spec, status }: Node) => [
    metadata.labels,
    spec.unschedulable,
    spec.taints,
    status?.allocatable,
    status?.conditions?.find(({ type }) => type === 'Ready')?.status,
  ];
  return !isDeepStrictEqual(facts(before), facts(after));
}

function withCondition(pod: Pod, message: string, nowMs: number): Pod {
  const before = pod.status?.conditions ?? [];
  const known = before.find(({ type }) => type === 'PodScheduled');
  const lastTransitionTime = (known?.status === 'False' && known.lastTransitionTime) || formatTime(nowMs);
  const condition = {
    type: 'PodScheduled',
    status: 'False' as const,
    lastTransitionTime,
    reason: 'Unschedulable',
    message,
  };
  const conditions = [...before.filter(({ type }) => type !== 'PodScheduled'), condition];
  return { ...pod, status: { ...pod.status, conditions } };
}
