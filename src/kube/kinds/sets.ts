import { labelSelector, typeAndMeta } from '../meta.ts';
import { defineResource } from '../resource.ts';
import {
  any,
  filled,
  integer,
  integer64,
  intOrString,
  list,
  mergeList,
  object,
  oneOf,
  required,
  string,
} from '../schema.ts';
import { podTemplate } from './pod.ts';
import { workloadCondition } from './workload.ts';

const retention = oneOf('Retain', 'Delete');

export const StatefulSet = defineResource(
  {
    group: 'apps',
    kind: 'StatefulSet',
    plural: 'statefulsets',
    shortNames: ['sts'],
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
        /** Claims are kept as they are: nothing here provides volumes. */
        volumeClaimTemplates: list(any()),
        serviceName: string(),
        podManagementPolicy: filled(oneOf('OrderedReady', 'Parallel')),
        updateStrategy: filled(
          object({
            type: filled(oneOf('RollingUpdate', 'OnDelete')),
            rollingUpdate: object({ partition: integer(), maxUnavailable: intOrString() }),
          }),
        ),
        revisionHistoryLimit: integer(),
        minReadySeconds: integer(),
        persistentVolumeClaimRetentionPolicy: object({ whenDeleted: retention, whenScaled: retention }),
        ordinals: object({ start: integer() }),
      }),
    ),
    status: object({
      observedGeneration: integer64(),
      replicas: integer(),
      readyReplicas: integer(),
      currentReplicas: integer(),
      updatedReplicas: integer(),
      currentRevision: string(),
      updateRevision: string(),
      collisionCount: integer(),
      conditions: mergeList(workloadCondition, 'type'),
      availableReplicas: integer(),
    }),
  }),
);
export type StatefulSet = NonNullable<(typeof StatefulSet)['_stored']>;

export const DaemonSet = defineResource(
  {
    group: 'apps',
    kind: 'DaemonSet',
    plural: 'daemonsets',
    shortNames: ['ds'],
    categories: ['all'],
    subresources: ['status'],
  },
  object({
    ...typeAndMeta,
    spec: required(
      object({
        selector: required(labelSelector),
        template: required(podTemplate),
        updateStrategy: filled(
          object({
            type: filled(oneOf('RollingUpdate', 'OnDelete')),
            rollingUpdate: object({ maxUnavailable: intOrString(), maxSurge: intOrString() }),
          }),
        ),
        minReadySeconds: integer(),
        revisionHistoryLimit: integer(),
      }),
    ),
    status: object({
      currentNumberScheduled: filled(integer()),
      numberMisscheduled: filled(integer()),
      desiredNumberScheduled: filled(integer()),
      numberReady: filled(integer()),
      observedGeneration: integer64(),
      updatedNumberScheduled: integer(),
      numberAvailable: integer(),
      numberUnavailable: integer(),
      collisionCount: integer(),
      conditions: mergeList(workloadCondition, 'type'),
    }),
  }),
);
export type DaemonSet = NonNullable<(typeof DaemonSet)['_stored']>;

/** A template that a StatefulSet or DaemonSet has had: `data` is a patch that brings it back (`kubectl rollout undo`). */
export const ControllerRevision = defineResource(
  { group: 'apps', kind: 'ControllerRevision', plural: 'controllerrevisions' },
  object({ ...typeAndMeta, data: any(), revision: required(integer64()) }),
);
export type ControllerRevision = NonNullable<(typeof ControllerRevision)['_stored']>;
