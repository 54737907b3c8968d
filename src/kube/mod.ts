export { allResources, resourceByKind, resourceByPlural, reviewResources } from './catalog.ts';
export { applyDefaults } from './defaults/apply-defaults.ts';
export { isInputError } from './errors.ts';
export { resolveIntOrPercent } from './int-or-percent.ts';
export { Job } from './kinds/batch.ts';
export type { SigningCondition } from './kinds/certificates.ts';
export { Secret } from './kinds/cluster.ts';
export { Endpoints } from './kinds/endpoints.ts';
export { type KubeProxyConfiguration, kubeProxyConfiguration } from './kinds/kube-proxy-configuration.ts';
export { IPAddress, ServiceCIDR } from './kinds/networking.ts';
export { Node, type NodeCondition } from './kinds/node.ts';
export type {
  Container,
  ContainerState,
  ContainerStatus,
  PodCondition,
  PodSpec,
  PodStatus,
  Probe,
} from './kinds/pod.ts';
export { PodDisruptionBudget, PriorityClass } from './kinds/policy.ts';
export {
  ClusterRole,
  ClusterRoleBinding,
  type PolicyRule,
  Role,
  RoleBinding,
  rbacGroup,
  type Subject,
} from './kinds/rbac.ts';
export { SubjectAccessReview, TokenRequest } from './kinds/reviews.ts';
export type { ServiceSpec } from './kinds/service.ts';
export { ControllerRevision, DaemonSet, StatefulSet } from './kinds/sets.ts';
export { Deployment, ReplicaSet } from './kinds/workload.ts';
export { applyConfiguration } from './managed-fields/apply.ts';
export { checkConfiguration } from './managed-fields/check-configuration.ts';
export { applyConflict } from './managed-fields/conflicts.ts';
export { ownershipAfterUpdate, type Writer } from './managed-fields/ownership.ts';
export type { LabelSelector, ObjectMeta, OwnerReference } from './meta.ts';
export {
  controllerOf,
  controllerReference,
  isControlledBy,
} from './object.ts';
export { openApiSchemas } from './openapi/openapi.ts';
export { applyJsonPatch } from './patch/json-patch.ts';
export { applyMergePatch } from './patch/merge-patch.ts';
export { applyStrategicMergePatch } from './patch/strategic-merge-patch.ts';
export { type ClusterDnsOptions, type DnsConfig, ndotsOf, podDnsConfig } from './pod-dns.ts';
export * from './port.ts';
export { qosClassOf } from './qos.ts';
export { divideQuantity } from './quantity.ts';
export { type FieldRequirement, matchesFields, nameIn, parseFieldSelector } from './selectors/field-selector.ts';
export {
  formatLabelSelector,
  matchesLabels,
  matchesSelector,
  requirementsOf,
  requirementsOfMap,
} from './selectors/label-selector.ts';
export { selectsNode } from './selectors/node-selector.ts';
export { isTolerated, tolerates } from './selectors/tolerations.ts';
export { type TableColumn, tableOf } from './tables/table.ts';
export { formatTime, parseTime } from './time.ts';
export { deepest, isTooDeep } from './validation/depth.ts';
export { duplicateKeys } from './validation/duplicate-keys.ts';
export type { FieldError } from './validation/field-error.ts';
export { validateObject, validateUpdate } from './validation/validate.ts';
export { validateSchema } from './validation/validate-schema.ts';
