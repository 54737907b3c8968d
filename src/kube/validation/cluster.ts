import { isDeepStrictEqual } from 'node:util';
import type { Event, Lease } from '../kinds/cluster.ts';
import type { Node } from '../kinds/node.ts';
import { validateCidr } from './addresses.ts';
import {
  duplicateError,
  type FieldError,
  forbiddenError,
  invalidError,
  notSupportedError,
  requiredError,
} from './field-error.ts';
import { problem } from './metadata.ts';
import { labelKeyProblem, labelValueProblem } from './names.ts';
import { notNegative, positive } from './numbers.ts';

export const validateLease = ({ spec }: Lease): FieldError[] => [
  ...positive(spec?.leaseDurationSeconds, 'spec.leaseDurationSeconds'),
  ...notNegative(spec?.leaseTransitions, 'spec.leaseTransitions'),
];

const effects = ['NoExecute', 'NoSchedule', 'PreferNoSchedule'];

export function validateNode({ spec }: Node): FieldError[] {
  const cidrs = spec?.podCIDRs ?? [];
  const errors = cidrs.flatMap((cidr, index) => validateCidr(cidr, `spec.podCIDRs[${index}]`));
  const seen = new Set<string>();
  for (const [index, { key, value, effect }] of (spec?.taints ?? []).entries()) {
    const path = `spec.taints[${index}]`;
    errors.push(...problem(labelKeyProblem, key, `${path}.key`));
    if (value) errors.push(...problem(labelValueProblem, value, `${path}.value`));
    if (!effects.includes(effect)) errors.push(notSupportedError(`${path}.effect`, effect, effects));
    if (seen.has(`${key}:${effect}`)) errors.push(duplicateError(path, { key, value, effect }));
    seen.add(`${key}:${effect}`);
  }
  return errors;
}

/** Pods already have addresses of the range. */
export function validateNodeUpdate({ spec: before }: Node, { spec: after }: Node): FieldError[] {
  const errors: FieldError[] = [];
  if (before?.podCIDRs?.length && !isDeepStrictEqual(before.podCIDRs, after?.podCIDRs)) {
    errors.push(forbiddenError('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  }
  if (before?.providerID && before.providerID !== after?.providerID) {
    errors.push(forbiddenError('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  return errors;
}

/** An event stands in the namespace of what it is about; one about a cluster-scoped object in `default`. */
export function validateEvent({ involvedObject, metadata }: Event): FieldError[] {
  const path = 'involvedObject.namespace';
  const namespace = involvedObject.namespace ?? '';
  if (metadata.namespace === undefined) return [requiredError('metadata.namespace')];
  const expected = namespace === '' ? ['default', 'kube-system'] : [namespace];
  return expected.includes(metadata.namespace) ? [] : [invalidError(path, namespace, 'does not match event.namespace')];
}
