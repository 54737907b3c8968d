import type { ControllerRevision, Pod, StatefulSet } from '../../kube/mod.ts';
import { availableInMs, isFinished, isReady, isTerminating } from '../shared/pods.ts';
import { revisionOf } from '../shared/revisions.ts';

export interface StatefulPlan {
  readonly create: readonly { readonly ordinal: number; readonly revision: ControllerRevision }[];
  readonly delete: readonly Pod[];
}

export interface Revisions {
  /** What Pods below the partition are made from: where the last finished update led. */
  readonly current: ControllerRevision;
  /** What the template says now. */
  readonly update: ControllerRevision;
}

/** `web-3` of `web` is 3; undefined for a Pod that only looks as if it belonged. */
export function ordinalOf({ metadata }: StatefulSet, pod: Pod): number | undefined {
  const match = /^(.*)-(\d+)$/.exec(pod.metadata.name);
  return match && match[1] === metadata.name ? Number(match[2]) : undefined;
}

/**
 * Upstream's updateStatefulSet. OrderedReady does one thing at a time: from the lowest ordinal up, each Pod is there and
 * available before the next is created; then from the highest down those that are too many go; then from the highest
 * down those of an older template, as far as the partition.
 */
export function planPods(set: StatefulSet, pods: readonly Pod[], revisions: Revisions, nowMs: number): StatefulPlan {
  const steps = new Steps(set, pods, revisions, nowMs);
  steps.fill() && steps.condemn() && steps.replace();
  return steps;
}

/** Each step says whether the next may begin. */
class Steps implements StatefulPlan {
  readonly create: { ordinal: number; revision: ControllerRevision }[] = [];
  readonly delete: Pod[] = [];
  readonly #set: StatefulSet;
  readonly #revisions: Revisions;
  readonly #nowMs: number;
  readonly #pods: ReadonlyMap<number, Pod>;
  readonly #start: number;
  readonly #end: number;
  readonly #isOrdered: boolean;

  constructor(set: StatefulSet, pods: readonly Pod[], revisions: Revisions, nowMs: number) {
    this.#set = set;
    this.#revisions = revisions;
    this.#nowMs = nowMs;
    this.#pods = new Map(pods.map((pod) => [ordinalOf(set, pod) ?? -1, pod]));
    this.#start = set.spec.ordinals?.start ?? 0;
    this.#end = this.#start + set.spec.replicas;
    this.#isOrdered = set.spec.podManagementPolicy !== 'Parallel';
  }

  fill(): boolean {
    for (let ordinal = this.#start; ordinal < this.#end; ordinal++) {
      const pod = this.#pods.get(ordinal);
      if (pod && !isFinished(pod) && this.#isAvailable(pod)) continue;
      if (!pod) this.create.push({ ordinal, revision: this.#revisionFor(ordinal) });
      // One that has ended makes room for another of its name.
      else if (isFinished(pod) && !isTerminating(pod)) this.delete.push(pod);
      if (this.#isOrdered) return false;
    }
    return true;
  }

  condemn(): boolean {
    const condemned = [...this.#pods].filter(([ordinal]) => ordinal < this.#start || ordinal >= this.#end);
    const downwards = condemned.sort(([a], [b]) => b - a).map(([, pod]) => pod);
    const firstUnhealthy = downwards.findLast((pod) => !this.#isHealthy(pod));
    for (const pod of downwards) {
      if (!isTerminating(pod)) {
        // Others that are unwell get the time to recover: no more than one of them is missing.
        if (this.#isOrdered && !this.#isHealthy(pod) && pod !== firstUnhealthy) return false;
        this.delete.push(pod);
      }
      if (this.#isOrdered) return false;
    }
    return true;
  }

  replace(): boolean {
    const { type, rollingUpdate } = this.#set.spec.updateStrategy;
    if (type === 'OnDelete') return true;
    const lowest = this.#start + (rollingUpdate?.partition ?? 0);
    for (let ordinal = this.#end - 1; ordinal >= lowest; ordinal--) {
      const pod = this.#pods.get(ordinal);
      if (pod && revisionOf(pod) !== this.#revisions.update.metadata.name && !isTerminating(pod)) {
        if (!this.delete.includes(pod)) this.delete.push(pod);
        return false;
      }
      if (!pod || !this.#isAvailable(pod)) return false;
    }
    return true;
  }

  #revisionFor(ordinal: number): ControllerRevision {
    const { type, rollingUpdate } = this.#set.spec.updateStrategy;
    const isBelow = type === 'RollingUpdate' && ordinal < this.#start + (rollingUpdate?.partition ?? 0);
    return isBelow ? this.#revisions.current : this.#revisions.update;
  }

  #isHealthy = (pod: Pod) => isReady(pod) && !isTerminating(pod);
  #isAvailable = (pod: Pod) =>
    this.#isHealthy(pod) && availableInMs(pod, this.#set.spec.minReadySeconds ?? 0, this.#nowMs) === 0;
}
