import { isDeepStrictEqual } from 'node:util';
import { controllerReference, Deployment, type ReplicaSet } from '../../kube/mod.ts';
import {
  currentAnnotations,
  desiredReplicasAnnotation,
  revisionAnnotation,
  revisionOf,
  sizeAnnotations,
} from './annotations.ts';
import { currentSize, proportionalStep, rollingStep, type Sizes } from './sizes.ts';
import { isComplete } from './status.ts';
import { findCurrent, hashLabel, isSameTemplate, templateHash, withHash } from './template.ts';

export type NewReplicaSet = ReturnType<typeof newReplicaSet>;

/** One step of a Deployment; the next one is planned when what this one wrote is in view. */
export interface DeploymentPlan {
  readonly current: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  readonly create?: NewReplicaSet;
  readonly update: readonly ReplicaSet[];
  /** ReplicaSets beyond revisionHistoryLimit. */
  readonly delete: readonly ReplicaSet[];
  /** The revision that the Deployment itself is to show, when it shows another. */
  readonly revision: string | undefined;
}

/**
 * @param replicaSets those that the Deployment owns
 * @param oldPods how many Pods of other ReplicaSets than the current one still run: what Recreate waits for
 */
export function planDeployment(
  deployment: Deployment,
  replicaSets: readonly ReplicaSet[],
  oldPods: (current: ReplicaSet | undefined) => number,
): DeploymentPlan {
  const current = findCurrent(deployment, replicaSets);
  // Later ReplicaSets of the same template count as old ones, as upstream has it.
  const old = replicaSets.filter((replicaSet) => replicaSet !== current);
  const idle = { current, old, update: [], delete: [], revision: undefined };
  if (deployment.metadata.deletionTimestamp) return idle;
  if (deployment.spec.paused || wasScaled(deployment, replicaSets)) {
    return { ...idle, update: resized(deployment, proportionalStep(deployment, current, old)) };
  }
  const step = deployment.spec.strategy.type === 'Recreate' ? recreate : roll;
  return { ...idle, ...step(deployment, current, old, oldPods) };
}

const wasScaled = ({ spec }: Deployment, replicaSets: readonly ReplicaSet[]): boolean =>
  replicaSets.some(({ spec: { replicas }, metadata }) => {
    const desired = metadata.annotations?.[desiredReplicasAnnotation];
    return replicas > 0 && desired !== undefined && desired !== String(spec.replicas);
  });

type Step = Partial<Pick<DeploymentPlan, 'create' | 'update' | 'delete' | 'revision'>>;

function roll(deployment: Deployment, current: ReplicaSet | undefined, old: readonly ReplicaSet[]): Step {
  if (!current) return { create: newReplicaSet(deployment, old) };
  const annotated = currentWithAnnotations(deployment, current, old);
  if (annotated) return { update: [annotated] };
  const update = resized(deployment, rollingStep(deployment, current, old));
  return { ...finish(deployment, current, old), update };
}

function recreate(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  oldPods: (current: ReplicaSet | undefined) => number,
): Step {
  const shrink: Sizes = new Map(old.filter(({ spec }) => spec.replicas > 0).map((replicaSet) => [replicaSet, 0]));
  if (shrink.size > 0) return { update: resized(deployment, shrink) };
  if (oldPods(current) > 0) return {};
  if (!current) return { create: newReplicaSet(deployment, old) };
  const annotated = currentWithAnnotations(deployment, current, old);
  if (annotated) return { update: [annotated] };
  const size: Sizes = new Map([[current, deployment.spec.replicas]]);
  return { ...finish(deployment, current, old), update: resized(deployment, size) };
}

/** What is left to do beside the sizes. */
function finish(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Step {
  const shown = deployment.metadata.annotations?.[revisionAnnotation];
  const revision = current.metadata.annotations?.[revisionAnnotation];
  return { revision: revision === shown ? undefined : revision, delete: beyondHistory(deployment, current, old) };
}

/** When the rollout is done, the oldest revisions beyond the limit go (upstream's cleanupDeployment). */
function beyondHistory(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): ReplicaSet[] {
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = deployment.status ?? {};
  if (!isComplete(deployment, { replicas, updatedReplicas, availableReplicas })) return [];
  const idle = old.filter(
    ({ metadata, spec, status }) =>
      !metadata.deletionTimestamp &&
      spec.replicas === 0 &&
      (status?.replicas ?? 0) === 0 &&
      (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0) &&
      revisionOf({ metadata }) < revisionOf(current),
  );
  const surplus = idle.length - (deployment.spec.revisionHistoryLimit ?? 10);
  return surplus <= 0 ? [] : idle.sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, surplus);
}

function currentWithAnnotations(
  deployment: Deployment,
  current: ReplicaSet,
  old: readonly ReplicaSet[],
): ReplicaSet | undefined {
  const annotations = currentAnnotations(deployment, current, old);
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  const isSame =
    isDeepStrictEqual(annotations, current.metadata.annotations) &&
    minReadySeconds === (current.spec.minReadySeconds ?? 0);
  if (isSame) return undefined;
  const { minReadySeconds: _before, ...spec } = current.spec;
  return {
    ...current,
    metadata: { ...current.metadata, annotations },
    spec: { ...spec, ...(minReadySeconds === 0 ? {} : { minReadySeconds }) },
  };
}

/** The ReplicaSets whose size, or the wanted size that they remember, is not what it is to be. */
function resized(deployment: Deployment, sizes: Sizes): ReplicaSet[] {
  return [...sizes].flatMap(([replicaSet, replicas]) => {
    const annotations = { ...replicaSet.metadata.annotations, ...sizeAnnotations(deployment) };
    const isSame =
      replicas === replicaSet.spec.replicas && isDeepStrictEqual(annotations, replicaSet.metadata.annotations);
    if (isSame) return [];
    return [
      { ...replicaSet, metadata: { ...replicaSet.metadata, annotations }, spec: { ...replicaSet.spec, replicas } },
    ];
  });
}

function newReplicaSet(deployment: Deployment, old: readonly ReplicaSet[]) {
  const { metadata, spec } = deployment;
  const hash = templateHash(spec.template, deployment.status?.collisionCount);
  const template = withHash(spec.template, hash);
  return {
    metadata: {
      name: `${metadata.name}-${hash}`,
      namespace: metadata.namespace!,
      labels: template.metadata!.labels!,
      annotations: { ...currentAnnotations(deployment, undefined, old) },
      ownerReferences: [controllerReference(Deployment, deployment)],
    },
    spec: {
      replicas: currentSize(deployment, 0, old),
      ...(spec.minReadySeconds ? { minReadySeconds: spec.minReadySeconds } : {}),
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [hashLabel]: hash } },
      template,
    },
  };
}

/** The name of a new ReplicaSet is taken: by itself, created by an earlier attempt, or by another template's. */
export const isOwnCreation = (deployment: Deployment, found: ReplicaSet): boolean =>
  found.metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === deployment.metadata.uid) ===
    true && isSameTemplate(found.spec.template, deployment.spec.template);
