import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../base/errors.ts';
import { controllerOf, controllerReference, keyOf, matchesSelector, Pod, StatefulSet } from '../../kube/mod.ts';
import { claim } from '../shared/adoption.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { deleteObject } from '../shared/delete-object.ts';
import { type History, HistoryKeeper } from '../shared/history.ts';
import { ControllerLoop } from '../shared/loop.ts';
import { revisionLabel, revisionOf, templateOf } from '../shared/revisions.ts';
import { ordinalOf, planPods, type Revisions, type StatefulPlan } from './plan.ts';
import { planStatus } from './status.ts';

/** Gives every StatefulSet its Pods, by name and in order; keys are StatefulSets. */
export function startStatefulSetController(context: ControllerContext): StopController {
  const controller = new StatefulSetController(context);
  return () => controller.loop.stop();
}

class StatefulSetController {
  readonly loop: ControllerLoop;
  readonly #context: ControllerContext;
  readonly #history: HistoryKeeper<StatefulSet>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.loop = new ControllerLoop(context, { name: 'statefulset', sync: (key) => this.#sync(key) });
    this.#history = new HistoryKeeper(context, this.loop, StatefulSet);
    this.#sets.onChange(({ key }) => this.loop.add(key));
    this.#pods.onChange(({ before, after }) => {
      for (const pod of [before, after]) if (pod) this.#addOwnersOf(pod);
    });
  }

  get #sets() {
    return this.#context.informers.of(StatefulSet);
  }

  get #pods() {
    return this.#context.informers.of(Pod);
  }

  #addOwnersOf(pod: Pod): void {
    const { namespace, labels } = pod.metadata;
    const owner = controllerOf(pod);
    if (owner?.kind === 'StatefulSet') this.loop.add(`${namespace}/${owner.name}`);
    if (owner || namespace === undefined) return;
    for (const set of this.#sets.byIndex('namespace', namespace)) {
      if (matchesSelector(set.spec.selector, labels) && ordinalOf(set, pod) !== undefined) this.loop.add(keyOf(set));
    }
  }

  async #sync(key: string): Promise<void> {
    const set = this.#sets.get(key);
    if (!set || set.metadata.deletionTimestamp) return;
    const pods = await this.#claim(key, set);
    const history = await this.#history.sync(key, set);
    if (!history) return;
    const revisions = revisionsOf(set, history);
    const plan = planPods(set, pods, revisions, this.#context.clock.now());
    await this.#writeStatus(key, set, pods, revisions);
    await this.#carryOut(key, set, plan);
    const used = new Set([revisions.current.metadata.name, revisions.update.metadata.name, ...pods.map(revisionOf)]);
    await this.#history.prune(set, history, ({ metadata }) => used.has(metadata.name));
  }

  async #claim(key: string, set: StatefulSet): Promise<Pod[]> {
    const { namespace, uid } = set.metadata;
    const orphans = [...this.#pods.byIndex('orphan', namespace!)].filter((pod) => ordinalOf(set, pod) !== undefined);
    const { owned, adopt, release } = claim(StatefulSet, set, [...this.#pods.byIndex('owner', uid), ...orphans]);
    const update = async (pod: Pod) => this.loop.wrote(key, this.#pods, await this.#context.client.update(Pod, pod));
    await Promise.all(release.map(update));
    return [...owned, ...(await Promise.all(adopt.map(update)))].filter((pod) => ordinalOf(set, pod) !== undefined);
  }

  async #carryOut(key: string, set: StatefulSet, plan: StatefulPlan): Promise<void> {
    if (plan.create.length > 0 && (set.spec.volumeClaimTemplates ?? []).length > 0) return this.#refuseClaims(set);
    for (const pod of plan.delete) await this.#delete(set, pod);
    for (const { ordinal, revision } of plan.create) await this.#create(key, set, ordinal, revision);
  }

  #refuseClaims(set: StatefulSet): void {
    const why =
      'spec.volumeClaimTemplates: nothing in this cluster provides volumes, leave it out or use other volumes';
    this.#context.recorder.record(set, 'Warning', 'FailedCreate', `create Pods failed: ${why}`);
  }

  async #create(key: string, set: StatefulSet, ordinal: number, revision: Revisions['update']): Promise<void> {
    const { client, recorder } = this.#context;
    const name = `${set.metadata.name}-${ordinal}`;
    try {
      this.loop.wrote(key, this.#pods, await client.create(Pod, podOf(set, name, ordinal, revision)));
      recorder.record(
        set,
        'Normal',
        'SuccessfulCreate',
        `create Pod ${name} in StatefulSet ${set.metadata.name} successful`,
      );
    } catch (error) {
      const what = `create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${messageOf(error)}`;
      recorder.record(set, 'Warning', 'FailedCreate', what);
      throw error;
    }
  }

  async #delete(set: StatefulSet, pod: Pod): Promise<void> {
    const { client, recorder } = this.#context;
    if (!(await deleteObject(client, Pod, pod))) return;
    const what = `delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`;
    recorder.record(set, 'Normal', 'SuccessfulDelete', what);
  }

  async #writeStatus(key: string, set: StatefulSet, pods: readonly Pod[], revisions: Revisions): Promise<void> {
    const { status, nextChangeMs } = planStatus(set, pods, revisions, this.#context.clock.now());
    if (nextChangeMs !== undefined) this.loop.addAfter(key, nextChangeMs);
    if (isDeepStrictEqual(status, set.status)) return;
    const written = await this.#context.client.updateStatus(StatefulSet, { ...set, status });
    this.loop.wrote(key, this.#sets, written);
  }
}

function revisionsOf({ status }: StatefulSet, { present, all }: History): Revisions {
  const current = all.find(({ metadata }) => metadata.name === status?.currentRevision);
  return { update: present, current: current ?? present };
}

/** The names under which DNS and the Pod itself know it come from the ordinal. */
function podOf(set: StatefulSet, name: string, ordinal: number, revision: Revisions['update']) {
  const { metadata: { labels, annotations, finalizers } = {}, spec } = templateOf(revision);
  const identity = {
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(ordinal),
    [revisionLabel]: revision.metadata.name,
  };
  return {
    metadata: {
      name,
      namespace: set.metadata.namespace!,
      labels: { ...labels, ...identity },
      ...(annotations ? { annotations } : {}),
      ...(finalizers ? { finalizers } : {}),
      ownerReferences: [controllerReference(StatefulSet, set)],
    },
    spec: { ...spec, hostname: name, ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}) },
  };
}
