import { isDeepStrictEqual } from 'node:util';
import { ClusterRole, matchesSelector, type PolicyRule } from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { ControllerLoop } from '../shared/loop.ts';

/** Fills in the rules of ClusterRoles with an aggregationRule: those of every role that its selectors select. */
export function startClusterRoleAggregation(context: ControllerContext): StopController {
  const { client, informers } = context;
  const roles = informers.of(ClusterRole);
  const loop = new ControllerLoop(context, { name: 'clusterrole-aggregation', sync });

  roles.onChange(({ before, after }) => {
    if (before && after && !concernsRules(before, after)) return;
    for (const { metadata, aggregationRule } of roles.list()) if (aggregationRule) loop.add(metadata.name);
  });

  async function sync(name: string): Promise<void> {
    const role = roles.get(name);
    if (!role?.aggregationRule) return;
    const rules = aggregatedRules(role, roles.list());
    if (isDeepStrictEqual(rules, role.rules ?? [])) return;
    loop.wrote(name, roles, await client.update(ClusterRole, { ...role, rules }));
  }

  return () => loop.stop();
}

/** By the names of the roles, each rule once. */
export function aggregatedRules(role: ClusterRole, all: Iterable<ClusterRole>): PolicyRule[] {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
  const selected = [...all]
    .filter(({ metadata }) => metadata.name !== role.metadata.name)
    .filter(({ metadata }) => selectors.some((selector) => matchesSelector(selector, metadata.labels)))
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const rules = new Map<string, PolicyRule>();
  for (const rule of selected.flatMap(({ rules: own }) => own ?? [])) rules.set(JSON.stringify(rule), rule);
  return [...rules.values()];
}

function concernsRules(before: ClusterRole, after: ClusterRole): boolean {
  const what = ({ metadata, rules, aggregationRule }: ClusterRole) => [metadata.labels, rules, aggregationRule];
  return !isDeepStrictEqual(what(before), what(after));
}
