import type { User } from '../../base/exchange.ts';

/** The names that upstream gives to what every cluster has (apiserver/pkg/authentication/user). */
export const mastersGroup = 'system:masters';
export const authenticatedGroup = 'system:authenticated';
export const unauthenticatedGroup = 'system:unauthenticated';
export const nodesGroup = 'system:nodes';

export const anonymous: User = { name: 'system:anonymous', groups: [unauthenticatedGroup] };

/** The server itself, where it calls itself. */
export const loopback: User = { name: 'system:apiserver', groups: [mastersGroup, authenticatedGroup] };

const accountPrefix = 'system:serviceaccount:';

export const accountUserName = (namespace: string, name: string): string => `${accountPrefix}${namespace}:${name}`;

/** The groups that a ServiceAccount is in. */
export const accountGroups = (namespace: string): string[] => [
  'system:serviceaccounts',
  `system:serviceaccounts:${namespace}`,
];

/** The ServiceAccount that a user name stands for, if it does. */
export function accountOf(userName: string): { namespace: string; name: string } | undefined {
  if (!userName.startsWith(accountPrefix)) return undefined;
  const [namespace, name, ...more] = userName.slice(accountPrefix.length).split(':');
  return namespace && name && more.length === 0 ? { namespace, name } : undefined;
}

/** A component that is no ServiceAccount: `system:kube-scheduler`. */
export const componentUser = (name: string): User => ({ name, groups: [authenticatedGroup] });

/** A controller, by the name of its role without `system:controller:`. */
export const controllerUser = (name: string): User => ({
  name: accountUserName('kube-system', name),
  groups: [...accountGroups('kube-system'), authenticatedGroup],
});

const nodePrefix = 'system:node:';

/** The node whose agent this is: by its name and its group, neither alone (upstream's nodeidentifier). */
export const nodeOf = ({ name, groups }: User): string | undefined =>
  name.startsWith(nodePrefix) && groups.includes(nodesGroup) ? name.slice(nodePrefix.length) : undefined;
