import { isDeepStrictEqual } from 'node:util';
import type { Deployment, ReplicaSet } from '../kinds/workload.ts';
import { type FieldError, forbiddenError, invalidError } from './field-error.ts';
import { immutableMessage } from './metadata.ts';
import { notNegative } from './numbers.ts';
import { notMoreThanAll, validateIntOrPercent, validateTemplated } from './template.ts';

type Workload = Deployment | ReplicaSet;

export function validateReplicaSet(replicaSet: ReplicaSet): FieldError[] {
  return workloadErrors(replicaSet, 'ReplicaSet');
}

export function validateDeployment(deployment: Deployment): FieldError[] {
  const { spec } = deployment;
  const errors = [
    ...workloadErrors(deployment, 'Deployment'),
    ...strategyErrors(deployment),
    ...notNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
    ...notNegative(spec.progressDeadlineSeconds, 'spec.progressDeadlineSeconds'),
  ];
  const deadline = spec.progressDeadlineSeconds;
  if (deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0)) {
    errors.push(invalidError('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
  }
  return errors;
}

/** The Pods that a workload has made would be nobody's if its selector changed. */
export const validateWorkloadUpdate = ({ spec: before }: Workload, { spec: after }: Workload): FieldError[] =>
  isDeepStrictEqual(before.selector, after.selector)
    ? []
    : [invalidError('spec.selector', after.selector, immutableMessage)];

function workloadErrors({ spec }: Workload, kind: 'Deployment' | 'ReplicaSet'): FieldError[] {
  return [
    ...notNegative(spec.replicas, 'spec.replicas'),
    ...notNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...validateTemplated(spec, kind),
  ];
}

function strategyErrors({ spec: { strategy } }: Deployment): FieldError[] {
  const path = 'spec.strategy.rollingUpdate';
  if (strategy.type === 'Recreate') {
    const detail = "may not be specified when strategy `type` is 'Recreate'";
    return strategy.rollingUpdate ? [forbiddenError(path, detail)] : [];
  }
  const { maxUnavailable = '25%', maxSurge = '25%' } = strategy.rollingUpdate ?? {};
  const errors = [
    ...validateIntOrPercent(maxUnavailable, `${path}.maxUnavailable`),
    ...validateIntOrPercent(maxSurge, `${path}.maxSurge`),
  ];
  if (errors.length > 0) return errors;
  if (Number.parseInt(String(maxUnavailable), 10) === 0 && Number.parseInt(String(maxSurge), 10) === 0) {
    errors.push(invalidError(`${path}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  }
  return [...errors, ...notMoreThanAll(maxUnavailable, `${path}.maxUnavailable`)];
}
