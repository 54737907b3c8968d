import type { PodDisruptionBudget, PriorityClass, RuntimeClass } from '../kinds/policy.ts';
import type { KubeInput } from '../meta.ts';
import { type FieldError, forbiddenError, invalidError } from './field-error.ts';
import { immutableMessage, problem, validateLabelSelector } from './metadata.ts';
import { labelProblem } from './names.ts';
import { notMoreThanAll, validateIntOrPercent } from './template.ts';

export function validateDisruptionBudget({ spec = {} }: PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, selector } = spec;
  const both = minAvailable !== undefined && maxUnavailable !== undefined;
  const amounts = [
    ['spec.minAvailable', minAvailable],
    ['spec.maxUnavailable', maxUnavailable],
  ] as const;
  return [
    ...(both ? [invalidError('spec', spec, 'minAvailable and maxUnavailable cannot be both set')] : []),
    ...amounts.flatMap(([path, value]) =>
      value === undefined ? [] : [...validateIntOrPercent(value, path), ...notMoreThanAll(value, path)],
    ),
    ...(selector ? validateLabelSelector(selector, 'spec.selector') : []),
  ];
}

/** Upstream's HighestUserDefinablePriority: what is above is the system's. */
const highestOfUsers = 1_000_000_000;
const systemClasses: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

export function validatePriorityClass({ metadata, value }: PriorityClass): FieldError[] {
  const name = (metadata as KubeInput['metadata'])?.name ?? '';
  if (Object.hasOwn(systemClasses, name) && systemClasses[name] === value) return [];
  if (name.startsWith('system-'))
    return [
      forbiddenError('metadata.name', "priority class names with 'system-' prefix are reserved for system use only"),
    ];
  const detail = `maximum allowed value of a user defined priority is ${highestOfUsers}`;
  return value > highestOfUsers ? [forbiddenError('value', detail)] : [];
}

export const validatePriorityClassUpdate = (before: PriorityClass, after: PriorityClass): FieldError[] => [
  ...(before.value === after.value ? [] : [forbiddenError('value', 'may not be changed in an update.')]),
  ...(before.preemptionPolicy === after.preemptionPolicy
    ? []
    : [invalidError('preemptionPolicy', after.preemptionPolicy, immutableMessage)]),
];

export const validateRuntimeClass = ({ handler }: RuntimeClass): FieldError[] =>
  problem(labelProblem, handler, 'handler');

export const validateRuntimeClassUpdate = (before: RuntimeClass, after: RuntimeClass): FieldError[] =>
  before.handler === after.handler ? [] : [invalidError('handler', after.handler, immutableMessage)];
