import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding, Subject } from '../kinds/rbac.ts';
import { ageColumn, type Column, column, nameColumn, wide } from './column.ts';

export const roleColumns: readonly Column<Role | ClusterRole>[] = [
  nameColumn,
  column('Created At', 'When the role was created', ({ metadata }) => metadata.creationTimestamp),
];

export const roleBindingColumns: readonly Column<RoleBinding | ClusterRoleBinding>[] = [
  nameColumn,
  column('Role', 'The role that is given', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
  ageColumn,
  wide('Users', 'The users that have it', ({ subjects }) => namesOf(subjects, 'User')),
  wide('Groups', 'The groups that have it', ({ subjects }) => namesOf(subjects, 'Group')),
  wide('ServiceAccounts', 'The ServiceAccounts that have it', ({ subjects }) => namesOf(subjects, 'ServiceAccount')),
];

const namesOf = (subjects: readonly Subject[] = [], kind: string): string =>
  subjects
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
    .join(', ');
