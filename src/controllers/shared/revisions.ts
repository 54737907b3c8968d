import {
  type ControllerRevision,
  controllerReference,
  type KubeInput,
  type KubeObject,
  type LabelSelector,
  type Pod,
  type Resource,
  type StatefulSet,
} from '../../kube/mod.ts';
import { canonical, contentHash } from './content-hash.ts';

export type Template = StatefulSet['spec']['template'];

/** What has its templates kept as ControllerRevisions. */
export interface Revised extends KubeObject {
  spec: { selector: LabelSelector; template: Template; revisionHistoryLimit?: number };
  status?: { collisionCount?: number };
}

/** On a revision: the hash in its name. */
export const hashLabel = 'controller.kubernetes.io/hash';
/** On a Pod: which revision it was made from. */
export const revisionLabel = 'controller-revision-hash';

/** A revision to create, as it is written. */
export type NewRevision = Omit<ControllerRevision, 'metadata' | 'apiVersion' | 'kind'> & {
  metadata: NonNullable<KubeInput['metadata']> & { name: string; namespace: string };
};

/** What becomes of the present template: it is the newest already, an older one comes back, or it is new. */
export type RevisionStep =
  | { readonly type: 'keep'; readonly revision: ControllerRevision }
  | { readonly type: 'renumber'; readonly revision: ControllerRevision }
  | { readonly type: 'create'; readonly revision: NewRevision };

/** Upstream's getStatefulSetRevisions and constructHistory. */
export function planRevision(
  resource: Resource,
  owner: Revised,
  revisions: readonly ControllerRevision[],
): RevisionStep {
  const sorted = inOrder(revisions);
  const data = patchOf(owner.spec.template);
  const newest = sorted.at(-1);
  const number = (newest?.revision ?? 0) + 1;
  const equal = sorted.findLast((revision) => isSameData(revision.data, data));
  if (equal) return equal === newest ? { type: 'keep', revision: equal } : renumbered(equal, number);
  return { type: 'create', revision: newRevision(resource, owner, data, number) };
}

export const inOrder = (revisions: readonly ControllerRevision[]): ControllerRevision[] =>
  [...revisions].sort((a, b) => a.revision - b.revision || (a.metadata.name < b.metadata.name ? -1 : 1));

export const isSameData = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b);

const renumbered = (revision: ControllerRevision, number: number): RevisionStep => ({
  type: 'renumber',
  revision: { ...revision, revision: number },
});

/** A strategic merge patch that brings the template back; `kubectl rollout undo` sends it as it is. */
const patchOf = (template: Template) => ({ spec: { template: { ...template, $patch: 'replace' } } });

function newRevision(resource: Resource, owner: Revised, data: object, revision: number): NewRevision {
  const { name, namespace } = owner.metadata;
  const hash = contentHash(data, owner.status?.collisionCount);
  return {
    metadata: {
      name: `${name}-${hash}`,
      namespace: namespace!,
      labels: { ...owner.spec.template.metadata?.labels, [hashLabel]: hash },
      ownerReferences: [controllerReference(resource, owner)],
    },
    data,
    revision,
  };
}

/** The template that a revision stands for. */
export function templateOf({ data }: Pick<ControllerRevision, 'data'>): Template {
  const { $patch: _, ...template } = (data as { spec: { template: Template & { $patch?: string } } }).spec.template;
  return template;
}

export const revisionOf = (pod: Pod): string | undefined => pod.metadata.labels?.[revisionLabel];

/** The oldest of those that nothing uses, beyond the limit. */
export function staleRevisions(
  revisions: readonly ControllerRevision[],
  isUsed: (revision: ControllerRevision) => boolean,
  limit = 10,
): ControllerRevision[] {
  const unused = inOrder(revisions).filter((revision) => !isUsed(revision));
  return unused.slice(0, Math.max(0, unused.length - limit));
}
