import type { Impersonation, User } from '../../base/exchange.ts';
import { internalError } from '../../kube/mod.ts';
import { refuse } from '../status-error.ts';
import type { ResourceAttributes } from './attributes.ts';
import type { Authorizer } from './authorizer.ts';
import { accountGroups, accountOf, anonymous, authenticatedGroup, unauthenticatedGroup } from './users.ts';

/** The user that a request is to be taken as: each part of them must be allowed (upstream's WithImpersonation). */
export function impersonate(authorizer: Authorizer, asker: User, wanted: Impersonation | undefined): User {
  if (!wanted) return asker;
  const { user, groups, uid, extra } = wanted;
  if (user === '') refuse(internalError('groups, a uid or extra were to be impersonated without a user'));
  for (const what of whatIsAsked(wanted))
    authorizer.demand({ ...nothing, type: 'resource', user: asker, verb: 'impersonate', ...what });
  return {
    name: user,
    groups: groupsOf(user, groups),
    ...(uid !== undefined && { uid }),
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

const nothing = { group: '', subresource: '', namespace: '', fields: [] };
type Asked = Pick<ResourceAttributes, 'resource' | 'name'> & Partial<ResourceAttributes>;

function* whatIsAsked({ user, groups, uid, extra }: Impersonation): Generator<Asked> {
  const account = accountOf(user);
  if (account) yield { resource: 'serviceaccounts', namespace: account.namespace, name: account.name };
  else yield { resource: 'users', name: user };
  for (const name of groups) yield { resource: 'groups', name };
  const group = 'authentication.k8s.io';
  for (const [subresource, values] of Object.entries(extra))
    for (const name of values) yield { group, resource: 'userextras', subresource, name };
  if (uid !== undefined) yield { group, resource: 'uids', name: uid };
}

function groupsOf(user: string, given: readonly string[]): string[] {
  const account = accountOf(user);
  const groups = account && given.length === 0 ? accountGroups(account.namespace) : [...given];
  const own = user === anonymous.name ? unauthenticatedGroup : authenticatedGroup;
  const isSaid = groups.includes(authenticatedGroup) || groups.includes(unauthenticatedGroup);
  return isSaid ? groups : [...groups, own];
}
