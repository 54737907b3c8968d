import { isDeepStrictEqual } from 'node:util';
import type { User } from '../../base/exchange.ts';
import { forbidden, type KubeObject, type Node, type Pod, type Resource, ServiceAccount } from '../../kube/mod.ts';
import { referencesOf } from '../authorization/pod-references.ts';
import { nodeOf } from '../authorization/users.ts';
import { refuse } from '../status-error.ts';
import type { Admission, Review } from './admission.ts';

/**
 * A node's agent writes what is its own: its Node and Lease, and the Pods that are bound to it (upstream's
 * NodeRestriction plugin).
 */
export const restrictNodes: Admission = (review) => {
  const node = nodeOf(review.user);
  if (node === undefined) return;
  const why = judges[review.resource.kind]?.(review, node);
  if (why !== undefined) refuse(forbidden(review.resource, nameOf(review), why));
};

/** A token that an agent asks for goes with one Pod that runs there. */
export function checkNodesToken(
  user: User,
  account: ServiceAccount,
  pod: Pod | undefined,
  reference: { readonly uid?: string } | undefined,
): void {
  const node = nodeOf(user);
  if (node === undefined) return;
  const deny = (why: string) => refuse(forbidden(ServiceAccount, account.metadata.name, why));
  if (!pod) deny('node requested token not bound to a pod');
  else if (!reference?.uid) deny('node requested token bound to a pod without specifying the uid');
  else if (pod.spec.nodeName !== node) deny('node requested token bound to a pod scheduled on a different node');
}

const nameOf = ({ after, before }: Review): string => (after ?? before)!.metadata.name;
const quoted = (text: string) => JSON.stringify(text);

/** What is wrong with it; undefined: nothing. */
type Judge = (review: Review, node: string) => string | undefined;

const judges: Readonly<Record<Resource['kind'], Judge>> = {
  Pod(review, node) {
    const { subresource, after, before } = review;
    if (subresource === 'status') return changesPodStatus(before as Pod, after as Pod, node);
    if (subresource === 'eviction') return unlessBound(before, node, `node ${node} can only evict pods`);
    if (after && !before) return createsPod(after as Pod, node);
    if (!after && before) return unlessBound(before, node, `node ${quoted(node)} can only delete pods`);
    return 'unexpected operation';
  },
  Node(review, node) {
    const name = nameOf(review);
    if (name !== node) return `node ${quoted(node)} is not allowed to modify node ${quoted(name)}`;
    return changesNode(review, node);
  },
  Lease(review, node) {
    const { namespace, name } = (review.after ?? review.before)!.metadata;
    const isOwn = namespace === 'kube-node-lease' && name === node;
    return isOwn ? undefined : `can only access node lease with the same name as the requesting node`;
  },
};

const unlessBound = (pod: KubeObject | undefined, node: string, what: string): string | undefined =>
  (pod as Pod | undefined)?.spec.nodeName === node ? undefined : `${what} with spec.nodeName set to itself`;

function changesPodStatus(before: Pod, after: Pod, node: string): string | undefined {
  if (!isDeepStrictEqual(before.metadata.labels, after.metadata.labels))
    return `node ${quoted(node)} cannot update labels through pod status`;
  return unlessBound(before, node, `node ${quoted(node)} can only update pod status for pods`);
}

const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** A mirror shows a Pod that the agent was given by a file. What it referred to, the agent could read. */
function createsPod(pod: Pod, node: string): string | undefined {
  const { metadata, spec } = pod;
  if (metadata.annotations?.[mirrorAnnotation] === undefined)
    return `pod does not have ${quoted(mirrorAnnotation)} annotation, node ${quoted(node)} can only create mirror pods`;
  if (spec.nodeName !== node) return `node ${quoted(node)} can only create pods with spec.nodeName set to itself`;
  for (const [plural, what] of mirrorsWithout) {
    if ([...referencesOf(pod)].some((key) => key.startsWith(`${plural}/`)))
      return `node ${quoted(node)} can not create pods that reference ${what}`;
  }
  const [owner, ...others] = metadata.ownerReferences ?? [];
  if (others.length > 0 || (owner && (owner.kind !== 'Node' || owner.name !== node)))
    return `node ${quoted(node)} can only create pods with an owner reference set to itself`;
  return undefined;
}

const mirrorsWithout: readonly [string, string][] = [
  ['serviceaccounts', 'a service account'],
  ['secrets', 'secrets'],
  ['configmaps', 'configmaps'],
];

function changesNode({ after, before }: Review, node: string): string | undefined {
  const [now, then] = [after as Node | undefined, before as Node | undefined];
  if (!now) return `node ${quoted(node)} is not allowed to delete itself`;
  const labels = forbiddenChanges(then?.metadata.labels ?? {}, now.metadata.labels ?? {});
  if (labels.length > 0)
    return `is not allowed to ${then ? 'modify' : 'set the following'} labels: ${labels.join(', ')}`;
  if (!then) return undefined;
  if (!isDeepStrictEqual(then.spec.taints, now.spec.taints))
    return `node ${quoted(node)} is not allowed to modify taints`;
  if (!isDeepStrictEqual(then.metadata.ownerReferences, now.metadata.ownerReferences))
    return `node ${quoted(node)} is not allowed to modify ownerReferences`;
  return undefined;
}

/** Labels by which others choose nodes: an agent that could give them to itself could call Pods, and their Secrets, to it. */
function forbiddenChanges(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => before[key] !== after[key] && !isOwnLabel(key)).sort();
}

/** kubeletapis.IsKubeletLabel. */
const ownLabels = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
]);
const ownPrefixes = ['kubelet.kubernetes.io', 'node.kubernetes.io'];

function isOwnLabel(key: string): boolean {
  const slash = key.indexOf('/');
  if (slash < 0 || ownLabels.has(key)) return true;
  const prefix = key.slice(0, slash);
  if (ownPrefixes.some((own) => prefix === own || prefix.endsWith(`.${own}`))) return true;
  return !['kubernetes.io', 'k8s.io'].some((reserved) => prefix === reserved || prefix.endsWith(`.${reserved}`));
}
