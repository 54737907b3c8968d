import { labelSelector, typeAndMeta } from '../meta.ts';
import { defineResource } from '../resource.ts';
import { atomic, filled, list, object, required, type StoredOf, string } from '../schema.ts';

export const rbacGroup = 'rbac.authorization.k8s.io';

/** rbacv1.PolicyRule: verbs on resources, or on paths that are none (only in a ClusterRole). */
export const policyRule = object({
  verbs: required(list(string())),
  apiGroups: list(string()),
  resources: list(string()),
  /** None: all of them. */
  resourceNames: list(string()),
  nonResourceURLs: list(string()),
});
export type PolicyRule = StoredOf<typeof policyRule>;

/** rbacv1.Subject: a User, a Group or a ServiceAccount. */
export const subject = atomic(
  object({ kind: required(string()), apiGroup: string(), name: required(string()), namespace: string() }),
);
export type Subject = StoredOf<typeof subject>;

export const roleRef = atomic(
  object({ apiGroup: filled(string()), kind: required(string()), name: required(string()) }),
);

export const Role = defineResource(
  { group: rbacGroup, kind: 'Role', plural: 'roles' },
  object({ ...typeAndMeta, rules: list(policyRule) }),
);
export type Role = NonNullable<(typeof Role)['_stored']>;

export const ClusterRole = defineResource(
  { group: rbacGroup, kind: 'ClusterRole', plural: 'clusterroles', namespaced: false },
  object({
    ...typeAndMeta,
    rules: list(policyRule),
    aggregationRule: object({ clusterRoleSelectors: list(labelSelector) }),
  }),
);
export type ClusterRole = NonNullable<(typeof ClusterRole)['_stored']>;

const bindingFields = { ...typeAndMeta, subjects: list(subject), roleRef: required(roleRef) };

export const RoleBinding = defineResource(
  { group: rbacGroup, kind: 'RoleBinding', plural: 'rolebindings' },
  object(bindingFields),
);
export type RoleBinding = NonNullable<(typeof RoleBinding)['_stored']>;

export const ClusterRoleBinding = defineResource(
  { group: rbacGroup, kind: 'ClusterRoleBinding', plural: 'clusterrolebindings', namespaced: false },
  object(bindingFields),
);
export type ClusterRoleBinding = NonNullable<(typeof ClusterRoleBinding)['_stored']>;
