import { labelSelector, typeAndMeta } from '../meta.ts';
import { defineResource } from '../resource.ts';
import {
  boolean,
  filled,
  integer,
  integer64,
  intOrString,
  mergeList,
  object,
  oneOf,
  required,
  retainKeys,
  string,
  time,
} from '../schema.ts';
import { podTemplate } from './pod.ts';

export const workloadCondition = object({
  type: required(string()),
  status: required(oneOf('True', 'False', 'Unknown')),
  lastUpdateTime: time(),
  lastTransitionTime: time(),
  reason: string(),
  message: string(),
});

export const ReplicaSet = defineResource(
  {
    group: 'apps',
    kind: 'ReplicaSet',
    plural: 'replicasets',
    shortNames: ['rs'],
    categories: ['all'],
    subresources: ['status', 'scale'],
  },
  object({
    ...typeAndMeta,
    spec: required(
      object({
        replicas: filled(integer()),
        minReadySeconds: integer(),
        selector: required(labelSelector),
        template: required(podTemplate),
      }),
    ),
    status: object({
      replicas: integer(),
      fullyLabeledReplicas: integer(),
      readyReplicas: integer(),
      availableReplicas: integer(),
      terminatingReplicas: integer(),
      observedGeneration: integer64(),
      conditions: mergeList(workloadCondition, 'type'),
    }),
  }),
);
export type ReplicaSet = NonNullable<(typeof ReplicaSet)['_stored']>;

export const Deployment = defineResource(
  {
    group: 'apps',
    kind: 'Deployment',
    plural: 'deployments',
    shortNames: ['deploy'],
    categories: ['all'],
    subresources: ['status', 'scale'],
  },
  object({
    ...typeAndMeta,
    spec: required(
      object({
        replicas: filled(integer()),
        selector: required(labelSelector),
        template: required(podTemplate),
        strategy: filled(
          retainKeys(
            object({
              type: filled(oneOf('RollingUpdate', 'Recreate')),
              rollingUpdate: object({ maxUnavailable: intOrString(), maxSurge: intOrString() }),
            }),
          ),
        ),
        minReadySeconds: integer(),
        revisionHistoryLimit: integer(),
        paused: boolean(),
        progressDeadlineSeconds: integer(),
      }),
    ),
    status: object({
      observedGeneration: integer64(),
      replicas: integer(),
      updatedReplicas: integer(),
      readyReplicas: integer(),
      availableReplicas: integer(),
      unavailableReplicas: integer(),
      terminatingReplicas: integer(),
      conditions: mergeList(workloadCondition, 'type'),
      collisionCount: integer(),
    }),
  }),
);
export type Deployment = NonNullable<(typeof Deployment)['_stored']>;
