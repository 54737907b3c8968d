import { isDeepStrictEqual } from 'node:util';
import {
  ClusterRole,
  ClusterRoleBinding,
  type KubeInput,
  type KubeObject,
  type Resource,
  Role,
  RoleBinding,
  rbacGroup,
  type Subject,
} from '../../../kube/mod.ts';
import { type Registry, serverWriter } from '../../registry/registry.ts';
import { isStatusError } from '../../status-error.ts';
import { uncovered } from '../cover.ts';
import { clusterRoleBindings, clusterRoles } from './cluster-roles.ts';
import { controllerRoleBindings, controllerRoles } from './controller-roles.ts';
import { namespaceRoleBindings, namespaceRoles } from './namespace-roles.ts';
import type { PolicyBinding, PolicyRole } from './notation.ts';

type RegistryOf = (resource: Resource) => Registry;

/** An administrator who sets it to "false" keeps the object as it is. */
const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate';
const annotations = { [autoUpdate]: 'true' };
const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const options = { dryRun: false, owner: serverWriter } as const;

/**
 * At each start, the default roles and bindings get back what is missing of them: rules, subjects, labels. What others
 * have added stays (upstream's reconcile package, without --remove-extra-permissions).
 */
export async function reconcileRoles(registryOf: RegistryOf): Promise<void> {
  const roles = new Reconciler(registryOf);
  await Promise.all([
    ...[...clusterRoles, ...controllerRoles].map((role) => roles.role(ClusterRole, undefined, role)),
    ...[...clusterRoleBindings, ...controllerRoleBindings].map((binding) => roles.binding(undefined, binding)),
    ...namespaceRoles.map(({ namespace, ...role }) => roles.role(Role, namespace, role)),
    ...namespaceRoleBindings.map(({ namespace, ...binding }) => roles.binding(namespace, binding)),
  ]);
}

class Reconciler {
  readonly #registryOf: RegistryOf;

  constructor(registryOf: RegistryOf) {
    this.#registryOf = registryOf;
  }

  async role(resource: Resource, namespace: string | undefined, wanted: PolicyRole): Promise<void> {
    const { name, rules, aggregationRule } = wanted;
    const registry = this.#registryOf(resource);
    const ref = { namespace, name };
    const fresh = () => newObject(registry, wanted, { rules, aggregationRule });
    if (!registry.peek(ref) && (await isCreated(registry, namespace, fresh()))) return;
    const edit = (draft: ClusterRole) => {
      if (!isOurs(draft)) return draft;
      const missing = uncovered(draft.rules ?? [], rules ?? []);
      const selectors = draft.aggregationRule?.clusterRoleSelectors ?? [];
      const absent = (aggregationRule?.clusterRoleSelectors ?? []).filter((one) => !hasEqual(selectors, one));
      return {
        ...withLabels(draft, wanted.labels),
        rules: [...(draft.rules ?? []), ...missing],
        ...(aggregationRule && { aggregationRule: { clusterRoleSelectors: [...selectors, ...absent] } }),
      };
    };
    await registry.edit(ref, edit, { ...options, scope: 'object' });
  }

  async binding(namespace: string | undefined, wanted: PolicyBinding & { readonly kind?: 'Role' }): Promise<void> {
    const registry = this.#registryOf(namespace === undefined ? ClusterRoleBinding : RoleBinding);
    const { name, role, kind = 'ClusterRole' } = wanted;
    const ref = { namespace, name };
    const roleRef = { apiGroup: rbacGroup, kind, name: role };
    const subjects = [...wanted.subjects];
    const fresh = () => isCreated(registry, namespace, newObject(registry, wanted, { roleRef, subjects }));
    const there = registry.peek(ref)?.object as ClusterRoleBinding | undefined;
    if (!there) {
      await fresh();
    } else if (isOurs(there) && !isDeepStrictEqual(there.roleRef, roleRef)) {
      // Which role a binding gives cannot be changed.
      await registry.delete(ref, {
        ...options,
        gracePeriodSeconds: 0,
        propagationPolicy: undefined,
        preconditions: {},
      });
      await fresh();
    } else {
      const edit = (draft: ClusterRoleBinding) => (isOurs(draft) ? withSubjects(draft, subjects) : draft);
      await registry.edit(ref, edit, { ...options, scope: 'object' });
    }
  }
}

/** False: another server of the cluster, which starts at the same time, was quicker. */
async function isCreated(registry: Registry, namespace: string | undefined, object: KubeObject): Promise<boolean> {
  try {
    await registry.create(namespace, object, options);
    return true;
  } catch (error) {
    if (isStatusError(error) && error.status.reason === 'AlreadyExists') return false;
    throw error;
  }
}

const isOurs = ({ metadata }: KubeObject) => metadata.annotations?.[autoUpdate] !== 'false';

function newObject(registry: Registry, wanted: { name: string; labels?: Record<string, string> }, fields: object) {
  const metadata = { name: wanted.name, annotations, labels: { ...labels, ...wanted.labels } };
  const object: KubeInput = { apiVersion: registry.apiVersion, kind: registry.resource.kind, metadata };
  return structuredClone({ ...object, ...fields }) as KubeObject;
}

function withLabels<S extends KubeObject>(draft: S, more: Record<string, string> = {}): S {
  const { metadata } = draft;
  return {
    ...draft,
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, ...annotations },
      labels: { ...metadata.labels, ...labels, ...more },
    },
  };
}

function withSubjects(draft: ClusterRoleBinding, wanted: Subject[]): ClusterRoleBinding {
  const subjects = draft.subjects ?? [];
  const missing = wanted.filter((subject) => !hasEqual(subjects, subject));
  return { ...withLabels(draft), subjects: [...subjects, ...missing] };
}

const hasEqual = (some: readonly unknown[], one: unknown) => some.some((other) => isDeepStrictEqual(other, one));
