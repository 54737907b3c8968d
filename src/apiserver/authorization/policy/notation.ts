import type { ClusterRole, PolicyRule, Subject } from '../../../kube/mod.ts';
import { rbacGroup } from '../../../kube/mod.ts';

/** The default roles as tables: a rule is a line, and lists are words with spaces between. */

export interface PolicyRole {
  readonly name: string;
  readonly labels?: Record<string, string>;
  readonly rules?: readonly PolicyRule[];
  readonly aggregationRule?: ClusterRole['aggregationRule'];
}

export interface PolicyBinding {
  readonly name: string;
  readonly role: string;
  readonly subjects: readonly Subject[];
}

export const read = 'get list watch';
export const write = 'create delete deletecollection patch update';

const words = (text: string): string[] => text.split(' ');

/** @param groups `core` is the group without a name */
export const rule = (verbs: string, groups: string, resources: string, names?: string): PolicyRule => ({
  apiGroups: words(groups).map((group) => (group === 'core' ? '' : group)),
  resources: words(resources),
  ...(names !== undefined && { resourceNames: words(names) }),
  verbs: words(verbs),
});

export const paths = (verbs: string, urls: string): PolicyRule => ({
  nonResourceURLs: words(urls),
  verbs: words(verbs),
});

export const events = rule('create patch update', 'core events.k8s.io', 'events');

export const role = (name: string, ...rules: PolicyRule[]): PolicyRole => ({ name, rules });

export const group = (name: string): Subject => ({ kind: 'Group', apiGroup: rbacGroup, name });
export const user = (name: string): Subject => ({ kind: 'User', apiGroup: rbacGroup, name });
export const account = (name: string, namespace = 'kube-system'): Subject => ({
  kind: 'ServiceAccount',
  name,
  namespace,
});
