import type { Namespace, Secret } from '../kinds/cluster.ts';
import type { EndpointSlice, Endpoints } from '../kinds/endpoints.ts';
import type { IngressClass } from '../kinds/networking.ts';
import type { Node } from '../kinds/node.ts';
import type { Pod } from '../kinds/pod.ts';
import type { PriorityClass } from '../kinds/policy.ts';
import { type ClusterRoleBinding, type RoleBinding, rbacGroup } from '../kinds/rbac.ts';
import type { Service } from '../kinds/service.ts';
import type { Deployment, ReplicaSet } from '../kinds/workload.ts';
import { prune } from '../prune.ts';
import type { Resource } from '../resource.ts';
import { defaultPod, defaultPodSpec } from './pod.ts';
import { defaultServiceSpec } from './service.ts';
import { setDefaults } from './set-default.ts';
import { defaultDaemonSet, defaultJob, defaultStatefulSet } from './workloads.ts';

/**
 * A fresh copy of `object` as decoding leaves it (see `prune`), with what upstream fills in before it validates; the
 * argument is left as it is. Give it what has passed `validateSchema`. Applying it twice changes nothing more.
 */
export function applyDefaults<Type extends object>(resource: Resource, object: Type): Type {
  const copy = prune(resource.schema, object);
  defaulters[resource.kind]?.(copy as never);
  return copy;
}

const defaulters: Record<string, ((object: never) => void) | undefined> = {
  Service: (service: Service) => defaultServiceSpec(service.spec),
  Pod(pod: Pod) {
    defaultPodSpec(pod.spec);
    defaultPod(pod.spec);
  },
  ReplicaSet(replicaSet: ReplicaSet) {
    setDefaults(replicaSet.spec, { replicas: 1 });
    defaultPodSpec(replicaSet.spec.template.spec);
  },
  Deployment: defaultDeployment as (object: never) => void,
  StatefulSet: defaultStatefulSet as (object: never) => void,
  DaemonSet: defaultDaemonSet as (object: never) => void,
  Job: defaultJob as (object: never) => void,
  IngressClass({ spec }: IngressClass) {
    if (spec?.parameters) setDefaults(spec.parameters, { scope: 'Cluster' });
  },
  PriorityClass: (priorityClass: PriorityClass) =>
    setDefaults(priorityClass, { preemptionPolicy: 'PreemptLowerPriority' }),
  Secret: defaultSecret as (object: never) => void,
  Endpoints(endpoints: Endpoints) {
    for (const port of endpoints.subsets?.flatMap((subset) => subset.ports ?? []) ?? []) {
      setDefaults(port, { protocol: 'TCP' });
    }
  },
  EndpointSlice(slice: EndpointSlice) {
    for (const port of slice.ports ?? []) setDefaults(port, { name: '', protocol: 'TCP' });
  },
  /** The label by which a selector finds a namespace by its name. */
  Namespace({ metadata }: Namespace) {
    if (metadata?.name) metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name };
  },
  RoleBinding: defaultBinding as (object: never) => void,
  ClusterRoleBinding: defaultBinding as (object: never) => void,
  Node(node: Node) {
    node.spec ??= {};
    if (node.status?.capacity) setDefaults(node.status, { allocatable: node.status.capacity });
  },
};

function defaultDeployment({ spec }: Deployment): void {
  setDefaults(spec, {
    replicas: 1,
    strategy: { type: 'RollingUpdate' },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
  });
  setDefaults(spec.strategy, { type: 'RollingUpdate' });
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate = { maxUnavailable: '25%', maxSurge: '25%', ...spec.strategy.rollingUpdate };
  }
  defaultPodSpec(spec.template.spec);
}

function defaultBinding({ roleRef, subjects = [] }: RoleBinding | ClusterRoleBinding): void {
  if (!roleRef.apiGroup) roleRef.apiGroup = rbacGroup;
  for (const subject of subjects) {
    if (!subject.apiGroup && (subject.kind === 'User' || subject.kind === 'Group')) subject.apiGroup = rbacGroup;
  }
}

/** `stringData` is for writing only: what it says goes, encoded, into `data`. */
function defaultSecret(secret: Secret): void {
  setDefaults(secret, { type: 'Opaque' });
  if (!secret.stringData) return;
  const encoded = Object.entries(secret.stringData).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  secret.data = { ...secret.data, ...Object.fromEntries(encoded) };
  delete secret.stringData;
}
