import { condition, labelSelector, typeAndMeta } from '../meta.ts';
import { defineResource } from '../resource.ts';
import {
  atomic,
  boolean,
  filled,
  integer,
  integer64,
  intOrString,
  list,
  map,
  mergeList,
  object,
  oneOf,
  quantity,
  required,
  string,
  time,
} from '../schema.ts';

export const PodDisruptionBudget = defineResource(
  {
    group: 'policy',
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
    shortNames: ['pdb'],
    subresources: ['status'],
  },
  object({
    ...typeAndMeta,
    spec: object({
      minAvailable: intOrString(),
      maxUnavailable: intOrString(),
      selector: labelSelector,
      unhealthyPodEvictionPolicy: oneOf('IfHealthyBudget', 'AlwaysAllow'),
    }),
    status: object({
      observedGeneration: integer64(),
      disruptedPods: map(time()),
      disruptionsAllowed: filled(integer()),
      currentHealthy: filled(integer()),
      desiredHealthy: filled(integer()),
      expectedPods: filled(integer()),
      conditions: mergeList(condition, 'type'),
    }),
  }),
);
export type PodDisruptionBudget = NonNullable<(typeof PodDisruptionBudget)['_stored']>;

export const PriorityClass = defineResource(
  {
    group: 'scheduling.k8s.io',
    kind: 'PriorityClass',
    plural: 'priorityclasses',
    shortNames: ['pc'],
    namespaced: false,
  },
  object({
    ...typeAndMeta,
    value: required(integer()),
    globalDefault: boolean(),
    description: string(),
    preemptionPolicy: oneOf('PreemptLowerPriority', 'Never'),
  }),
);
export type PriorityClass = NonNullable<(typeof PriorityClass)['_stored']>;

export const RuntimeClass = defineResource(
  { group: 'node.k8s.io', kind: 'RuntimeClass', plural: 'runtimeclasses', namespaced: false },
  object({
    ...typeAndMeta,
    handler: required(string()),
    overhead: object({ podFixed: map(quantity()) }),
    scheduling: object({
      nodeSelector: atomic(map(string())),
      tolerations: list(
        object({
          key: string(),
          operator: oneOf('Exists', 'Equal'),
          value: string(),
          effect: string(),
          tolerationSeconds: integer64(),
        }),
      ),
    }),
  }),
);
export type RuntimeClass = NonNullable<(typeof RuntimeClass)['_stored']>;
