import { isDeepStrictEqual } from 'node:util';
import { isAlreadyExists } from '../../client/mod.ts';
import { controllerOf, Deployment, keyOf, matchesSelector, Pod, ReplicaSet } from '../../kube/mod.ts';
import { claim } from '../shared/adoption.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { deleteObject } from '../shared/delete-object.ts';
import { ControllerLoop } from '../shared/loop.ts';
import { isFinished } from '../shared/pods.ts';
import { revisionAnnotation } from './annotations.ts';
import { type DeploymentPlan, isOwnCreation, type NewReplicaSet, planDeployment } from './plan.ts';
import { planStatus } from './status.ts';

/** Moves every Deployment's Pods to its present template, through one ReplicaSet a template; keys are Deployments. */
export function startDeploymentController(context: ControllerContext): StopController {
  const controller = new DeploymentController(context);
  return () => controller.loop.stop();
}

class DeploymentController {
  readonly loop: ControllerLoop;
  readonly #context: ControllerContext;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.loop = new ControllerLoop(context, { name: 'deployment', sync: (key) => this.#sync(key) });
    this.#deployments.onChange(({ key }) => this.loop.add(key));
    this.#replicaSets.onChange(({ before, after }) => {
      for (const replicaSet of [before, after]) if (replicaSet) this.#addOwnersOf(replicaSet);
    });
    this.#pods.onChange(({ before, after }) => {
      // Recreate goes on when the last old Pod is gone; nothing else here depends on a Pod.
      if (before && (!after || isFinished(after))) this.#addDeploymentOf(before);
    });
  }

  get #deployments() {
    return this.#context.informers.of(Deployment);
  }

  get #replicaSets() {
    return this.#context.informers.of(ReplicaSet);
  }

  get #pods() {
    return this.#context.informers.of(Pod);
  }

  #addOwnersOf(replicaSet: ReplicaSet): void {
    const { namespace, labels } = replicaSet.metadata;
    const owner = controllerOf(replicaSet);
    if (owner?.kind === 'Deployment') this.loop.add(`${namespace}/${owner.name}`);
    if (owner || namespace === undefined) return;
    for (const deployment of this.#deployments.byIndex('namespace', namespace)) {
      if (matchesSelector(deployment.spec.selector, labels)) this.loop.add(keyOf(deployment));
    }
  }

  #addDeploymentOf(pod: Pod): void {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet') return;
    const replicaSet = this.#replicaSets.get(`${pod.metadata.namespace}/${owner.name}`);
    const deployment = replicaSet && controllerOf(replicaSet);
    if (deployment?.kind === 'Deployment') this.loop.add(`${pod.metadata.namespace}/${deployment.name}`);
  }

  async #sync(key: string): Promise<void> {
    const deployment = this.#deployments.get(key);
    if (!deployment) return;
    const replicaSets = await this.#claim(key, deployment);
    const plan = planDeployment(deployment, replicaSets, (current) => this.#oldPods(replicaSets, current));
    const created = plan.create && (await this.#create(key, deployment, plan.create));
    for (const replicaSet of plan.update) await this.#update(key, deployment, replicaSet);
    for (const replicaSet of plan.delete) await deleteObject(this.#context.client, ReplicaSet, replicaSet);
    const latest = plan.revision === undefined ? deployment : await this.#showRevision(key, deployment, plan.revision);
    await this.#writeStatus(key, latest, plan, created);
  }

  async #claim(key: string, deployment: Deployment): Promise<ReplicaSet[]> {
    const { namespace, uid } = deployment.metadata;
    const candidates = [...this.#replicaSets.byIndex('owner', uid), ...this.#replicaSets.byIndex('orphan', namespace!)];
    const { owned, adopt, release } = claim(Deployment, deployment, candidates);
    const update = async (replicaSet: ReplicaSet) =>
      this.loop.wrote(key, this.#replicaSets, await this.#context.client.update(ReplicaSet, replicaSet));
    await Promise.all(release.map(update));
    return [...owned, ...(await Promise.all(adopt.map(update)))];
  }

  /** Pods that have not ended yet, also those on their way out. */
  #oldPods(replicaSets: readonly ReplicaSet[], current: ReplicaSet | undefined): number {
    return replicaSets
      .filter((replicaSet) => replicaSet !== current)
      .reduce(
        (sum, { metadata }) =>
          sum + [...this.#pods.byIndex('owner', metadata.uid)].filter((pod) => !isFinished(pod)).length,
        0,
      );
  }

  async #create(key: string, deployment: Deployment, replicaSet: NewReplicaSet): Promise<ReplicaSet | undefined> {
    const { client, recorder } = this.#context;
    try {
      const created = this.loop.wrote(key, this.#replicaSets, await client.create(ReplicaSet, replicaSet));
      const { name } = created.metadata;
      recorder.record(
        deployment,
        'Normal',
        'ScalingReplicaSet',
        `Scaled up replica set ${name} from 0 to ${created.spec.replicas}`,
      );
      return created;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      await this.#resolveCollision(key, deployment, replicaSet);
      return undefined;
    }
  }

  /** Another template of this name: the next attempt hashes with a higher count and so gets another name. */
  async #resolveCollision(key: string, deployment: Deployment, { metadata }: NewReplicaSet): Promise<void> {
    const { client } = this.#context;
    const found = await client.get(ReplicaSet, metadata.name, { namespace: metadata.namespace });
    this.loop.wrote(key, this.#replicaSets, found);
    if (isOwnCreation(deployment, found)) {
      this.loop.add(key);
      return;
    }
    const status = { ...deployment.status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
    this.loop.wrote(key, this.#deployments, await client.updateStatus(Deployment, { ...deployment, status }));
  }

  async #update(key: string, deployment: Deployment, replicaSet: ReplicaSet): Promise<void> {
    const { client, recorder } = this.#context;
    const before = this.#replicaSets.get(key.replace(/[^/]*$/, replicaSet.metadata.name))?.spec.replicas;
    const { spec, metadata } = this.loop.wrote(key, this.#replicaSets, await client.update(ReplicaSet, replicaSet));
    if (before === undefined || before === spec.replicas) return;
    const direction = before < spec.replicas ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${metadata.name} from ${before} to ${spec.replicas}`;
    recorder.record(deployment, 'Normal', 'ScalingReplicaSet', message);
  }

  async #showRevision(key: string, deployment: Deployment, revision: string): Promise<Deployment> {
    const annotations = { ...deployment.metadata.annotations, [revisionAnnotation]: revision };
    const metadata = { ...deployment.metadata, annotations };
    const updated = await this.#context.client.update(Deployment, { ...deployment, metadata });
    return this.loop.wrote(key, this.#deployments, updated);
  }

  async #writeStatus(
    key: string,
    deployment: Deployment,
    plan: DeploymentPlan,
    created: ReplicaSet | undefined,
  ): Promise<void> {
    if (plan.create && !created) return;
    const { clock, client } = this.#context;
    const { current, old } = plan;
    const { status, nextChangeMs } = planStatus(
      deployment,
      current ?? created,
      old,
      clock.now(),
      created !== undefined,
    );
    if (nextChangeMs !== undefined) this.loop.addAfter(key, nextChangeMs + 1000);
    if (isDeepStrictEqual(status, deployment.status)) return;
    this.loop.wrote(key, this.#deployments, await client.updateStatus(Deployment, { ...deployment, status }));
  }
}
