import { isDeepStrictEqual } from 'node:util';
import {
  type ClusterRole,
  type ClusterRoleBinding,
  type PolicyRule,
  type Role,
  type RoleBinding,
  rbacGroup,
  type Subject,
} from '../kinds/rbac.ts';
import { type FieldError, invalidError, notSupportedError, requiredError } from './field-error.ts';
import { problem, validateLabelSelector } from './metadata.ts';
import { pathSegmentProblem, subdomainProblem } from './names.ts';

type Binding = RoleBinding | ClusterRoleBinding;

export const validateRole = ({ rules = [] }: Role): FieldError[] =>
  rules.flatMap((rule, index) => ruleErrors(rule, `rules[${index}]`, true));

export function validateClusterRole({ rules = [], aggregationRule }: ClusterRole): FieldError[] {
  const errors = rules.flatMap((rule, index) => ruleErrors(rule, `rules[${index}]`, false));
  if (!aggregationRule) return errors;
  const path = 'aggregationRule.clusterRoleSelectors';
  const selectors = aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) {
    const why = 'at least one clusterRoleSelector required if aggregationRule is non-nil';
    return [...errors, requiredError(path, why)];
  }
  return [...errors, ...selectors.flatMap((selector, index) => validateLabelSelector(selector, `${path}[${index}]`))];
}

/** ValidatePolicyRule of pkg/apis/rbac/validation. */
function ruleErrors(rule: PolicyRule, path: string, isNamespaced: boolean): FieldError[] {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const errors: FieldError[] = [];
  if (verbs.length === 0) errors.push(requiredError(`${path}.verbs`, 'verbs must contain at least one value'));
  if (nonResourceURLs.length > 0) {
    const wrong = (why: string) => errors.push(invalidError(`${path}.nonResourceURLs`, nonResourceURLs, why));
    if (isNamespaced) wrong('namespaced rules cannot apply to non-resource URLs');
    if (apiGroups.length + resources.length + resourceNames.length > 0)
      wrong('rules cannot apply to both regular resources and non-resource URLs');
    return errors;
  }
  if (apiGroups.length === 0)
    errors.push(requiredError(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
  if (resources.length === 0)
    errors.push(requiredError(`${path}.resources`, 'resource rules must supply at least one resource'));
  return errors;
}

export const validateRoleBinding = (binding: RoleBinding): FieldError[] =>
  bindingErrors(binding, ['Role', 'ClusterRole'], true);

export const validateClusterRoleBinding = (binding: ClusterRoleBinding): FieldError[] =>
  bindingErrors(binding, ['ClusterRole'], false);

function bindingErrors({ roleRef, subjects = [] }: Binding, kinds: string[], isNamespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (roleRef.apiGroup !== rbacGroup) errors.push(notSupportedError('roleRef.apiGroup', roleRef.apiGroup, [rbacGroup]));
  if (!kinds.includes(roleRef.kind)) errors.push(notSupportedError('roleRef.kind', roleRef.kind, kinds));
  if (roleRef.name === '') errors.push(requiredError('roleRef.name'));
  else errors.push(...problem(pathSegmentProblem, roleRef.name, 'roleRef.name'));
  return [
    ...errors,
    ...subjects.flatMap((subject, index) => subjectErrors(subject, `subjects[${index}]`, isNamespaced)),
  ];
}

function subjectErrors(subject: Subject, path: string, isNamespaced: boolean): FieldError[] {
  const { kind, name, namespace = '', apiGroup = '' } = subject;
  const errors: FieldError[] = name === '' ? [requiredError(`${path}.name`)] : [];
  switch (kind) {
    case 'ServiceAccount':
      if (name !== '') errors.push(...problem(subdomainProblem, name, `${path}.name`));
      if (apiGroup !== '') errors.push(notSupportedError(`${path}.apiGroup`, apiGroup, ['']));
      if (!isNamespaced && namespace === '') errors.push(requiredError(`${path}.namespace`));
      return errors;
    case 'User':
    case 'Group':
      if (apiGroup !== rbacGroup) errors.push(notSupportedError(`${path}.apiGroup`, apiGroup, [rbacGroup]));
      return errors;
    default:
      return [...errors, notSupportedError(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group'])];
  }
}

/** What a binding gives can be changed by its subjects alone: another role would be another binding. */
export const validateBindingUpdate = (before: Binding, after: Binding): FieldError[] =>
  isDeepStrictEqual(before.roleRef, after.roleRef)
    ? []
    : [invalidError('roleRef', after.roleRef, 'cannot change roleRef')];
