import { isDeepStrictEqual } from 'node:util';
import type { Job } from '../kinds/batch.ts';
import { type FieldError, invalidError, requiredError } from './field-error.ts';
import { immutableMessage, validateLabelSelector } from './metadata.ts';
import { notNegative } from './numbers.ts';
import { validatePodSpec } from './pod-spec.ts';
import { validateTemplateLabels } from './template.ts';

type Spec = Job['spec'];

const maxIndexed = 100_000;
const counts = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
  'ttlSecondsAfterFinished',
] as const;

export function validateJob({ spec }: Job): FieldError[] {
  return [
    ...counts.flatMap((name) => notNegative(spec[name], `spec.${name}`)),
    ...indexErrors(spec),
    ...(spec.selector ? validateLabelSelector(spec.selector, 'spec.selector') : [requiredError('spec.selector')]),
    ...validateTemplateLabels(spec.selector, spec.template.metadata?.labels),
    ...restartErrors(spec),
    ...validatePodSpec(spec.template.spec, 'spec.template.spec'),
  ];
}

function indexErrors({ completionMode, completions, parallelism = 1, backoffLimitPerIndex, maxFailedIndexes }: Spec) {
  if (completionMode !== 'Indexed') {
    const detail = 'requires indexed completion mode';
    return backoffLimitPerIndex === undefined
      ? []
      : [invalidError('spec.backoffLimitPerIndex', backoffLimitPerIndex, detail)];
  }
  if (completions === undefined) return [requiredError('spec.completions', 'when completion mode is Indexed')];
  const errors: FieldError[] = [];
  if (parallelism > maxIndexed)
    errors.push(
      invalidError(
        'spec.parallelism',
        parallelism,
        `must be less than or equal to ${maxIndexed} when completion mode is Indexed`,
      ),
    );
  if (maxFailedIndexes !== undefined && maxFailedIndexes > completions)
    errors.push(invalidError('spec.maxFailedIndexes', maxFailedIndexes, 'must be less than or equal to completions'));
  return errors;
}

function restartErrors({ template, podFailurePolicy }: Spec): FieldError[] {
  const { restartPolicy } = template.spec;
  const path = 'spec.template.spec.restartPolicy';
  if (restartPolicy !== 'OnFailure' && restartPolicy !== 'Never')
    return [requiredError(path, 'valid values: "OnFailure", "Never"')];
  return podFailurePolicy && restartPolicy !== 'Never'
    ? [invalidError(path, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified')]
    : [];
}

/** Its Pods are under way: what they are made from stays, while the Job is not suspended. */
export function validateJobUpdate({ spec: before, status }: Job, { spec: after }: Job): FieldError[] {
  const fixed = (name: 'selector' | 'completionMode' | 'podFailurePolicy' | 'backoffLimitPerIndex' | 'managedBy') =>
    isDeepStrictEqual(before[name], after[name]) ? [] : [invalidError(`spec.${name}`, after[name], immutableMessage)];
  const mayChangeTemplate = before.suspend === true && status?.startTime === undefined;
  return [
    ...(before.completions === after.completions || isElastic(before, after)
      ? []
      : [invalidError('spec.completions', after.completions, immutableMessage)]),
    ...fixed('selector'),
    ...(mayChangeTemplate || isDeepStrictEqual(before.template, after.template)
      ? []
      : [invalidError('spec.template', '...', immutableMessage)]),
    ...fixed('completionMode'),
    ...fixed('podFailurePolicy'),
    ...fixed('backoffLimitPerIndex'),
    ...fixed('managedBy'),
  ];
}

/** KEP-3715: an Indexed Job may change both numbers together. */
const isElastic = (before: Spec, after: Spec) =>
  before.completionMode === 'Indexed' && after.completions !== undefined && after.completions === after.parallelism;
