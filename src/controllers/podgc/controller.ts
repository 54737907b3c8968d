import { isNotFound } from '../../client/mod.ts';
import { formatTime, Node, Pod } from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { deleteObject } from '../shared/delete-object.ts';
import { ControllerLoop } from '../shared/loop.ts';
import { isFinished, isTerminating } from '../shared/pods.ts';
import { failedPod, findGarbage, type GarbageReason } from './plan.ts';

export interface PodGcOptions {
  /** How long a node is missing before its Pods go; default 40 s (upstream's quarantine). */
  readonly quarantineMs?: number;
  /** Default 12500 (upstream's --terminated-pod-gc-threshold). */
  readonly maxFinished?: number;
}

/** All of the cluster is one piece of work, so there is one key. */
const everything = 'pods';

/** Removes Pods that no agent will ever remove. */
export function startPodGcController(context: ControllerContext, options: PodGcOptions = {}): StopController {
  const collector = new PodCollector(context, options);
  return () => collector.loop.stop();
}

class PodCollector {
  readonly loop: ControllerLoop;
  readonly #context: ControllerContext;
  readonly #quarantineMs: number;
  readonly #maxFinished: number;
  /** Since when a node that Pods name is missing, on the monotonic clock. */
  readonly #missingSinceMs = new Map<string, number>();
  #finished = 0;

  constructor(context: ControllerContext, { quarantineMs = 40_000, maxFinished = 12_500 }: PodGcOptions) {
    this.#context = context;
    this.#quarantineMs = quarantineMs;
    this.#maxFinished = maxFinished;
    this.loop = new ControllerLoop(context, { name: 'podgc', sync: () => this.#sync() });
    this.#nodes.onChange(({ before, after }) => {
      if (!before || !after) this.loop.add(everything);
    });
    this.#pods.onChange(({ before, after }) => {
      this.#finished +=
        Number(after !== undefined && isFinished(after)) - Number(before !== undefined && isFinished(before));
      if (after && this.#mayBeGarbage(after)) this.loop.add(everything);
    });
  }

  get #nodes() {
    return this.#context.informers.of(Node);
  }

  get #pods() {
    return this.#context.informers.of(Pod);
  }

  /** Looking at every Pod on every change of one would be quadratic. */
  #mayBeGarbage(pod: Pod): boolean {
    if (!pod.spec.nodeName) return isTerminating(pod);
    return !this.#nodes.get(pod.spec.nodeName) || (isFinished(pod) && this.#finished > this.#maxFinished);
  }

  async #sync(): Promise<void> {
    const nowMs = this.#context.clock.monotonicMs();
    for (const name of this.#missingSinceMs.keys()) if (this.#nodes.get(name)) this.#missingSinceMs.delete(name);
    const garbage = findGarbage([...this.#pods.list()], (name) => this.#isKnown(name, nowMs), this.#maxFinished);
    for (const [pod, reason] of garbage) await this.#collect(pod, reason);
  }

  #isKnown(name: string, nowMs: number): boolean {
    if (this.#nodes.get(name)) return true;
    const sinceMs = this.#missingSinceMs.get(name) ?? nowMs;
    this.#missingSinceMs.set(name, sinceMs);
    const leftMs = sinceMs + this.#quarantineMs - nowMs;
    if (leftMs > 0) this.loop.addAfter(everything, leftMs);
    return leftMs > 0;
  }

  async #collect(pod: Pod, reason: GarbageReason): Promise<void> {
    const { client, clock, log } = this.#context;
    if (reason === 'OrphanedOnMissingNode') {
      if (await this.#nodeExists(pod.spec.nodeName!)) return;
      if (!isFinished(pod))
        await client.updateStatus(Pod, failedPod(pod, formatTime(clock.now()))).catch(ignoreNotFound);
    }
    log.info('Collecting a Pod', { pod: pod.metadata.name, namespace: pod.metadata.namespace, reason });
    await deleteObject(client, Pod, pod, { gracePeriodSeconds: 0 });
  }

  /** Our view may be late; the server's is not. */
  async #nodeExists(name: string): Promise<boolean> {
    return (await this.#context.client.get(Node, name).catch(ignoreNotFound)) !== undefined;
  }
}

function ignoreNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}
