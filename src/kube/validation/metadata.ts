import { isDeepStrictEqual } from 'node:util';
import type { KubeInput, LabelSelector, ObjectMeta } from '../meta.ts';
import type { Resource } from '../resource.ts';
import { childPath, type FieldError, forbiddenError, invalidError, keyPath, requiredError } from './field-error.ts';
import {
  label1035Problem,
  labelKeyProblem,
  labelProblem,
  labelValueProblem,
  type NameRule,
  pathSegmentProblem,
  subdomainProblem,
} from './names.ts';

/** Services are DNS labels that must not begin with a digit; Namespaces are labels; most others are subdomains. */
const nameRules: Record<string, NameRule | undefined> = {
  ClusterRole: pathSegmentProblem,
  ClusterRoleBinding: pathSegmentProblem,
  // An address, which its own rules look at.
  IPAddress: pathSegmentProblem,
  Namespace: labelProblem,
  Role: pathSegmentProblem,
  RoleBinding: pathSegmentProblem,
  Service: label1035Problem,
};

/** apimachinery's totalAnnotationSizeLimitB. */
const annotationLimitBytes = 256 * 1024;

export const immutableMessage = 'field is immutable';

export function validateMetadata(resource: Resource, { metadata }: KubeInput): FieldError[] {
  const rule = nameRules[resource.kind] ?? subdomainProblem;
  return [
    ...nameErrors(rule, metadata),
    ...namespaceErrors(resource, metadata?.namespace),
    ...validateLabels(metadata?.labels, 'metadata.labels'),
    ...annotationErrors(metadata?.annotations),
    ...ownerErrors(metadata),
    ...(metadata?.finalizers ?? []).flatMap((name, index) =>
      problem(labelKeyProblem, name, `metadata.finalizers[${index}]`),
    ),
  ];
}

type Metadata = KubeInput['metadata'];

/** A random suffix follows generateName, so it may end as no name may: in a dash. */
function nameErrors(rule: NameRule, metadata: Metadata): FieldError[] {
  const errors: FieldError[] = [];
  if (metadata?.generateName) {
    errors.push(
      ...problem(rule, metadata.generateName.replace(/-$/, 'a'), 'metadata.generateName', metadata.generateName),
    );
  }
  if (metadata?.name) errors.push(...problem(rule, metadata.name, 'metadata.name'));
  else if (!metadata?.generateName) errors.push(requiredError('metadata.name', 'name or generateName is required'));
  return errors;
}

function namespaceErrors(resource: Resource, namespace: string | undefined): FieldError[] {
  if (!resource.namespaced) {
    return namespace ? [forbiddenError('metadata.namespace', 'not allowed on this type')] : [];
  }
  return namespace ? problem(labelProblem, namespace, 'metadata.namespace') : [requiredError('metadata.namespace')];
}

export const validateLabels = (labels: Readonly<Record<string, string>> | undefined, path: string): FieldError[] =>
  Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...problem(labelKeyProblem, key, path),
    ...problem(labelValueProblem, value, keyPath(path, key), value),
  ]);

/** Annotation keys may be written with capitals in the prefix, and their values are free but for the sum of sizes. */
function annotationErrors(annotations: Readonly<Record<string, string>> | undefined): FieldError[] {
  const entries = Object.entries(annotations ?? {});
  const errors = entries.flatMap(([key]) => problem(labelKeyProblem, key.toLowerCase(), 'metadata.annotations', key));
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (bytes > annotationLimitBytes) {
    errors.push({
      path: 'metadata.annotations',
      type: 'FieldValueTooLong',
      message: `Too long: may not be more than ${annotationLimitBytes} bytes`,
    });
  }
  return errors;
}

function ownerErrors(metadata: Metadata): FieldError[] {
  const owners = metadata?.ownerReferences ?? [];
  const errors = owners.flatMap((owner, index) =>
    (['apiVersion', 'kind', 'name', 'uid'] as const)
      .filter((field) => !owner[field])
      .map((field) => requiredError(`metadata.ownerReferences[${index}].${field}`, 'must not be empty')),
  );
  const controllers = owners.filter(({ controller }) => controller);
  if (controllers.length > 1) {
    const [first, second] = controllers;
    errors.push(
      invalidError(
        'metadata.ownerReferences',
        metadata?.ownerReferences,
        `Only one reference can have Controller set to true. Found "true" in references for ${first!.kind}/${first!.name} and ${second!.kind}/${second!.name}`,
      ),
    );
  }
  return errors;
}

/** Fields that only the server writes, once. Absent in `after` counts as unchanged. */
export function validateMetadataUpdate(before: ObjectMeta, after: ObjectMeta): FieldError[] {
  const fixed = [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const;
  const errors = fixed
    .filter((field) => after[field] !== undefined && !isDeepStrictEqual(after[field], before[field]))
    .map((field) => invalidError(childPath('metadata', field), after[field], immutableMessage));
  if (before.deletionTimestamp) {
    const added = (after.finalizers ?? []).filter((name) => !before.finalizers?.includes(name));
    if (added.length > 0) {
      const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`;
      errors.push(forbiddenError('metadata.finalizers', detail));
    }
  }
  return errors;
}

export function validateLabelSelector(selector: LabelSelector, path: string): FieldError[] {
  const expressions = selector.matchExpressions ?? [];
  return [
    ...validateLabels(selector.matchLabels, childPath(path, 'matchLabels')),
    ...expressions.flatMap(({ key, operator, values = [] }, index) => {
      const at = `${path}.matchExpressions[${index}]`;
      const wantsValues = operator === 'In' || operator === 'NotIn';
      const errors = problem(labelKeyProblem, key, childPath(at, 'key'));
      if (wantsValues && values.length === 0) {
        errors.push(requiredError(childPath(at, 'values'), "must be specified when `operator` is 'In' or 'NotIn'"));
      }
      if (!wantsValues && values.length > 0) {
        errors.push(
          forbiddenError(childPath(at, 'values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        );
      }
      return [
        ...errors,
        ...values.flatMap((value, each) => problem(labelValueProblem, value, `${at}.values[${each}]`)),
      ];
    }),
  ];
}

/** The error of a name that breaks its rule; `shown` is what was written, when that is not what was checked. */
export function problem(rule: NameRule, text: string, path: string, shown: string = text): FieldError[] {
  const detail = rule(text);
  return detail === undefined ? [] : [invalidError(path, shown, detail)];
}
