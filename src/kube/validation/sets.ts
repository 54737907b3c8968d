import { isDeepStrictEqual } from 'node:util';
import type { ControllerRevision, DaemonSet, StatefulSet } from '../kinds/sets.ts';
import { type FieldError, forbiddenError, invalidError, requiredError } from './field-error.ts';
import { immutableMessage } from './metadata.ts';
import { notNegative } from './numbers.ts';
import { notMoreThanAll, validateIntOrPercent, validateTemplated } from './template.ts';

export function validateStatefulSet({ spec }: StatefulSet): FieldError[] {
  return [
    ...notNegative(spec.replicas, 'spec.replicas'),
    ...notNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...notNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
    ...notNegative(spec.ordinals?.start, 'spec.ordinals.start'),
    ...statefulStrategyErrors(spec.updateStrategy),
    ...validateTemplated(spec, 'StatefulSet'),
  ];
}

function statefulStrategyErrors({ type, rollingUpdate }: StatefulSet['spec']['updateStrategy']): FieldError[] {
  const path = 'spec.updateStrategy.rollingUpdate';
  if (!rollingUpdate) return [];
  if (type === 'OnDelete') return [onlyRolling(path, rollingUpdate)];
  const { partition, maxUnavailable } = rollingUpdate;
  const errors = notNegative(partition, `${path}.partition`);
  if (maxUnavailable === undefined) return errors;
  if (Number.parseInt(String(maxUnavailable), 10) === 0)
    errors.push(invalidError(`${path}.maxUnavailable`, maxUnavailable, 'cannot be 0'));
  return [
    ...errors,
    ...validateIntOrPercent(maxUnavailable, `${path}.maxUnavailable`),
    ...notMoreThanAll(maxUnavailable, `${path}.maxUnavailable`),
  ];
}

const onlyRolling = (path: string, value: unknown) =>
  invalidError(path, value, "only allowed for updateStrategy 'RollingUpdate'");

const changeable = new Set([
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
]);

export function validateStatefulSetUpdate({ spec: before }: StatefulSet, { spec: after }: StatefulSet): FieldError[] {
  const fixed = (spec: object) => Object.fromEntries(Object.entries(spec).filter(([name]) => !changeable.has(name)));
  if (isDeepStrictEqual(fixed(before), fixed(after))) return [];
  const names = [...changeable].map((name) => `'${name}'`);
  const listed = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return [forbiddenError('spec', `updates to statefulset spec for fields other than ${listed} are forbidden`)];
}

export function validateDaemonSet({ spec }: DaemonSet): FieldError[] {
  return [
    ...notNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...notNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
    ...daemonStrategyErrors(spec.updateStrategy),
    ...validateTemplated(spec, 'DaemonSet'),
  ];
}

function daemonStrategyErrors({ type, rollingUpdate }: DaemonSet['spec']['updateStrategy']): FieldError[] {
  const path = 'spec.updateStrategy.rollingUpdate';
  if (type === 'OnDelete' || !rollingUpdate) return [];
  const { maxUnavailable = 1, maxSurge = 0 } = rollingUpdate;
  const [unavailable, surge] = [`${path}.maxUnavailable`, `${path}.maxSurge`];
  const errors = [...validateIntOrPercent(maxUnavailable, unavailable), ...validateIntOrPercent(maxSurge, surge)];
  if (errors.length > 0) return errors;
  const [hasUnavailable, hasSurge] = [maxUnavailable, maxSurge].map((each) => Number.parseInt(String(each), 10) > 0);
  if (hasUnavailable && hasSurge)
    errors.push(invalidError(surge, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  if (!hasUnavailable && !hasSurge)
    errors.push(invalidError(unavailable, maxUnavailable, 'cannot be 0 when maxSurge is 0'));
  return [...errors, ...notMoreThanAll(maxUnavailable, unavailable), ...notMoreThanAll(maxSurge, surge)];
}

export const validateDaemonSetUpdate = ({ spec: before }: DaemonSet, { spec: after }: DaemonSet): FieldError[] =>
  isDeepStrictEqual(before.selector, after.selector)
    ? []
    : [invalidError('spec.selector', after.selector, immutableMessage)];

export const validateControllerRevision = ({ data, revision }: ControllerRevision): FieldError[] => [
  ...(data === undefined ? [requiredError('data', 'data is mandatory')] : []),
  ...notNegative(revision, 'revision'),
];

export const validateControllerRevisionUpdate = (
  before: ControllerRevision,
  after: ControllerRevision,
): FieldError[] =>
  isDeepStrictEqual(before.data, after.data) ? [] : [invalidError('data', after.data, immutableMessage)];
