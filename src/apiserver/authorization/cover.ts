import type { PolicyRule } from '../../kube/mod.ts';
import { matches, pathMatches } from './rule.ts';

/**
 * What the wanted rules allow and the held ones do not, as few rules as that takes: nobody may give away what they do
 * not have (upstream's validation.Covers).
 */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const missing = wanted.flatMap(singleRules).filter((single) => !held.some((rule) => covers(rule, single)));
  return joinVerbs(missing);
}

/** One verb on one resource of one group, with one name or all; or one verb on one path. */
function singleRules(rule: PolicyRule): PolicyRule[] {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const names = resourceNames.length === 0 ? [{}] : resourceNames.map((name) => ({ resourceNames: [name] }));
  return verbs.flatMap((verb) => [
    ...apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        names.map((named) => ({ apiGroups: [group], resources: [resource], ...named, verbs: [verb] })),
      ),
    ),
    ...nonResourceURLs.map((path) => ({ nonResourceURLs: [path], verbs: [verb] })),
  ]);
}

function covers(held: PolicyRule, single: PolicyRule): boolean {
  if (!matches(held.verbs, single.verbs[0]!)) return false;
  const path = single.nonResourceURLs?.[0];
  if (path !== undefined) return (held.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, path));
  return (
    matches(held.apiGroups ?? [], single.apiGroups![0]!) &&
    coversResource(held.resources ?? [], single.resources![0]!) &&
    coversName(held.resourceNames ?? [], single.resourceNames?.[0])
  );
}

function coversResource(held: readonly string[], wanted: string): boolean {
  const [, subresource] = wanted.split('/');
  return matches(held, wanted) || (subresource !== undefined && held.includes(`*/${subresource}`));
}

const coversName = (held: readonly string[], wanted: string | undefined): boolean =>
  held.length === 0 || (wanted !== undefined && held.includes(wanted));

function joinVerbs(rules: readonly PolicyRule[]): PolicyRule[] {
  const joined = new Map<string, PolicyRule>();
  for (const { verbs, ...what } of rules) {
    const key = JSON.stringify(what);
    const before = joined.get(key);
    joined.set(key, { ...what, verbs: [...new Set([...(before?.verbs ?? []), ...verbs])] });
  }
  return [...joined.values()];
}

/** `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}` */
export function ruleText(rule: PolicyRule): string {
  const parts: [string, readonly string[] | undefined][] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ];
  const texts = parts.filter(([, words]) => words?.length).map(([name, words]) => `${name}:${wordsText(words!)}`);
  return `{${texts.join(', ')}}`;
}

/** As Go prints a list of strings with %q. */
export const wordsText = (words: readonly string[]): string =>
  `[${words.map((word) => JSON.stringify(word)).join(' ')}]`;
