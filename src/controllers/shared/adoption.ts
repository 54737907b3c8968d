import {
  controllerOf,
  controllerReference,
  isControlledBy,
  type KubeObject,
  type LabelSelector,
  matchesSelector,
  type Resource,
} from '../../kube/mod.ts';

export interface Claims<S> {
  /** Owned, and rightly so. */
  readonly owned: readonly S[];
  /** As they are to be written, with the owner as their controller. */
  readonly adopt: readonly S[];
  /** As they are to be written, without it. */
  readonly release: readonly S[];
}

interface Owner extends KubeObject {
  spec: { selector: LabelSelector };
}

/**
 * Upstream's ControllerRefManager: what the owner's selector selects and nobody controls is adopted, what it controls
 * and no longer selects is released. An owner on its way out takes nothing new and lets nothing go.
 */
export function claim<S extends KubeObject>(resource: Resource, owner: Owner, candidates: Iterable<S>): Claims<S> {
  const claims = { owned: [] as S[], adopt: [] as S[], release: [] as S[] };
  const isLeaving = owner.metadata.deletionTimestamp !== undefined;
  for (const object of candidates) {
    const isSelected = matchesSelector(owner.spec.selector, object.metadata.labels);
    if (isControlledBy(object, owner)) {
      if (isSelected || isLeaving) claims.owned.push(object);
      else claims.release.push(withoutOwner(object, owner));
    } else if (isSelected && !isLeaving && !controllerOf(object) && !object.metadata.deletionTimestamp) {
      claims.adopt.push(withOwner(resource, object, owner));
    }
  }
  return claims;
}

const withOwner = <S extends KubeObject>(resource: Resource, object: S, owner: KubeObject): S => ({
  ...object,
  metadata: {
    ...object.metadata,
    ownerReferences: [...(object.metadata.ownerReferences ?? []), controllerReference(resource, owner)],
  },
});

function withoutOwner<S extends KubeObject>(object: S, owner: KubeObject): S {
  const { ownerReferences = [], ...metadata } = object.metadata;
  const left = ownerReferences.filter(({ uid }) => uid !== owner.metadata.uid);
  return { ...object, metadata: { ...metadata, ...(left.length > 0 ? { ownerReferences: left } : {}) } };
}
