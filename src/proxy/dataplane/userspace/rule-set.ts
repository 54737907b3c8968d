import { printRestore, printRule, type RestoreTable, type TableName } from '../../../wire/iptables/mod.ts';
import type { PlacedRule } from './compile-port.ts';
import type { Jump } from './compile-static.ts';
import { type FoundRules, jumpText } from './found-rules.ts';
import { Chain, tableOf } from './layout.ts';

/** The rules of one port, by chain, as texts. */
export type PortRules = ReadonlyMap<Chain, readonly string[]>;

export function printRules(placed: readonly PlacedRule[]): PortRules {
  const chains = new Map<Chain, string[]>();
  for (const { chain, rule } of placed) {
    const rules = chains.get(chain) ?? [];
    rules.push(printRule(rule));
    chains.set(chain, rules);
  }
  return chains;
}

/** Commands for `iptables-restore`, and how many they are. */
export interface RestoreInput {
  readonly text: string;
  readonly commands: number;
}

/** The commands that take ports from their rules before to those after. */
export function restoreChanges(changes: readonly { before: PortRules; after: PortRules }[]): RestoreInput {
  const added: Record<string, string[]> = { nat: [], filter: [] };
  const removed: Record<string, string[]> = { nat: [], filter: [] };
  for (const { before, after } of changes) {
    for (const chain of Object.values(Chain)) {
      const [old, now] = [before.get(chain) ?? [], after.get(chain) ?? []];
      // Among a port's own rules of a chain the order counts, so that they are replaced together. What is said twice for
      // a moment is deleted where it comes first, which is the old one.
      if (old.join('\n') === now.join('\n')) continue;
      added[tableOf[chain]]!.push(...now.map((rule) => `-A ${chain} ${rule}`));
      removed[tableOf[chain]]!.push(...old.map((rule) => `-D ${chain} ${rule}`));
    }
  }
  return inSteps(added, removed, []);
}

/** The commands that take the kernel from what was found to these rules. Chains that hold them already are not touched. */
export function restoreAll(found: FoundRules, ports: readonly PortRules[], jumps: readonly Jump[]): RestoreInput {
  const added: Record<string, string[]> = { nat: [], filter: [] };
  const removed: Record<string, string[]> = { nat: [], filter: [] };
  const rewritten: Chain[] = [];
  for (const chain of Object.values(Chain)) {
    const rules = ports.map((port) => port.get(chain) ?? []);
    const there = found.chains.get(chain);
    if (there !== undefined && isSame(there, rules)) continue;
    rewritten.push(chain);
    added[tableOf[chain]]!.push(...rules.flat().map((rule) => `-A ${chain} ${rule}`));
  }
  const surplus = [...found.jumps];
  for (const { table, from, rule, first } of jumps) {
    const text = printRule(rule);
    const at = surplus.indexOf(jumpText(table, from, text));
    if (at >= 0) surplus.splice(at, 1);
    else added[table]!.push(`${first ? '-I' : '-A'} ${from} ${text}`);
  }
  for (const jump of surplus) {
    const [table, from, ...rule] = jump.split(' ');
    removed[table!]!.push(`-D ${from} ${rule.join(' ')}`);
  }
  return inSteps(added, removed, rewritten);
}

/** Ports that changed have their rules behind those of others; among each other, ports have no order, but each in itself. */
function isSame(there: readonly string[], ports: readonly (readonly string[])[]): boolean {
  const wanted = ports.flat();
  if (there.length !== wanted.length || [...there].sort().join('\n') !== wanted.sort().join('\n')) return false;
  const place = new Map(there.map((text, i) => [text, i]));
  return ports.every((rules) => rules.every((text, i) => i === 0 || place.get(rules[i - 1]!)! < place.get(text)!));
}

/** The commands that remove everything that was found. */
export function restoreNothing({ chains, jumps }: FoundRules): RestoreInput {
  const removed: Record<string, string[]> = { nat: [], filter: [] };
  for (const jump of jumps) {
    const [table, from, ...rule] = jump.split(' ');
    removed[table!]!.push(`-D ${from} ${rule.join(' ')}`);
  }
  for (const chain of chains.keys()) removed[tableOf[chain]]!.push(`-X ${chain}`);
  return inSteps({ nat: [], filter: [] }, removed, [...chains.keys()]);
}

/** Rules as `iptables-save` would show them, for people. */
export function describeRules(rules: PortRules, jumps: readonly Jump[]): string {
  const tables = (['nat', 'filter'] as const).map((name): RestoreTable => {
    const chains = Object.values(Chain).filter((chain) => tableOf[chain] === name);
    const lines = chains.flatMap((chain) => (rules.get(chain) ?? []).map((rule) => `-A ${chain} ${rule}`));
    const ways = jumps.filter(({ table }) => table === name).map(({ from, rule }) => `-A ${from} ${printRule(rule)}`);
    return { name, chains, commands: [...ways, ...lines] };
  });
  return printRestore(tables);
}

/**
 * Each table is a transaction, and packets pass in between: refusals come before redirections go, and go when
 * redirections have come. Who is redirected does not meet a refusal.
 */
function inSteps(
  added: Record<string, readonly string[]>,
  removed: Record<string, readonly string[]>,
  rewritten: readonly Chain[],
): RestoreInput {
  const of = (name: TableName) => rewritten.filter((chain) => tableOf[chain] === name);
  const steps: RestoreTable[] = [
    { name: 'filter', chains: of('filter'), commands: added.filter! },
    { name: 'nat', chains: of('nat'), commands: [...added.nat!, ...removed.nat!] },
    { name: 'filter', chains: [], commands: removed.filter! },
  ];
  const needed = steps.filter(({ chains, commands }) => chains.length + commands.length > 0);
  const commands = needed.reduce((sum, step) => sum + step.chains.length + step.commands.length, 0);
  return { text: printRestore(needed), commands };
}
