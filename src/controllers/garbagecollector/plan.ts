import type { KubeObject, OwnerReference } from '../../kube/mod.ts';

/** Finalizers by which a delete request says what is to become of the dependents. */
export const orphanFinalizer = 'orphan';
export const foregroundFinalizer = 'foregroundDeletion';

/** `leaving`: it is being deleted in the foreground, and waits for those that block it. */
export type OwnerState = 'present' | 'leaving' | 'absent';

export type Verdict =
  | { readonly type: 'keep' }
  /** Some of its owners are gone, others are not: it keeps these. */
  | { readonly type: 'detach'; readonly owners: readonly OwnerReference[] }
  | { readonly type: 'delete'; readonly propagationPolicy: 'Background' | 'Foreground' };

/**
 * What becomes of a dependent (upstream's attemptToDeleteItem).
 * @param blocksOthers whether it has dependents of its own that block a foreground deletion
 */
export function judge(
  object: KubeObject,
  stateOf: (owner: OwnerReference) => OwnerState,
  blocksOthers: boolean,
): Verdict {
  const owners = object.metadata.ownerReferences ?? [];
  const states = owners.map(stateOf);
  if (owners.length === 0 || object.metadata.deletionTimestamp) return { type: 'keep' };
  if (states.includes('present')) {
    const left = owners.filter((_owner, i) => states[i] === 'present');
    return left.length === owners.length ? { type: 'keep' } : { type: 'detach', owners: left };
  }
  const isForeground = states.includes('leaving') && blocksOthers;
  return { type: 'delete', propagationPolicy: isForeground ? 'Foreground' : 'Background' };
}

export const hasFinalizer = ({ metadata }: KubeObject, finalizer: string): boolean =>
  metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(finalizer) === true;

export const blocks = (dependent: KubeObject, ownerUid: string): boolean =>
  dependent.metadata.ownerReferences?.some(({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion) ===
  true;

export function withOwners<S extends KubeObject>(object: S, owners: readonly OwnerReference[]): S {
  const { ownerReferences: _before, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, ...(owners.length > 0 ? { ownerReferences: [...owners] } : {}) } };
}

export function withoutFinalizer<S extends KubeObject>(object: S, finalizer: string): S {
  const { finalizers = [], ...metadata } = object.metadata;
  const left = finalizers.filter((name) => name !== finalizer);
  return { ...object, metadata: { ...metadata, ...(left.length > 0 ? { finalizers: left } : {}) } };
}
