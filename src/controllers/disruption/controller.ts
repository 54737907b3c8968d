import { isDeepStrictEqual } from 'node:util';
import type { Change } from '../../client/mod.ts';
import { controllerOf, Deployment, keyOf, Pod, PodDisruptionBudget, ReplicaSet, StatefulSet } from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { ControllerLoop } from '../shared/loop.ts';
import { isCovered, planBudget } from './plan.ts';

type Workload = Deployment | ReplicaSet | StatefulSet;

/** Says of every PodDisruptionBudget how many of its Pods may go; keys are budgets. The eviction subresource heeds it. */
export function startDisruptionController(context: ControllerContext): StopController {
  const controller = new DisruptionController(context);
  return () => controller.loop.stop();
}

class DisruptionController {
  readonly loop: ControllerLoop;
  readonly #context: ControllerContext;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.loop = new ControllerLoop(context, { name: 'disruption', sync: (key) => this.#sync(key) });
    this.#budgets.onChange(({ key }) => this.loop.add(key));
    this.#pods.onChange(({ before, after }) => {
      for (const pod of [before, after]) if (pod) this.#addBudgetsOf(pod);
    });
    const { informers } = context;
    const changed = ({ before, after }: Change<Workload>) => this.#addBudgetsIn((after ?? before)?.metadata.namespace);
    informers.of(Deployment).onChange(changed);
    informers.of(ReplicaSet).onChange(changed);
    informers.of(StatefulSet).onChange(changed);
  }

  get #budgets() {
    return this.#context.informers.of(PodDisruptionBudget);
  }

  get #pods() {
    return this.#context.informers.of(Pod);
  }

  #addBudgetsOf(pod: Pod): void {
    for (const budget of this.#budgets.byIndex('namespace', pod.metadata.namespace!))
      if (isCovered(budget, pod)) this.loop.add(keyOf(budget));
  }

  #addBudgetsIn(namespace: string | undefined): void {
    for (const budget of this.#budgets.byIndex('namespace', namespace ?? '')) this.loop.add(keyOf(budget));
  }

  async #sync(key: string): Promise<void> {
    const budget = this.#budgets.get(key);
    if (!budget || budget.metadata.deletionTimestamp) return;
    const pods = [...this.#pods.byIndex('namespace', budget.metadata.namespace!)].filter((pod) =>
      isCovered(budget, pod),
    );
    const { status, nextChangeMs } = planBudget(budget, pods, this.#scaleOf(pods), this.#context.clock.now());
    if (nextChangeMs !== undefined) this.loop.addAfter(key, nextChangeMs);
    if (isDeepStrictEqual(status, budget.status)) return;
    this.loop.wrote(
      key,
      this.#budgets,
      await this.#context.client.updateStatus(PodDisruptionBudget, { ...budget, status }),
    );
  }

  /** What the owners of the Pods want in all; a Pod of nobody's is one. */
  #scaleOf(pods: readonly Pod[]): number {
    const scales = new Map<string, number>();
    let alone = 0;
    for (const pod of pods) {
      const scale = this.#ownerOf(pod);
      if (scale) scales.set(scale.uid, scale.replicas);
      else alone++;
    }
    return [...scales.values()].reduce((sum, replicas) => sum + replicas, alone);
  }

  #ownerOf(pod: Pod): { uid: string; replicas: number } | undefined {
    const owner = controllerOf(pod);
    const key = `${pod.metadata.namespace}/${owner?.name}`;
    if (owner?.kind === 'StatefulSet') return wish(this.#context.informers.of(StatefulSet).get(key));
    const replicaSet = owner?.kind === 'ReplicaSet' ? this.#context.informers.of(ReplicaSet).get(key) : undefined;
    const above = replicaSet && controllerOf(replicaSet);
    const deployment =
      above?.kind === 'Deployment'
        ? this.#context.informers.of(Deployment).get(`${pod.metadata.namespace}/${above.name}`)
        : undefined;
    return wish(deployment ?? replicaSet);
  }
}

const wish = (workload: Workload | undefined) =>
  workload && { uid: workload.metadata.uid, replicas: workload.spec.replicas };
