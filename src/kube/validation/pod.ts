import { isDeepStrictEqual } from 'node:util';
import type { Container, Pod, PodSpec } from '../kinds/pod.ts';
import { type FieldError, forbiddenError, invalidError } from './field-error.ts';
import { validatePodSpec } from './pod-spec.ts';

export function validatePod({ spec }: Pod): FieldError[] {
  return validatePodSpec(spec, 'spec');
}

/** What may not stand in a new Pod, though it may in an old one. */
export function validatePodCreate({ spec }: Pod): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.ephemeralContainers?.length)
    errors.push(forbiddenError('spec.ephemeralContainers', 'cannot be set on create'));
  if (spec.nodeName && spec.schedulingGates?.length) {
    errors.push(forbiddenError('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
  }
  return errors;
}

const updatable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
];

/** A Pod stays what it was made as; its node is set by the binding alone, which does not come this way. */
export function validatePodUpdate({ spec: before }: Pod, { spec: after }: Pod): FieldError[] {
  for (const list of ['containers', 'initContainers'] as const) {
    if (before[list]?.length !== after[list]?.length) {
      return [forbiddenError(`spec.${list}`, 'pod updates may not add or remove containers')];
    }
  }
  const errors = [...deadlineErrors(before, after), ...tolerationErrors(before, after), ...gateErrors(before, after)];
  const changed = changedFields(before, after);
  if (changed.length > 0) {
    const detail = `pod updates may not change fields other than ${updatable.join(',')}\nchanged: ${changed.join(', ')}`;
    errors.push(forbiddenError('spec', detail));
  }
  return errors;
}

/** A deadline may come, and may become shorter. */
function deadlineErrors(before: PodSpec, after: PodSpec): FieldError[] {
  const path = 'spec.activeDeadlineSeconds';
  const [old, now] = [before.activeDeadlineSeconds, after.activeDeadlineSeconds];
  if (old === undefined || old === now) return [];
  if (now === undefined) return [invalidError(path, null, 'must not update from a positive integer to nil value')];
  return now > old ? [invalidError(path, now, 'must be less than or equal to previous value')] : [];
}

function tolerationErrors(before: PodSpec, after: PodSpec): FieldError[] {
  const withoutSeconds = ({ tolerationSeconds: _, ...rest }: NonNullable<PodSpec['tolerations']>[number]) => rest;
  const kept = (after.tolerations ?? []).map(withoutSeconds);
  const isLost = (before.tolerations ?? []).some(
    (toleration) => !kept.some((other) => isDeepStrictEqual(other, withoutSeconds(toleration))),
  );
  const detail = 'existing toleration can not be modified except its tolerationSeconds';
  return isLost ? [forbiddenError('spec.tolerations', detail)] : [];
}

function gateErrors(before: PodSpec, after: PodSpec): FieldError[] {
  const known = new Set((before.schedulingGates ?? []).map(({ name }) => name));
  const added = (after.schedulingGates ?? []).find(({ name }) => !known.has(name));
  if (!added) return [];
  const detail = `only deletion is allowed, but found new scheduling gate '${added.name}'`;
  return [forbiddenError('spec.schedulingGates', detail)];
}

function changedFields(before: PodSpec, after: PodSpec): string[] {
  const [old, now] = [fixedPart(before), fixedPart(after)];
  if (before.terminationGracePeriodSeconds < 0 && after.terminationGracePeriodSeconds === 1) {
    old.terminationGracePeriodSeconds = 1;
  }
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  return [...names].filter((name) => !isDeepStrictEqual(old[name], now[name])).map((name) => `spec.${name}`);
}

function fixedPart(spec: PodSpec): Record<string, unknown> {
  const { activeDeadlineSeconds: _d, tolerations: _t, schedulingGates: _g, containers, initContainers, ...rest } = spec;
  const withoutImage = ({ image: _, ...container }: Container) => container;
  return { ...rest, containers: containers.map(withoutImage), initContainers: initContainers?.map(withoutImage) };
}
