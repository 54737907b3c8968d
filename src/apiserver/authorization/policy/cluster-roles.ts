import {
  events,
  group,
  type PolicyBinding,
  type PolicyRole,
  paths,
  read,
  role,
  rule,
  user,
  write,
} from './notation.ts';

/**
 * Upstream's default ClusterRoles (bootstrappolicy), for the kinds that are served here or may be by a
 * CustomResourceDefinition; those of volumes, of external metrics and of old API groups are left out.
 */

const aggregateTo = (name: string) => ({ [`rbac.authorization.k8s.io/aggregate-to-${name}`]: 'true' });

const aggregated = (name: string, labels?: Record<string, string>): PolicyRole => ({
  name,
  ...(labels && { labels }),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] },
});

const partOf = (name: string, ...rules: NonNullable<PolicyRole['rules']>): PolicyRole => ({
  ...role(`system:aggregate-to-${name}`, ...rules),
  labels: aggregateTo(name),
});

const workloads =
  'daemonsets deployments deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale';
const workloadStatuses = 'daemonsets/status deployments/status replicasets/status statefulsets/status';
const rolesAndBindings = 'rolebindings roles';
const intoPods = 'pods/attach pods/exec pods/portforward pods/proxy';

const userRoles: readonly PolicyRole[] = [
  role('cluster-admin', rule('*', '*', '*'), paths('*', '*')),
  aggregated('admin'),
  aggregated('edit', aggregateTo('admin')),
  aggregated('view', aggregateTo('edit')),
  partOf(
    'admin',
    rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews'),
    rule(`${write} ${read}`, 'rbac.authorization.k8s.io', rolesAndBindings),
  ),
  partOf(
    'edit',
    rule(read, 'core', `${intoPods} secrets services/proxy`),
    rule('impersonate', 'core', 'serviceaccounts'),
    rule(write, 'core', `pods ${intoPods}`),
    rule('create', 'core', 'pods/eviction'),
    rule(write, 'core', 'configmaps events secrets serviceaccounts services services/proxy'),
    rule('create', 'core', 'serviceaccounts/token'),
    rule(write, 'apps', workloads),
    rule(write, 'batch', 'cronjobs jobs'),
    rule(write, 'policy', 'poddisruptionbudgets'),
    rule(write, 'networking.k8s.io', 'ingresses networkpolicies'),
    rule(`${write} ${read}`, 'coordination.k8s.io', 'leases'),
  ),
  partOf(
    'view',
    rule(read, 'core', 'configmaps endpoints pods serviceaccounts services services/status'),
    rule(read, 'core', 'bindings events namespaces/status pods/log pods/status'),
    rule(read, 'core', 'namespaces'),
    rule(read, 'discovery.k8s.io', 'endpointslices'),
    rule(read, 'apps', `controllerrevisions ${workloads} ${workloadStatuses}`),
    rule(read, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
    rule(read, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
    rule(read, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
  ),
];

const everybodysRoles: readonly PolicyRole[] = [
  role(
    'system:basic-user',
    rule('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
    rule('create', 'authentication.k8s.io', 'selfsubjectreviews'),
  ),
  role(
    'system:discovery',
    paths('get', '/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/'),
  ),
  role('system:public-info-viewer', paths('get', '/healthz /livez /readyz /version /version/')),
  role(
    'system:monitoring',
    paths('get', '/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*'),
  ),
  role('system:service-account-issuer-discovery', paths('get', '/.well-known/openid-configuration /openid/v1/jwks')),
  role(
    'system:auth-delegator',
    rule('create', 'authentication.k8s.io', 'tokenreviews'),
    rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
  ),
  role('system:kube-aggregator', rule(read, 'core', 'endpoints services')),
];

/** Also what the node authorizer grants where it does not look closer: a node's agent has it by that alone. */
export const nodeRole: PolicyRole = role(
  'system:node',
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews subjectaccessreviews'),
  rule(read, 'core', 'services'),
  rule(`create ${read}`, 'core', 'nodes'),
  rule('patch update', 'core', 'nodes/status'),
  rule('patch update', 'core', 'nodes'),
  rule('create patch update', 'core', 'events'),
  rule(read, 'core', 'pods'),
  rule('create delete', 'core', 'pods'),
  rule('patch update', 'core', 'pods/status'),
  rule('create', 'core', 'pods/eviction'),
  rule(read, 'core', 'configmaps secrets'),
  rule('get', 'core', 'endpoints'),
  rule(`create ${read}`, 'certificates.k8s.io', 'certificatesigningrequests'),
  rule('create delete get patch update', 'coordination.k8s.io', 'leases'),
  rule('create', 'core', 'serviceaccounts/token'),
  rule(read, 'node.k8s.io', 'runtimeclasses'),
);

const signerApprover = (signer: string): PolicyRole =>
  role(
    `system:certificates.k8s.io:${signer}-approver`,
    rule('approve', 'certificates.k8s.io', 'signers', `kubernetes.io/${signer}`),
  );

const requestRole = (what: string) => `system:certificates.k8s.io:certificatesigningrequests:${what}`;

const requestCreator = (what: string): PolicyRole =>
  role(requestRole(what), rule('create', 'certificates.k8s.io', `certificatesigningrequests/${what}`));

const nodesRoles: readonly PolicyRole[] = [
  nodeRole,
  role('system:node-bootstrapper', rule(`create ${read}`, 'certificates.k8s.io', 'certificatesigningrequests')),
  role(
    'system:node-proxier',
    rule('list watch', 'core', 'endpoints services'),
    rule(read, 'core', 'nodes'),
    events,
    rule('list watch', 'discovery.k8s.io', 'endpointslices'),
    rule('list watch', 'networking.k8s.io', 'servicecidrs'),
  ),
  role('system:node-problem-detector', rule('get', 'core', 'nodes'), rule('patch', 'core', 'nodes/status'), events),
  role(
    'system:kubelet-api-admin',
    rule(read, 'core', 'nodes'),
    rule('proxy', 'core', 'nodes'),
    rule('*', 'core', 'nodes/log nodes/metrics nodes/proxy nodes/stats'),
  ),
  requestCreator('nodeclient'),
  requestCreator('selfnodeclient'),
  signerApprover('kube-apiserver-client'),
  signerApprover('kube-apiserver-client-kubelet'),
  signerApprover('kubelet-serving'),
  signerApprover('legacy-unknown'),
];

const componentsRoles: readonly PolicyRole[] = [
  // Upstream's role is of the days of kube-dns; a DNS server of today reads slices, namespaces and, for some, Pods. CoreDNS
  // manifests bring a role `system:coredns` for that, which is theirs to change.
  role('system:kube-dns', rule('list watch', 'core', 'endpoints services')),
  role(
    'signalbox:dns',
    rule('list watch', 'core', 'endpoints services pods namespaces'),
    rule('get', 'core', 'pods'),
    rule('list watch', 'discovery.k8s.io', 'endpointslices'),
  ),
  role(
    'system:kube-controller-manager',
    events,
    rule('create', 'coordination.k8s.io', 'leases'),
    rule('get update', 'coordination.k8s.io', 'leases', 'kube-controller-manager'),
    rule('create', 'core', 'secrets serviceaccounts'),
    rule('delete', 'core', 'secrets'),
    rule('get', 'core', 'configmaps namespaces secrets serviceaccounts'),
    rule('update', 'core', 'secrets serviceaccounts'),
    rule('create', 'authentication.k8s.io', 'tokenreviews'),
    rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    rule('list watch', '*', '*'),
    rule('create', 'core', 'serviceaccounts/token'),
  ),
  role(
    'system:kube-scheduler',
    events,
    rule('create', 'coordination.k8s.io', 'leases'),
    rule('get update', 'coordination.k8s.io', 'leases', 'kube-scheduler'),
    rule(read, 'core', 'nodes namespaces services'),
    rule(`delete ${read}`, 'core', 'pods'),
    rule('create', 'core', 'bindings pods/binding'),
    rule('patch update', 'core', 'pods/status'),
    rule(read, 'apps', 'replicasets statefulsets'),
    rule(read, 'policy', 'poddisruptionbudgets'),
    rule('create', 'authentication.k8s.io', 'tokenreviews'),
    rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
  ),
];

export const clusterRoles: readonly PolicyRole[] = [
  ...userRoles,
  ...everybodysRoles,
  ...nodesRoles,
  ...componentsRoles,
];

/** Bootstrap tokens that are for joining nodes say so in their auth-extra-groups. */
const joiners = 'system:bootstrappers:kubeadm:default-node-token';

/** A binding that bears the name of its role. */
const binding = (name: string, ...subjects: PolicyBinding['subjects']): PolicyBinding => ({
  name,
  role: name,
  subjects,
});

export const clusterRoleBindings: readonly PolicyBinding[] = [
  binding('cluster-admin', group('system:masters')),
  binding('system:monitoring', group('system:monitoring')),
  binding('system:discovery', group('system:authenticated')),
  binding('system:basic-user', group('system:authenticated')),
  binding('system:public-info-viewer', group('system:authenticated'), group('system:unauthenticated')),
  binding('system:service-account-issuer-discovery', group('system:serviceaccounts')),
  binding('system:node-proxier', user('system:kube-proxy')),
  binding('signalbox:dns', user('system:kube-dns')),
  binding('system:kube-controller-manager', user('system:kube-controller-manager')),
  binding('system:kube-scheduler', user('system:kube-scheduler')),
  // kubeadm's names, so that its tokens and habits serve here, too.
  { name: 'kubeadm:kubelet-bootstrap', role: 'system:node-bootstrapper', subjects: [group(joiners)] },
  { name: 'kubeadm:node-autoapprove-bootstrap', role: requestRole('nodeclient'), subjects: [group(joiners)] },
  {
    name: 'kubeadm:node-autoapprove-certificate-rotation',
    role: requestRole('selfnodeclient'),
    subjects: [group('system:nodes')],
  },
];
