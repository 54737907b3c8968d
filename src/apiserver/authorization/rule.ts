import type { PolicyRule } from '../../kube/mod.ts';
import type { Attributes, PathAttributes, ResourceAttributes } from './attributes.ts';

const everything = '*';

/** Whether the rule allows it (RuleAllows of plugin/pkg/auth/authorizer/rbac). */
export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!matches(rule.verbs, attributes.verb)) return false;
  return attributes.type === 'path' ? allowsPath(rule, attributes) : allowsResource(rule, attributes);
}

function allowsResource(
  { apiGroups = [], resources = [], resourceNames = [] }: PolicyRule,
  { group, resource, subresource, name }: ResourceAttributes,
): boolean {
  return (
    matches(apiGroups, group) &&
    resourceMatches(resources, resource, subresource) &&
    (resourceNames.length === 0 || resourceNames.includes(name))
  );
}

/** `pods` does not speak of `pods/log`; the star alone speaks of both, and a star with a subresource of every kind's. */
function resourceMatches(resources: readonly string[], resource: string, subresource: string): boolean {
  if (subresource === '') return matches(resources, resource);
  return matches(resources, `${resource}/${subresource}`) || resources.includes(`*/${subresource}`);
}

const allowsPath = ({ nonResourceURLs = [] }: PolicyRule, { path }: PathAttributes): boolean =>
  nonResourceURLs.some((pattern) => pathMatches(pattern, path));

/** A star may stand at the end alone. */
export const pathMatches = (pattern: string, path: string): boolean =>
  pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, '')));

export const matches = (words: readonly string[], word: string): boolean =>
  words.includes(everything) || words.includes(word);
