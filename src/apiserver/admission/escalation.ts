import { isDeepStrictEqual } from 'node:util';
import {
  ClusterRole,
  type ClusterRoleBinding,
  forbidden,
  type KubeObject,
  notFound,
  type PolicyRule,
  type Resource,
  Role,
  type RoleBinding,
  rbacGroup,
} from '../../kube/mod.ts';
import { errorsText } from '../authorization/authorizer.ts';
import { ruleText, uncovered, wordsText } from '../authorization/cover.ts';
import { mastersGroup } from '../authorization/users.ts';
import { refuse } from '../status-error.ts';
import type { Admission, Review } from './admission.ts';

type AnyRole = Role | ClusterRole;
type AnyBinding = RoleBinding | ClusterRoleBinding;

/**
 * Nobody gives what they do not have, neither by a role nor by a binding, unless they may `escalate` the role or `bind`
 * it (registry/rbac's policybased storage).
 */
export const checkEscalation: Admission = (review) => {
  const { resource, after, user } = review;
  if (resource.group !== rbacGroup || !after || user.groups.includes(mastersGroup)) return;
  if (isOnlyCollected(review.before, after)) return;
  if (resource.kind === 'Role' || resource.kind === 'ClusterRole') checkRole(review, after as AnyRole);
  else checkBinding(review, after as AnyBinding);
};

/** The garbage collector takes owners and finalizers away, whatever the role says. */
function isOnlyCollected(before: KubeObject | undefined, after: KubeObject): boolean {
  if (!before) return false;
  const without = ({ metadata: { ownerReferences: _, finalizers: __, ...metadata }, ...rest }: KubeObject) => ({
    ...rest,
    metadata,
  });
  return isDeepStrictEqual(without(before), without(after));
}

function checkRole(review: Review, after: AnyRole): void {
  const before = review.before as AnyRole | undefined;
  if (isPermitted(review, 'escalate', review.resource, after.metadata.name)) return;
  const { aggregationRule } = after as ClusterRole;
  const aggregatedBefore = (before as ClusterRole | undefined)?.aggregationRule;
  // What will be aggregated is anybody's guess, so it counts as everything.
  if (aggregationRule && !isDeepStrictEqual(aggregationRule, aggregatedBefore)) demandHeld(review, allRules);
  if (!before || !isDeepStrictEqual(after.rules, before.rules)) demandHeld(review, after.rules ?? []);
}

const allRules: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

function checkBinding(review: Review, { roleRef, metadata }: AnyBinding): void {
  const resource: Resource = roleRef.kind === 'ClusterRole' ? ClusterRole : Role;
  if (isPermitted(review, 'bind', resource, roleRef.name)) return;
  const rules = review.authorizer.roles.rulesOf(roleRef, metadata.namespace);
  demandHeld(review, rules ?? refuse(notFound(resource, roleRef.name)));
}

function isPermitted({ authorizer, user, after }: Review, verb: string, resource: Resource, name: string): boolean {
  const namespace = after!.metadata.namespace ?? '';
  const { group, plural } = resource;
  const about = { group, resource: plural, subresource: '', namespace, name, fields: [] };
  return authorizer.allows({ type: 'resource', user, verb, ...about });
}

function demandHeld({ authorizer, user, resource, after }: Review, wanted: readonly PolicyRule[]): void {
  const held = authorizer.rulesOf(user, after!.metadata.namespace ?? '');
  const missing = uncovered(held.rules, wanted);
  if (missing.length === 0) return;
  const who = `user ${JSON.stringify(user.name)} (groups=${wordsText(user.groups)})`;
  const what = missing.map(ruleText).sort().join('\n');
  const because = held.errors.length === 0 ? '' : `; resolution errors: ${errorsText(held.errors)}`;
  const why = `${who} is attempting to grant RBAC permissions not currently held:\n${what}${because}`;
  refuse(forbidden(resource, after!.metadata.name, why));
}
