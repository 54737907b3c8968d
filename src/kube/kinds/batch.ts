import { labelSelector, typeAndMeta } from '../meta.ts';
import { defineResource } from '../resource.ts';
import { boolean, integer, integer64, list, object, oneOf, required, setList, string, time } from '../schema.ts';
import { podTemplate } from './pod.ts';

export const jobCondition = object({
  type: required(string()),
  status: required(oneOf('True', 'False', 'Unknown')),
  lastProbeTime: time(),
  lastTransitionTime: time(),
  reason: string(),
  message: string(),
});

const onExitCodes = object({
  containerName: string(),
  operator: required(oneOf('In', 'NotIn')),
  values: setList(integer()),
});
const onPodConditions = list(object({ type: required(string()), status: string() }));

export const Job = defineResource(
  { group: 'batch', kind: 'Job', plural: 'jobs', categories: ['all'], subresources: ['status'] },
  object({
    ...typeAndMeta,
    spec: required(
      object({
        parallelism: integer(),
        completions: integer(),
        activeDeadlineSeconds: integer64(),
        podFailurePolicy: object({
          rules: required(list(object({ action: required(string()), onExitCodes, onPodConditions }))),
        }),
        successPolicy: object({
          rules: required(list(object({ succeededIndexes: string(), succeededCount: integer() }))),
        }),
        backoffLimit: integer(),
        backoffLimitPerIndex: integer(),
        maxFailedIndexes: integer(),
        selector: labelSelector,
        manualSelector: boolean(),
        template: required(podTemplate),
        ttlSecondsAfterFinished: integer(),
        completionMode: oneOf('NonIndexed', 'Indexed'),
        suspend: boolean(),
        podReplacementPolicy: oneOf('TerminatingOrFailed', 'Failed'),
        managedBy: string(),
      }),
    ),
    status: object({
      conditions: list(jobCondition),
      startTime: time(),
      completionTime: time(),
      active: integer(),
      succeeded: integer(),
      failed: integer(),
      terminating: integer(),
      completedIndexes: string(),
      failedIndexes: string(),
      uncountedTerminatedPods: object({ succeeded: setList(string()), failed: setList(string()) }),
      ready: integer(),
    }),
  }),
);
export type Job = NonNullable<(typeof Job)['_stored']>;
