import { messageOf } from '../../base/errors.ts';
import { controllerOf, controllerReference, keyOf, matchesSelector, Pod, ReplicaSet } from '../../kube/mod.ts';
import { claim } from '../shared/adoption.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { deleteObject } from '../shared/delete-object.ts';
import { ControllerLoop } from '../shared/loop.ts';
import { isSameStatus, planReplicas, planStatus } from './plan.ts';
import { inGrowingBatches } from './slow-start.ts';

/** Keeps as many Pods of every ReplicaSet as it asks for; keys are ReplicaSets. */
export function startReplicaSetController(context: ControllerContext): StopController {
  const controller = new ReplicaSetController(context);
  return () => controller.loop.stop();
}

class ReplicaSetController {
  readonly loop: ControllerLoop;
  readonly #context: ControllerContext;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.loop = new ControllerLoop(context, { name: 'replicaset', sync: (key) => this.#sync(key) });
    this.#replicaSets.onChange(({ key }) => this.loop.add(key));
    this.#pods.onChange(({ before, after }) => {
      for (const pod of [before, after]) if (pod) this.#addOwnersOf(pod);
    });
  }

  get #replicaSets() {
    return this.#context.informers.of(ReplicaSet);
  }

  get #pods() {
    return this.#context.informers.of(Pod);
  }

  #addOwnersOf(pod: Pod): void {
    const owner = controllerOf(pod);
    if (owner?.kind === 'ReplicaSet') this.loop.add(`${pod.metadata.namespace}/${owner.name}`);
    if (owner || pod.metadata.namespace === undefined) return;
    for (const replicaSet of this.#replicaSets.byIndex('namespace', pod.metadata.namespace)) {
      if (matchesSelector(replicaSet.spec.selector, pod.metadata.labels)) this.loop.add(keyOf(replicaSet));
    }
  }

  async #sync(key: string): Promise<void> {
    const replicaSet = this.#replicaSets.get(key);
    if (!replicaSet) return;
    const pods = await this.#claim(key, replicaSet);
    const failure = await this.#manage(key, replicaSet, pods);
    await this.#writeStatus(key, replicaSet, pods, failure);
    if (failure) throw failure.error;
  }

  async #claim(key: string, replicaSet: ReplicaSet): Promise<Pod[]> {
    const { namespace, uid } = replicaSet.metadata;
    const candidates = [...this.#pods.byIndex('owner', uid), ...this.#pods.byIndex('orphan', namespace!)];
    const { owned, adopt, release } = claim(ReplicaSet, replicaSet, candidates);
    const update = async (pod: Pod) => this.loop.wrote(key, this.#pods, await this.#context.client.update(Pod, pod));
    await Promise.all(release.map(update));
    return [...owned, ...(await Promise.all(adopt.map(update)))];
  }

  async #manage(key: string, replicaSet: ReplicaSet, pods: readonly Pod[]): Promise<Failure | undefined> {
    const plan = planReplicas(replicaSet, pods, this.#context.clock.now());
    try {
      await inGrowingBatches(plan.create, () => this.#create(key, replicaSet));
      await Promise.all(plan.delete.map((pod) => this.#delete(replicaSet, pod)));
      return undefined;
    } catch (error) {
      const reason = plan.create > 0 ? 'FailedCreate' : 'FailedDelete';
      return { reason, message: messageOf(error), error };
    }
  }

  async #create(key: string, replicaSet: ReplicaSet): Promise<void> {
    const { client, recorder } = this.#context;
    const { name, namespace } = replicaSet.metadata;
    const { metadata: { labels, annotations, finalizers } = {}, spec } = replicaSet.spec.template;
    const metadata = {
      generateName: `${name}-`,
      namespace: namespace!,
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ...(finalizers ? { finalizers } : {}),
      ownerReferences: [controllerReference(ReplicaSet, replicaSet)],
    };
    try {
      const pod = this.loop.wrote(key, this.#pods, await client.create(Pod, { metadata, spec }));
      recorder.record(replicaSet, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    } catch (error) {
      recorder.record(replicaSet, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
      throw error;
    }
  }

  async #delete(replicaSet: ReplicaSet, pod: Pod): Promise<void> {
    const { client, recorder } = this.#context;
    if (!(await deleteObject(client, Pod, pod))) return;
    recorder.record(replicaSet, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  }

  async #writeStatus(
    key: string,
    replicaSet: ReplicaSet,
    pods: readonly Pod[],
    failure: Failure | undefined,
  ): Promise<void> {
    const reported = failure && { reason: failure.reason, message: failure.message };
    const { status, nextChangeMs } = planStatus(replicaSet, pods, this.#context.clock.now(), reported);
    if (nextChangeMs !== undefined) this.loop.addAfter(key, nextChangeMs);
    if (isSameStatus(replicaSet.status, status)) return;
    const written = await this.#context.client.updateStatus(ReplicaSet, { ...replicaSet, status });
    this.loop.wrote(key, this.#replicaSets, written);
  }
}

interface Failure {
  readonly reason: string;
  readonly message: string;
  readonly error: unknown;
}
