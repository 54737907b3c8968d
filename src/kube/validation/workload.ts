import { isDeepStrictEqual } from 'node:util';
import type { Deployment, ReplicaSet } from '../kinds/workload.ts';
import type { LabelSelector } from '../meta.ts';
import { matchesSelector } from '../selectors/label-selector.ts';
import { type FieldError, forbiddenError, invalidError, notSupportedError } from './field-error.ts';
import { immutableMessage, validateLabelSelector, validateLabels } from './metadata.ts';
import { notNegative } from './numbers.ts';
import { validatePodSpec } from './pod-spec.ts';

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
    ...selectorErrors(spec.selector, kind),
    ...templateErrors(spec, kind),
  ];
}

function selectorErrors(selector: LabelSelector, kind: string): FieldError[] {
  const errors = validateLabelSelector(selector, 'spec.selector');
  const isEmpty = Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;
  if (isEmpty) {
    errors.push(invalidError('spec.selector', selector, `empty selector is invalid for ${kind.toLowerCase()}`));
  }
  return errors;
}

function templateErrors({ selector, template }: Workload['spec'], kind: string): FieldError[] {
  const labels = template.metadata?.labels;
  const errors = validateLabels(labels, 'spec.template.metadata.labels');
  // A broken selector was reported already, and cannot be asked.
  if (validateLabelSelector(selector, '').length === 0 && !matchesSelector(selector, labels)) {
    const detail = '`selector` does not match template `labels`';
    errors.push(invalidError('spec.template.metadata.labels', labels, detail));
  }
  const { restartPolicy, activeDeadlineSeconds } = template.spec;
  if (restartPolicy !== 'Always') {
    errors.push(notSupportedError('spec.template.spec.restartPolicy', restartPolicy, ['Always']));
  }
  if (activeDeadlineSeconds !== undefined) {
    const detail = `activeDeadlineSeconds in ${kind} is not Supported`;
    errors.push(forbiddenError('spec.template.spec.activeDeadlineSeconds', detail));
  }
  return [...errors, ...validatePodSpec(template.spec, 'spec.template.spec')];
}

function strategyErrors({ spec: { strategy } }: Deployment): FieldError[] {
  const path = 'spec.strategy.rollingUpdate';
  if (strategy.type === 'Recreate') {
    const detail = "may not be specified when strategy `type` is 'Recreate'";
    return strategy.rollingUpdate ? [forbiddenError(path, detail)] : [];
  }
  const { maxUnavailable = '25%', maxSurge = '25%' } = strategy.rollingUpdate ?? {};
  const errors = [
    ...intOrPercentErrors(maxUnavailable, `${path}.maxUnavailable`),
    ...intOrPercentErrors(maxSurge, `${path}.maxSurge`),
  ];
  if (errors.length > 0) return errors;
  if (Number.parseInt(String(maxUnavailable), 10) === 0 && Number.parseInt(String(maxSurge), 10) === 0) {
    errors.push(invalidError(`${path}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  }
  if (typeof maxUnavailable === 'string' && Number.parseInt(maxUnavailable, 10) > 100) {
    errors.push(invalidError(`${path}.maxUnavailable`, maxUnavailable, 'must not be greater than 100%'));
  }
  return errors;
}

function intOrPercentErrors(value: number | string, path: string): FieldError[] {
  if (typeof value === 'number') return notNegative(value, path);
  if (/^[0-9]+%$/.test(value)) return [];
  const detail =
    "a valid percent string must be a numeric string followed by an ending '%' " +
    "(e.g. '1%', or '93%', regex used for validation is '[0-9]+%')";
  return [invalidError(path, value, detail)];
}
