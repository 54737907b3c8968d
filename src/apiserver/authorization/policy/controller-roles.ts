import { account, events, type PolicyBinding, type PolicyRole, read, role, rule } from './notation.ts';

/**
 * One role for each controller, bound to a ServiceAccount of kube-system that bears the controller's name, as upstream has
 * it (controller_policy.go). Where ours writes by `update` what upstream's patches, that verb is added.
 */
const rulesByController: Readonly<Record<string, PolicyRole['rules']>> = {
  'certificate-controller': [
    rule(`delete ${read}`, 'certificates.k8s.io', 'certificatesigningrequests'),
    rule('update', 'certificates.k8s.io', 'certificatesigningrequests/approval certificatesigningrequests/status'),
    rule('approve', 'certificates.k8s.io', 'signers', 'kubernetes.io/kube-apiserver-client-kubelet'),
    rule(
      'sign',
      'certificates.k8s.io',
      'signers',
      'kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving',
    ),
    rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    events,
  ],
  'clusterrole-aggregation-controller': [
    rule(`escalate patch update ${read}`, 'rbac.authorization.k8s.io', 'clusterroles'),
  ],
  'cronjob-controller': [
    rule(`update ${read}`, 'batch', 'cronjobs'),
    rule(`create delete patch update ${read}`, 'batch', 'jobs'),
    rule('update', 'batch', 'cronjobs/finalizers cronjobs/status'),
    rule('delete list watch', 'core', 'pods'),
    events,
  ],
  'daemon-set-controller': [
    rule(read, 'apps', 'daemonsets'),
    rule('update', 'apps', 'daemonsets/finalizers daemonsets/status'),
    rule('list watch', 'core', 'nodes'),
    rule('create delete list patch update watch', 'core', 'pods'),
    rule('create', 'core', 'pods/binding'),
    rule(`create delete patch update ${read}`, 'apps', 'controllerrevisions'),
    events,
  ],
  'deployment-controller': [
    rule(`update ${read}`, 'apps', 'deployments'),
    rule('update', 'apps', 'deployments/finalizers deployments/status'),
    rule(`create delete patch update ${read}`, 'apps', 'replicasets'),
    rule(`update ${read}`, 'core', 'pods'),
    events,
  ],
  'disruption-controller': [
    rule(read, 'apps', 'deployments replicasets statefulsets'),
    rule(read, 'policy', 'poddisruptionbudgets'),
    rule('update', 'policy', 'poddisruptionbudgets/status'),
    rule('patch update', 'core', 'pods/status'),
    rule('get', '*', '*/scale'),
    events,
  ],
  'endpoint-controller': [
    rule(read, 'core', 'pods services'),
    rule(`create delete update ${read}`, 'core', 'endpoints'),
    rule('create', 'core', 'endpoints/restricted'),
    events,
  ],
  'endpointslice-controller': [
    rule(read, 'core', 'nodes pods services'),
    rule('update', 'core', 'services/finalizers'),
    rule(`create delete update ${read}`, 'discovery.k8s.io', 'endpointslices'),
    events,
  ],
  'endpointslicemirroring-controller': [
    rule(read, 'core', 'endpoints services'),
    rule('update', 'core', 'endpoints/finalizers services/finalizers'),
    rule(`create delete update ${read}`, 'discovery.k8s.io', 'endpointslices'),
    events,
  ],
  'generic-garbage-collector': [rule(`delete patch update ${read}`, '*', '*'), events],
  'job-controller': [
    rule(`patch update ${read}`, 'batch', 'jobs'),
    rule('update', 'batch', 'jobs/finalizers jobs/status'),
    rule('create delete list patch update watch', 'core', 'pods'),
    events,
  ],
  'namespace-controller': [
    rule(`delete ${read}`, 'core', 'namespaces'),
    rule('update', 'core', 'namespaces/finalize namespaces/status'),
    rule(`delete deletecollection ${read}`, '*', '*'),
  ],
  'node-controller': [
    rule(`delete patch update ${read}`, 'core', 'nodes'),
    rule('patch update', 'core', 'nodes/status pods/status'),
    rule(`delete ${read}`, 'core', 'pods'),
    // Upstream's sees Leases by the informers that all controllers share; ours asks anew before it gives a node up.
    rule('get', 'coordination.k8s.io', 'leases'),
    events,
  ],
  'pod-garbage-collector': [
    rule('delete list watch', 'core', 'pods'),
    rule(read, 'core', 'nodes'),
    rule('patch update', 'core', 'pods/status'),
  ],
  'replicaset-controller': [
    rule(`update ${read}`, 'apps', 'replicasets'),
    rule('update', 'apps', 'replicasets/finalizers replicasets/status'),
    rule('create delete list patch update watch', 'core', 'pods'),
    events,
  ],
  'root-ca-cert-publisher': [rule('create update', 'core', 'configmaps'), events],
  'service-account-controller': [rule('create', 'core', 'serviceaccounts'), events],
  'service-cidrs-controller': [
    rule(`patch update ${read}`, 'networking.k8s.io', 'servicecidrs'),
    rule('patch update', 'networking.k8s.io', 'servicecidrs/finalizers servicecidrs/status'),
    rule(read, 'networking.k8s.io', 'ipaddresses'),
    events,
  ],
  'statefulset-controller': [
    rule(read, 'apps', 'statefulsets'),
    rule('update', 'apps', 'statefulsets/finalizers statefulsets/status'),
    rule(`create delete patch update ${read}`, 'core', 'pods'),
    rule(`create delete patch update ${read}`, 'apps', 'controllerrevisions'),
    events,
  ],
  'ttl-after-finished-controller': [rule(`delete ${read}`, 'batch', 'jobs'), events],
};

const roleName = (controller: string) => `system:controller:${controller}`;

export const controllerRoles: readonly PolicyRole[] = Object.entries(rulesByController).map(([name, rules = []]) =>
  role(roleName(name), ...rules),
);

export const controllerRoleBindings: readonly PolicyBinding[] = Object.keys(rulesByController).map((name) => ({
  name: roleName(name),
  role: roleName(name),
  subjects: [account(name)],
}));
