import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../base/errors.ts';
import {
  type ControllerRevision,
  controllerOf,
  controllerReference,
  DaemonSet,
  keyOf,
  matchesSelector,
  Node,
  Pod,
} from '../../kube/mod.ts';
import { claim } from '../shared/adoption.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { deleteObject } from '../shared/delete-object.ts';
import { HistoryKeeper } from '../shared/history.ts';
import { ControllerLoop } from '../shared/loop.ts';
import { hashLabel, revisionLabel, revisionOf, templateOf } from '../shared/revisions.ts';
import { affinityFor, tolerationsOf } from './placement.ts';
import { type Place, placesOf, planPods } from './plan.ts';
import { planStatus } from './status.ts';

/** Keeps one Pod of every DaemonSet on each node that is meant; keys are DaemonSets. */
export function startDaemonSetController(context: ControllerContext): StopController {
  const controller = new DaemonSetController(context);
  return () => controller.loop.stop();
}

class DaemonSetController {
  readonly loop: ControllerLoop;
  readonly #context: ControllerContext;
  readonly #history: HistoryKeeper<DaemonSet>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.loop = new ControllerLoop(context, { name: 'daemonset', sync: (key) => this.#sync(key) });
    this.#history = new HistoryKeeper(context, this.loop, DaemonSet);
    this.#sets.onChange(({ key }) => this.loop.add(key));
    this.#pods.onChange(({ before, after }) => {
      for (const pod of [before, after]) if (pod) this.#addOwnersOf(pod);
    });
    this.#nodes.onChange(({ before, after }) => {
      if (before && after && isDeepStrictEqual(traitsOf(before), traitsOf(after))) return;
      for (const set of this.#sets.list()) this.loop.add(keyOf(set));
    });
  }

  get #sets() {
    return this.#context.informers.of(DaemonSet);
  }

  get #pods() {
    return this.#context.informers.of(Pod);
  }

  get #nodes() {
    return this.#context.informers.of(Node);
  }

  #addOwnersOf(pod: Pod): void {
    const { namespace, labels } = pod.metadata;
    const owner = controllerOf(pod);
    if (owner?.kind === 'DaemonSet') this.loop.add(`${namespace}/${owner.name}`);
    if (owner || namespace === undefined) return;
    for (const set of this.#sets.byIndex('namespace', namespace))
      if (matchesSelector(set.spec.selector, labels)) this.loop.add(keyOf(set));
  }

  async #sync(key: string): Promise<void> {
    const set = this.#sets.get(key);
    if (!set || set.metadata.deletionTimestamp) return;
    const pods = await this.#claim(key, set);
    const history = await this.#history.sync(key, set);
    if (!history) return;
    const hash = hashOf(history.present);
    const places = placesOf(set, [...this.#nodes.list()], pods);
    const plan = planPods(set, places, hash, this.#context.clock.now());
    await this.#writeStatus(key, set, places, hash);
    await Promise.all(plan.delete.map((pod) => this.#delete(set, pod)));
    await Promise.all(plan.create.map((node) => this.#create(key, set, node, history.present)));
    const used = new Set([hash, ...pods.map(revisionOf)]);
    await this.#history.prune(set, history, (revision) => used.has(hashOf(revision)));
  }

  async #claim(key: string, set: DaemonSet): Promise<Pod[]> {
    const { namespace, uid } = set.metadata;
    const candidates = [...this.#pods.byIndex('owner', uid), ...this.#pods.byIndex('orphan', namespace!)];
    const { owned, adopt, release } = claim(DaemonSet, set, candidates);
    const update = async (pod: Pod) => this.loop.wrote(key, this.#pods, await this.#context.client.update(Pod, pod));
    await Promise.all(release.map(update));
    return [...owned, ...(await Promise.all(adopt.map(update)))];
  }

  async #create(key: string, set: DaemonSet, node: string, revision: ControllerRevision): Promise<void> {
    const { client, recorder } = this.#context;
    try {
      const pod = this.loop.wrote(key, this.#pods, await client.create(Pod, podFor(set, node, revision)));
      recorder.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    } catch (error) {
      recorder.record(set, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
      throw error;
    }
  }

  async #delete(set: DaemonSet, pod: Pod): Promise<void> {
    const { client, recorder } = this.#context;
    if (!(await deleteObject(client, Pod, pod))) return;
    recorder.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  }

  async #writeStatus(key: string, set: DaemonSet, places: readonly Place[], hash: string): Promise<void> {
    const { status, nextChangeMs } = planStatus(set, places, hash, this.#context.clock.now());
    if (nextChangeMs !== undefined) this.loop.addAfter(key, nextChangeMs);
    if (isDeepStrictEqual(status, set.status)) return;
    this.loop.wrote(key, this.#sets, await this.#context.client.updateStatus(DaemonSet, { ...set, status }));
  }
}

/** What decides whether a Pod belongs on a node; its heartbeats do not. */
const traitsOf = ({ metadata, spec }: Node) => [metadata.labels, spec.taints];

const hashOf = ({ metadata }: ControllerRevision): string => metadata.labels?.[hashLabel] ?? metadata.name;

function podFor(set: DaemonSet, node: string, revision: ControllerRevision) {
  const { metadata: { labels, annotations, finalizers } = {}, spec } = templateOf(revision);
  return {
    metadata: {
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace!,
      labels: { ...labels, [revisionLabel]: hashOf(revision) },
      ...(annotations ? { annotations } : {}),
      ...(finalizers ? { finalizers } : {}),
      ownerReferences: [controllerReference(DaemonSet, set)],
    },
    spec: { ...spec, affinity: affinityFor(spec, node), tolerations: tolerationsOf(spec) },
  };
}
