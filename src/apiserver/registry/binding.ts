import { badRequest, conflict, formatTime, Pod } from '../../kube/mod.ts';
import { isObject } from '../request/decode.ts';
import { refuse } from '../status-error.ts';

/** What a Binding asks for: the node, and the Pod's uid when it is about that very Pod. */
export interface BindingTarget {
  readonly nodeName: string;
  readonly uid: string | undefined;
}

export function readBinding(body: Record<string, unknown>): BindingTarget {
  const target = isObject(body.target) ? body.target : {};
  if (target.kind !== undefined && target.kind !== '' && target.kind !== 'Node')
    refuse(badRequest(`target.kind: Unsupported value: ${JSON.stringify(target.kind)}: supported values: "Node"`));
  if (typeof target.name !== 'string' || target.name === '') return refuse(badRequest('target.name: Required value'));
  const metadata = isObject(body.metadata) ? body.metadata : {};
  return { nodeName: target.name, uid: typeof metadata.uid === 'string' ? metadata.uid : undefined };
}

/** Upstream's setPodHostAndAnnotations: a Pod is assigned once, and not when it is on its way out. */
export function bindPod(draft: Pod, { nodeName, uid }: BindingTarget, nowMs: number): Pod {
  const { name, uid: actualUid, deletionTimestamp } = draft.metadata;
  const refused = (why: string) => refuse(conflict({ ...Pod, plural: 'pods/binding' }, name, why));
  if (uid && uid !== actualUid)
    refused(`Precondition failed: UID in precondition: ${uid}, UID in object meta: ${actualUid}`);
  if (deletionTimestamp) refused(`pod ${name} is being deleted, cannot be assigned to a host`);
  if (draft.spec.nodeName) refused(`pod ${name} is already assigned to node ${JSON.stringify(draft.spec.nodeName)}`);
  draft.spec.nodeName = nodeName;
  const conditions = (draft.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  const scheduled = { type: 'PodScheduled', status: 'True' as const, lastTransitionTime: formatTime(nowMs) };
  draft.status = { ...draft.status, conditions: [...conditions, scheduled] };
  return draft;
}
