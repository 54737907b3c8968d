import { affinity } from '../kinds/affinity.ts';
import { endpoint, endpointPort } from '../kinds/endpoints.ts';
import { nodeCondition } from '../kinds/node.ts';
import {
  container,
  containerPort,
  containerStatus,
  envVar,
  podCondition,
  podSpec,
  podStatus,
  podTemplate,
  probe,
} from '../kinds/pod.ts';
import { policyRule, roleRef, subject } from '../kinds/rbac.ts';
import { podSecurityContext, securityContext } from '../kinds/security.ts';
import { servicePort, serviceSpec } from '../kinds/service.ts';
import {
  condition,
  labelSelector,
  localObjectReference,
  managedFieldsEntry,
  objectMeta,
  objectReference,
  ownerReference,
} from '../meta.ts';
import type { Schema } from '../schema.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const core = 'io.k8s.api.core.v1';
const rbac = 'io.k8s.api.rbac.v1';
const discovery = 'io.k8s.api.discovery.v1';

/** Schemas that are published under a name of their own (`kubectl explain` prints it); all others stand inline. */
export const namedSchemas: ReadonlyMap<Schema, string> = new Map<Schema, string>([
  [objectMeta, `${meta}.ObjectMeta`],
  [ownerReference, `${meta}.OwnerReference`],
  [managedFieldsEntry, `${meta}.ManagedFieldsEntry`],
  [labelSelector, `${meta}.LabelSelector`],
  [condition, `${meta}.Condition`],
  [objectReference, `${core}.ObjectReference`],
  [localObjectReference, `${core}.LocalObjectReference`],
  [podTemplate, `${core}.PodTemplateSpec`],
  [podSpec, `${core}.PodSpec`],
  [podStatus, `${core}.PodStatus`],
  [podCondition, `${core}.PodCondition`],
  [container, `${core}.Container`],
  [containerPort, `${core}.ContainerPort`],
  [containerStatus, `${core}.ContainerStatus`],
  [envVar, `${core}.EnvVar`],
  [probe, `${core}.Probe`],
  [affinity, `${core}.Affinity`],
  [podSecurityContext, `${core}.PodSecurityContext`],
  [securityContext, `${core}.SecurityContext`],
  [serviceSpec, `${core}.ServiceSpec`],
  [servicePort, `${core}.ServicePort`],
  [nodeCondition, `${core}.NodeCondition`],
  [policyRule, `${rbac}.PolicyRule`],
  [subject, `${rbac}.Subject`],
  [roleRef, `${rbac}.RoleRef`],
  [endpoint, `${discovery}.Endpoint`],
  [endpointPort, `${discovery}.EndpointPort`],
]);
