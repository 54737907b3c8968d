import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../mod.ts';
import { testCases } from './validation-case.ts';

const get = (fields: object) => ({ rules: [{ verbs: ['get'], ...fields }] });
const roleRef = { kind: 'ClusterRole', name: 'view' };
const user = { kind: 'User', name: 'jane' };

testCases([
  { name: 'pods', resource: Role, object: get({ apiGroups: [''], resources: ['pods'] }), errors: [] },
  {
    name: 'nothing at all',
    resource: Role,
    object: { rules: [{ verbs: [] }] },
    errors: [
      'rules[0].verbs: Required value: verbs must contain at least one value',
      'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
      'rules[0].resources: Required value: resource rules must supply at least one resource',
    ],
  },
  {
    name: 'a path',
    resource: Role,
    object: get({ nonResourceURLs: ['/metrics'] }),
    errors: [
      'rules[0].nonResourceURLs: Invalid value: ["/metrics"]: namespaced rules cannot apply to non-resource URLs',
    ],
  },
  { name: 'a path', resource: ClusterRole, object: get({ nonResourceURLs: ['/metrics'] }), errors: [] },
  {
    name: 'a path and a resource',
    resource: ClusterRole,
    object: get({ nonResourceURLs: ['*'], apiGroups: [''], resources: ['pods'] }),
    errors: [
      'rules[0].nonResourceURLs: Invalid value: ["*"]: rules cannot apply to both regular resources and non-resource URLs',
    ],
  },
  {
    name: 'an aggregation of nothing',
    resource: ClusterRole,
    object: { aggregationRule: {} },
    errors: [
      'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
    ],
  },
  { name: 'a name with colons', resource: ClusterRole, object: { metadata: { name: 'system:x:Y' } }, errors: [] },
  {
    name: 'a name that is a path',
    resource: ClusterRole,
    object: { metadata: { name: 'a/b' } },
    errors: ['metadata.name: Invalid value: "a/b": may not contain \'/\''],
  },
  { name: 'a user', resource: RoleBinding, object: { roleRef, subjects: [user] }, errors: [] },
  {
    name: 'subjects of every wrong kind',
    resource: RoleBinding,
    object: {
      roleRef: { kind: 'Pod', name: '', apiGroup: 'apps' },
      subjects: [
        { kind: 'User', name: 'jane', apiGroup: 'v1' },
        { kind: 'ServiceAccount', name: 'A', apiGroup: 'x' },
        { kind: 'Pod', name: 'p' },
        { kind: 'Group', name: '' },
      ],
    },
    errors: [
      'roleRef.apiGroup: Unsupported value: "apps": supported values: "rbac.authorization.k8s.io"',
      'roleRef.kind: Unsupported value: "Pod": supported values: "ClusterRole", "Role"',
      'roleRef.name: Required value',
      'subjects[0].apiGroup: Unsupported value: "v1": supported values: "rbac.authorization.k8s.io"',
      'subjects[1].name: Invalid value: "A": a lowercase RFC 1123 subdomain…',
      'subjects[1].apiGroup: Unsupported value: "x": supported values: ""',
      'subjects[2].kind: Unsupported value: "Pod": supported values: "Group", "ServiceAccount", "User"',
      'subjects[3].name: Required value',
    ],
  },
  {
    name: 'a Role, and an account of no namespace',
    resource: ClusterRoleBinding,
    object: { roleRef: { kind: 'Role', name: 'x' }, subjects: [{ kind: 'ServiceAccount', name: 'x' }] },
    errors: [
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
      'subjects[0].namespace: Required value',
    ],
  },
  {
    name: 'another role',
    resource: ClusterRoleBinding,
    before: { roleRef },
    object: { roleRef: { ...roleRef, name: 'edit' } },
    errors: [
      'roleRef: Invalid value: {"kind":"ClusterRole","name":"edit","apiGroup":"rbac.authorization.k8s.io"}: cannot change roleRef',
    ],
  },
]);
