import { account, events, group, type PolicyBinding, type PolicyRole, read, role, rule, user } from './notation.ts';

/** Default Roles, in kube-system and kube-public (namespace_policy.go). */
interface InNamespace {
  readonly namespace: 'kube-system' | 'kube-public';
}

const system = { namespace: 'kube-system' } as const;
const open = { namespace: 'kube-public' } as const;
const signer = 'system:controller:bootstrap-signer';
const cleaner = 'system:controller:token-cleaner';
const clusterInfo = 'kubeadm:bootstrap-signer-clusterinfo';
const authenticationReader = 'extension-apiserver-authentication-reader';

export const namespaceRoles: readonly (PolicyRole & InNamespace)[] = [
  { ...system, ...role(signer, rule(read, 'core', 'secrets')) },
  { ...system, ...role(cleaner, rule(`delete ${read}`, 'core', 'secrets'), events) },
  { ...system, ...role(authenticationReader, rule(read, 'core', 'configmaps', 'extension-apiserver-authentication')) },
  {
    ...open,
    ...role(signer, rule(read, 'core', 'configmaps'), rule('update', 'core', 'configmaps', 'cluster-info'), events),
  },
  // What a machine that wants to join may read before anybody knows it: the authority's certificate, signed with its token.
  { ...open, ...role(clusterInfo, rule('get', 'core', 'configmaps', 'cluster-info')) },
];

const binding = (name: string, ...subjects: PolicyBinding['subjects']) => ({
  name,
  role: name,
  kind: 'Role' as const,
  subjects,
});

export const namespaceRoleBindings: readonly (PolicyBinding & InNamespace & { readonly kind: 'Role' })[] = [
  { ...system, ...binding(signer, account('bootstrap-signer')) },
  { ...system, ...binding(cleaner, account('token-cleaner')) },
  {
    ...system,
    ...binding(authenticationReader, user('system:kube-controller-manager'), user('system:kube-scheduler')),
  },
  { ...open, ...binding(signer, account('bootstrap-signer')) },
  { ...open, ...binding(clusterInfo, user('system:anonymous'), group('system:unauthenticated')) },
];
