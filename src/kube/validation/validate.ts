import type { Job } from '../kinds/batch.ts';
import type { CertificateSigningRequest } from '../kinds/certificates.ts';
import type { ConfigMap, Event, Lease, Secret } from '../kinds/cluster.ts';
import type { EndpointSlice, Endpoints } from '../kinds/endpoints.ts';
import type { Ingress, IngressClass, IPAddress, ServiceCIDR } from '../kinds/networking.ts';
import type { Node } from '../kinds/node.ts';
import type { Pod } from '../kinds/pod.ts';
import type { PodDisruptionBudget, PriorityClass, RuntimeClass } from '../kinds/policy.ts';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../kinds/rbac.ts';
import type { Service } from '../kinds/service.ts';
import type { ControllerRevision, DaemonSet, StatefulSet } from '../kinds/sets.ts';
import type { Deployment, ReplicaSet } from '../kinds/workload.ts';
import type { KubeInput, KubeObject } from '../meta.ts';
import type { Resource } from '../resource.ts';
import { validateJob, validateJobUpdate } from './batch.ts';
import { validateSigningRequest } from './certificates.ts';
import { validateEvent, validateLease, validateNode, validateNodeUpdate } from './cluster.ts';
import { validateConfigMap, validateConfigMapUpdate, validateSecret, validateSecretUpdate } from './data.ts';
import { validateEndpointSlice, validateEndpointSliceUpdate, validateEndpoints } from './endpoints.ts';
import type { FieldError } from './field-error.ts';
import { validateMetadata, validateMetadataUpdate } from './metadata.ts';
import {
  validateIngress,
  validateIngressClass,
  validateIngressClassUpdate,
  validateIpAddress,
  validateIpAddressUpdate,
  validateServiceCidr,
  validateServiceCidrUpdate,
} from './networking.ts';
import { validatePod, validatePodCreate, validatePodUpdate } from './pod.ts';
import {
  validateDisruptionBudget,
  validatePriorityClass,
  validatePriorityClassUpdate,
  validateRuntimeClass,
  validateRuntimeClassUpdate,
} from './policy.ts';
import {
  validateBindingUpdate,
  validateClusterRole,
  validateClusterRoleBinding,
  validateRole,
  validateRoleBinding,
} from './rbac.ts';
import { validateService, validateServiceUpdate } from './service.ts';
import {
  validateControllerRevision,
  validateControllerRevisionUpdate,
  validateDaemonSet,
  validateDaemonSetUpdate,
  validateStatefulSet,
  validateStatefulSetUpdate,
} from './sets.ts';
import { validateDeployment, validateReplicaSet, validateWorkloadUpdate } from './workload.ts';

/** The rules of one kind beyond its schema and its metadata. */
interface Rules<S> {
  readonly always?: (object: S) => FieldError[];
  readonly onCreate?: (object: S) => FieldError[];
  readonly onUpdate?: (before: S, after: S) => FieldError[];
}

/**
 * What is wrong with a new object, in upstream's words. The object has passed `validateSchema`, has its namespace and
 * its defaults; what the server allocates (addresses, node ports) may still be missing.
 */
export function validateObject(resource: Resource, object: KubeInput): FieldError[] {
  const rules = rulesOf(resource);
  return [
    ...validateMetadata(resource, object),
    ...(rules.always?.(object) ?? []),
    ...(rules.onCreate?.(object) ?? []),
  ];
}

/**
 * What is wrong with replacing `before` by `after`. What `after` leaves out of the metadata that the server owns counts
 * as kept; addresses and node ports that the server allocated have been carried over.
 */
export function validateUpdate(resource: Resource, before: KubeObject, after: KubeObject): FieldError[] {
  const rules = rulesOf(resource);
  return [
    ...validateMetadataUpdate(before.metadata, after.metadata),
    ...(rules.onUpdate?.(before, after) ?? []),
    ...validateMetadata(resource, after),
    ...(rules.always?.(after) ?? []),
  ];
}

const rulesOf = (resource: Resource) => (rulesByKind[resource.kind] ?? {}) as Rules<KubeInput>;

const rules = <S>(table: Rules<S>): Rules<S> => table;

const rulesByKind: Record<string, Rules<never> | undefined> = {
  CertificateSigningRequest: rules<CertificateSigningRequest>({ always: validateSigningRequest }),
  ClusterRole: rules<ClusterRole>({ always: validateClusterRole }),
  ClusterRoleBinding: rules<ClusterRoleBinding>({
    always: validateClusterRoleBinding,
    onUpdate: validateBindingUpdate,
  }),
  ConfigMap: rules<ConfigMap>({ always: validateConfigMap, onUpdate: validateConfigMapUpdate }),
  ControllerRevision: rules<ControllerRevision>({
    always: validateControllerRevision,
    onUpdate: validateControllerRevisionUpdate,
  }),
  DaemonSet: rules<DaemonSet>({ always: validateDaemonSet, onUpdate: validateDaemonSetUpdate }),
  Deployment: rules<Deployment>({ always: validateDeployment, onUpdate: validateWorkloadUpdate }),
  EndpointSlice: rules<EndpointSlice>({ always: validateEndpointSlice, onUpdate: validateEndpointSliceUpdate }),
  Endpoints: rules<Endpoints>({ always: validateEndpoints }),
  Event: rules<Event>({ onCreate: validateEvent }),
  IPAddress: rules<IPAddress>({ always: validateIpAddress, onUpdate: validateIpAddressUpdate }),
  Ingress: rules<Ingress>({ always: validateIngress }),
  IngressClass: rules<IngressClass>({ always: validateIngressClass, onUpdate: validateIngressClassUpdate }),
  Job: rules<Job>({ always: validateJob, onUpdate: validateJobUpdate }),
  Lease: rules<Lease>({ always: validateLease }),
  Node: rules<Node>({ always: validateNode, onUpdate: validateNodeUpdate }),
  Pod: rules<Pod>({ always: validatePod, onCreate: validatePodCreate, onUpdate: validatePodUpdate }),
  PodDisruptionBudget: rules<PodDisruptionBudget>({ always: validateDisruptionBudget }),
  PriorityClass: rules<PriorityClass>({ always: validatePriorityClass, onUpdate: validatePriorityClassUpdate }),
  ReplicaSet: rules<ReplicaSet>({ always: validateReplicaSet, onUpdate: validateWorkloadUpdate }),
  Role: rules<Role>({ always: validateRole }),
  RoleBinding: rules<RoleBinding>({ always: validateRoleBinding, onUpdate: validateBindingUpdate }),
  RuntimeClass: rules<RuntimeClass>({ always: validateRuntimeClass, onUpdate: validateRuntimeClassUpdate }),
  Secret: rules<Secret>({ always: validateSecret, onUpdate: validateSecretUpdate }),
  Service: rules<Service>({ always: validateService, onUpdate: validateServiceUpdate }),
  ServiceCIDR: rules<ServiceCIDR>({ always: validateServiceCidr, onUpdate: validateServiceCidrUpdate }),
  StatefulSet: rules<StatefulSet>({ always: validateStatefulSet, onUpdate: validateStatefulSetUpdate }),
};
