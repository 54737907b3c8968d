import type { PodSpec } from '../kinds/pod.ts';
import type { LabelSelector, ObjectMeta } from '../meta.ts';
import { matchesSelector } from '../selectors/label-selector.ts';
import { type FieldError, forbiddenError, invalidError, notSupportedError } from './field-error.ts';
import { validateLabelSelector, validateLabels } from './metadata.ts';
import { notNegative } from './numbers.ts';
import { validatePodSpec } from './pod-spec.ts';

interface Templated {
  readonly selector: LabelSelector;
  readonly template: { readonly metadata?: Partial<Pick<ObjectMeta, 'labels'>>; readonly spec: PodSpec };
}

/** What a workload that keeps Pods running asks of its selector and template. */
export function validateTemplated(spec: Templated, kind: string): FieldError[] {
  return [...selectorErrors(spec.selector, kind), ...templateErrors(spec, kind)];
}

function selectorErrors(selector: LabelSelector, kind: string): FieldError[] {
  const errors = validateLabelSelector(selector, 'spec.selector');
  const isEmpty = Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0;
  if (isEmpty) {
    errors.push(invalidError('spec.selector', selector, `empty selector is invalid for ${kind.toLowerCase()}`));
  }
  return errors;
}

function templateErrors({ selector, template }: Templated, kind: string): FieldError[] {
  const errors = validateTemplateLabels(selector, template.metadata?.labels);
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

export function validateTemplateLabels(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): FieldError[] {
  const errors = validateLabels(labels, 'spec.template.metadata.labels');
  // A broken selector was reported already, and cannot be asked.
  if (selector && validateLabelSelector(selector, '').length === 0 && !matchesSelector(selector, labels)) {
    const detail = '`selector` does not match template `labels`';
    errors.push(invalidError('spec.template.metadata.labels', labels, detail));
  }
  return errors;
}

export function validateIntOrPercent(value: number | string, path: string): FieldError[] {
  if (typeof value === 'number') return notNegative(value, path);
  if (/^[0-9]+%$/.test(value)) return [];
  const detail =
    "a valid percent string must be a numeric string followed by an ending '%' " +
    "(e.g. '1%', or '93%', regex used for validation is '[0-9]+%')";
  return [invalidError(path, value, detail)];
}

/** Of what is a percentage. */
export const notMoreThanAll = (value: number | string | undefined, path: string): FieldError[] =>
  typeof value === 'string' && Number.parseInt(value, 10) > 100
    ? [invalidError(path, value, 'must not be greater than 100%')]
    : [];
