import {
  any,
  atomic,
  boolean,
  filled,
  type GivenOf,
  integer64,
  list,
  map,
  mergeList,
  object,
  oneOf,
  required,
  type StoredOf,
  setList,
  string,
  time,
} from './schema.ts';

/** metav1.OwnerReference. */
export const ownerReference = atomic(
  object({
    apiVersion: required(string()),
    kind: required(string()),
    name: required(string()),
    uid: required(string()),
    controller: boolean(),
    blockOwnerDeletion: boolean(),
  }),
);
export type OwnerReference = StoredOf<typeof ownerReference>;

/** metav1.ManagedFieldsEntry: who owns which fields of an object (see managed-fields/). */
export const managedFieldsEntry = object({
  manager: string(),
  operation: string(),
  apiVersion: string(),
  time: time(),
  fieldsType: string(),
  fieldsV1: any(),
  subresource: string(),
});

/** metav1.ObjectMeta. `namespace` is absent on cluster-scoped objects. */
export const objectMeta = object({
  name: filled(string()),
  generateName: string(),
  namespace: string(),
  selfLink: string(),
  uid: filled(string()),
  resourceVersion: filled(string()),
  generation: integer64(),
  creationTimestamp: filled(time()),
  deletionTimestamp: time(),
  deletionGracePeriodSeconds: integer64(),
  labels: map(string()),
  annotations: map(string()),
  ownerReferences: mergeList(ownerReference, 'uid'),
  finalizers: setList(string()),
  managedFields: list(managedFieldsEntry),
});
export type ObjectMeta = StoredOf<typeof objectMeta>;

/** ObjectMeta of a template (Deployment.spec.template.metadata), where nothing is filled in. */
export const templateMeta = object({
  name: string(),
  generateName: string(),
  namespace: string(),
  selfLink: string(),
  uid: string(),
  resourceVersion: string(),
  generation: integer64(),
  creationTimestamp: time(),
  deletionTimestamp: time(),
  deletionGracePeriodSeconds: integer64(),
  labels: map(string()),
  annotations: map(string()),
  ownerReferences: mergeList(ownerReference, 'uid'),
  finalizers: setList(string()),
  managedFields: list(managedFieldsEntry),
});

/** metav1.Condition. */
export const condition = object({
  type: required(string()),
  status: required(oneOf('True', 'False', 'Unknown')),
  observedGeneration: integer64(),
  lastTransitionTime: time(),
  reason: string(),
  message: string(),
});

/** metav1.LabelSelector. */
export const labelSelector = atomic(
  object({
    matchLabels: map(string()),
    matchExpressions: list(
      object({
        key: required(string()),
        operator: required(oneOf('In', 'NotIn', 'Exists', 'DoesNotExist')),
        values: list(string()),
      }),
    ),
  }),
);
export type LabelSelector = StoredOf<typeof labelSelector>;

/** corev1.ObjectReference. */
export const objectReference = atomic(
  object({
    kind: string(),
    namespace: string(),
    name: string(),
    uid: string(),
    apiVersion: string(),
    resourceVersion: string(),
    fieldPath: string(),
  }),
);

/** corev1.LocalObjectReference. */
export const localObjectReference = atomic(object({ name: string() }));

/** Fields every kind begins with. */
export const typeAndMeta = {
  apiVersion: filled(string()),
  kind: filled(string()),
  metadata: filled(objectMeta),
};

/** Any object of the API: what generic code (store, selectors, owners) may rely on. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** An object as somebody writes it, before the server has filled it in. */
export interface KubeInput {
  apiVersion?: string;
  kind?: string;
  metadata?: GivenOf<typeof objectMeta>;
}
