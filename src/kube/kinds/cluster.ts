import { condition, localObjectReference, objectReference, typeAndMeta } from '../meta.ts';
import { defineResource } from '../resource.ts';
import { boolean, bytes, filled, integer, list, map, mergeList, object, required, string, time } from '../schema.ts';

export const Namespace = defineResource(
  { kind: 'Namespace', plural: 'namespaces', shortNames: ['ns'], namespaced: false, subresources: ['status'] },
  object({
    ...typeAndMeta,
    spec: object({ finalizers: list(string()) }),
    status: object({ phase: string(), conditions: mergeList(condition, 'type') }),
  }),
);
export type Namespace = NonNullable<(typeof Namespace)['_stored']>;

export const ConfigMap = defineResource(
  { kind: 'ConfigMap', plural: 'configmaps', shortNames: ['cm'] },
  object({ ...typeAndMeta, immutable: boolean(), data: map(string()), binaryData: map(bytes()) }),
);
export type ConfigMap = NonNullable<(typeof ConfigMap)['_stored']>;

export const Secret = defineResource(
  { kind: 'Secret', plural: 'secrets' },
  object({
    ...typeAndMeta,
    immutable: boolean(),
    type: filled(string()),
    data: map(bytes()),
    stringData: map(string()),
  }),
);
export type Secret = NonNullable<(typeof Secret)['_stored']>;

export const ServiceAccount = defineResource(
  { kind: 'ServiceAccount', plural: 'serviceaccounts', shortNames: ['sa'] },
  object({
    ...typeAndMeta,
    secrets: mergeList(objectReference, 'name'),
    imagePullSecrets: list(localObjectReference),
    automountServiceAccountToken: boolean(),
  }),
);
export type ServiceAccount = NonNullable<(typeof ServiceAccount)['_stored']>;

/** corev1.Event: what `kubectl describe` shows under Events. */
export const Event = defineResource(
  { kind: 'Event', plural: 'events', shortNames: ['ev'] },
  object({
    ...typeAndMeta,
    involvedObject: required(objectReference),
    reason: string(),
    message: string(),
    source: object({ component: string(), host: string() }),
    firstTimestamp: time(),
    lastTimestamp: time(),
    count: integer(),
    type: string(),
    eventTime: time(),
    series: object({ count: integer(), lastObservedTime: time() }),
    action: string(),
    related: objectReference,
    reportingComponent: string(),
    reportingInstance: string(),
  }),
);
export type Event = NonNullable<(typeof Event)['_stored']>;

export const Lease = defineResource(
  { group: 'coordination.k8s.io', kind: 'Lease', plural: 'leases' },
  object({
    ...typeAndMeta,
    spec: filled(
      object({
        holderIdentity: string(),
        leaseDurationSeconds: integer(),
        acquireTime: time(),
        renewTime: time(),
        leaseTransitions: integer(),
        strategy: string(),
        preferredHolder: string(),
      }),
    ),
  }),
);
export type Lease = NonNullable<(typeof Lease)['_stored']>;
