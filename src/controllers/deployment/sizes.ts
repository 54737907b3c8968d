import type { Deployment, ReplicaSet } from '../../kube/mod.ts';
import { desiredReplicasAnnotation, maxReplicasAnnotation } from './annotations.ts';
import { limitsOf } from './limits.ts';
import { oldestFirst } from './template.ts';

/** Replicas that a ReplicaSet is to have; those not in the map stay as they are. */
export type Sizes = Map<ReplicaSet, number>;

export const sumReplicas = (replicaSets: readonly ReplicaSet[]): number =>
  replicaSets.reduce((sum, { spec }) => sum + spec.replicas, 0);

export const sumAvailable = (replicaSets: readonly ReplicaSet[]): number =>
  replicaSets.reduce((sum, { status }) => sum + (status?.availableReplicas ?? 0), 0);

/** How many Pods the current ReplicaSet may have while `others` still have theirs (upstream's NewRSNewReplicas). */
export function currentSize(deployment: Deployment, current: number, others: readonly ReplicaSet[]): number {
  const { spec } = deployment;
  if (spec.strategy.type === 'Recreate') return spec.replicas;
  const room = spec.replicas + limitsOf(deployment).maxSurge - current - sumReplicas(others);
  if (room <= 0) return current;
  return current + Math.min(room, Math.max(0, spec.replicas - current));
}

/** One step of a rolling update: the current one grows first; when it cannot, the old ones shrink as far as they may. */
export function rollingStep(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Sizes {
  const size = current.spec.replicas;
  const wanted = size > deployment.spec.replicas ? deployment.spec.replicas : currentSize(deployment, size, old);
  if (wanted !== size) return new Map([[current, wanted]]);
  return shrinkOld(deployment, current, old);
}

/** Upstream's reconcileOldReplicaSets: Pods that serve nobody go first, then as many as minimum availability allows. */
function shrinkOld(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Sizes {
  const minAvailable = deployment.spec.replicas - limitsOf(deployment).maxUnavailable;
  const currentUnavailable = current.spec.replicas - (current.status?.availableReplicas ?? 0);
  const surplus = sumReplicas([...old, current]) - minAvailable - currentUnavailable;
  const sizes: Sizes = new Map();
  if (surplus <= 0) return sizes;
  let left = surplus;
  const shrink = (replicaSet: ReplicaSet, most: number) => {
    const by = Math.min(left, most);
    if (by <= 0) return 0;
    left -= by;
    sizes.set(replicaSet, (sizes.get(replicaSet) ?? replicaSet.spec.replicas) - by);
    return by;
  };
  const active = oldestFirst(old).filter(({ spec }) => spec.replicas > 0);
  for (const replicaSet of active) {
    shrink(replicaSet, replicaSet.spec.replicas - (replicaSet.status?.availableReplicas ?? 0));
  }
  left = Math.min(left, sumAvailable([...old, current]) - minAvailable);
  for (const replicaSet of active) shrink(replicaSet, sizes.get(replicaSet) ?? replicaSet.spec.replicas);
  return sizes;
}

/**
 * What a change of `spec.replicas` means while a rollout is under way: every ReplicaSet gets its share, so that a
 * broken new version does not take all of the growth (upstream's scale, pkg/controller/deployment/sync.go).
 */
export function proportionalStep(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): Sizes {
  const { replicas } = deployment.spec;
  const all = current ? [...old, current] : [...old];
  const active = all.filter(({ spec }) => spec.replicas > 0);
  if (active.length <= 1) {
    const only = active[0] ?? current ?? oldestFirst(old).at(-1);
    return only ? new Map([[only, replicas]]) : new Map();
  }
  if (current && isSaturated(deployment, current)) {
    return new Map(old.filter(({ spec }) => spec.replicas > 0).map((replicaSet) => [replicaSet, 0]));
  }
  // Which of them is to have how many is not a matter of shares then; they only take note of the new number.
  if (deployment.spec.strategy.type === 'Recreate') return new Map(active.map((each) => [each, each.spec.replicas]));
  return shares(deployment, active);
}

const isSaturated = ({ spec }: Deployment, { metadata, ...current }: ReplicaSet): boolean =>
  current.spec.replicas === spec.replicas &&
  metadata.annotations?.[desiredReplicasAnnotation] === String(spec.replicas) &&
  current.status?.availableReplicas === spec.replicas;

function shares(deployment: Deployment, active: readonly ReplicaSet[]): Sizes {
  const { replicas } = deployment.spec;
  const allowed = replicas > 0 ? replicas + limitsOf(deployment).maxSurge : 0;
  const toAdd = allowed - sumReplicas(active);
  // The largest first; of two as large, growth favours the newer one and shrinking the older one.
  const byAge = toAdd > 0 ? oldestFirst(active).reverse() : oldestFirst(active);
  const sorted = byAge.sort((a, b) => b.spec.replicas - a.spec.replicas);
  const sizes: Sizes = new Map();
  let added = 0;
  for (const replicaSet of sorted) {
    const share = shareOf(deployment, replicaSet, toAdd, added);
    added += share;
    sizes.set(replicaSet, replicaSet.spec.replicas + share);
  }
  const first = sorted[0]!;
  sizes.set(first, Math.max(0, sizes.get(first)! + toAdd - added));
  return sizes;
}

function shareOf(deployment: Deployment, { spec, metadata }: ReplicaSet, toAdd: number, added: number): number {
  if (toAdd === 0 || toAdd === added) return 0;
  const limit = deployment.spec.replicas + limitsOf(deployment).maxSurge;
  const before = Number(metadata.annotations?.[maxReplicasAnnotation]) || deployment.status?.replicas || limit;
  const share =
    deployment.spec.replicas === 0 ? -spec.replicas : Math.round((spec.replicas * limit) / before) - spec.replicas;
  return toAdd > 0 ? Math.min(share, toAdd - added) : Math.max(share, toAdd - added);
}
