import { Job } from './kinds/batch.ts';
import { CertificateSigningRequest } from './kinds/certificates.ts';
import { ConfigMap, Event, Lease, Namespace, Secret, ServiceAccount } from './kinds/cluster.ts';
import { EndpointSlice, Endpoints } from './kinds/endpoints.ts';
import { Ingress, IngressClass, IPAddress, ServiceCIDR } from './kinds/networking.ts';
import { Node } from './kinds/node.ts';
import { Pod } from './kinds/pod.ts';
import { PodDisruptionBudget, PriorityClass, RuntimeClass } from './kinds/policy.ts';
import { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from './kinds/rbac.ts';
import {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  TokenReview,
} from './kinds/reviews.ts';
import { Service } from './kinds/service.ts';
import { ControllerRevision, DaemonSet, StatefulSet } from './kinds/sets.ts';
import { Deployment, ReplicaSet } from './kinds/workload.ts';
import { apiVersionOf, type Resource } from './resource.ts';

/** Every kind that the API keeps, in the order in which discovery lists them. */
export const allResources: readonly Resource[] = [
  ConfigMap,
  Endpoints,
  Event,
  Namespace,
  Node,
  Pod,
  Secret,
  ServiceAccount,
  Service,
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
  Job,
  Lease,
  EndpointSlice,
  IngressClass,
  Ingress,
  IPAddress,
  ServiceCIDR,
  RuntimeClass,
  PodDisruptionBudget,
  PriorityClass,
  ClusterRole,
  ClusterRoleBinding,
  Role,
  RoleBinding,
  CertificateSigningRequest,
];

/** Kinds that are created to ask something, and never kept. */
export const reviewResources: readonly Resource[] = [
  SelfSubjectReview,
  TokenReview,
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
];

const served = [...allResources, ...reviewResources];
const byPlural = new Map(served.map((resource) => [`${apiVersionOf(resource)}/${resource.plural}`, resource]));
const byKind = new Map(served.map((resource) => [`${apiVersionOf(resource)}/${resource.kind}`, resource]));

/** As a URL names it: `('apps', 'v1', 'deployments')`; the core group is `''`. */
export const resourceByPlural = (group: string, version: string, plural: string): Resource | undefined =>
  byPlural.get(group === '' ? `${version}/${plural}` : `${group}/${version}/${plural}`);

/** As an object names itself: `('apps/v1', 'Deployment')`. */
export const resourceByKind = (apiVersion: string, kind: string): Resource | undefined =>
  byKind.get(`${apiVersion}/${kind}`);
