import { isServiceChain, printRule, type Rule, type TableName } from '../../../wire/iptables/mod.ts';
import { Chain } from './chains.ts';
import type { FixedProgram, OwnChain, PortProgram, SharedChain, SharedRule } from './program.ts';
import type { Edit, FoundRules } from './rule-table.ts';

/** All that is wanted: fixed parts, and ports one after the other. */
export interface Program {
  readonly fixed: FixedProgram;
  readonly ports: Iterable<PortProgram>;
}

/**
 * What turns the rules that were found into the wanted ones. No edit: they are the same. In an order in which a packet
 * finds every chain that a rule sends it to: new chains, changed ones, ways into them, and then what is not wanted goes.
 * Edits are made one by one as they are asked for, because a large cluster's do not fit into little memory.
 */
export function* compareAll({ tables }: FoundRules, { fixed, ports }: Program): Generator<Edit> {
  const chainsOf = (table: TableName) => tables.get(table) ?? noChains;
  const wanted = new Set<string>();
  const shared = new Map<string, Rule[]>();
  for (const { table, name } of fixed.sharedChains) {
    wanted.add(keyOf(table, name));
    shared.set(keyOf(table, name), []);
  }
  const chains = function* (list: readonly OwnChain[]): Generator<Edit> {
    for (const chain of list) {
      wanted.add(keyOf(chain.table, chain.name));
      yield* compareOwn(chain, chainsOf(chain.table).get(chain.name));
    }
  };
  yield* chains(fixed.chains);
  for (const port of ports) {
    yield* chains(port.chains);
    for (const { table, chain, rule } of port.shared) shared.get(keyOf(table, chain))!.push(rule);
  }
  for (const chain of fixed.sharedChains) {
    const rules = shared.get(keyOf(chain.table, chain.name))!;
    yield* compareShared(chain, rules, chainsOf(chain.table).get(chain.name));
  }
  yield* compareHooks(fixed, tables);
  const stray = [...tables].flatMap(([table, found]) =>
    [...found.keys()]
      .filter((name) => !wanted.has(keyOf(table, name)) && isStray(name))
      .map((name) => ({ table, name })),
  );
  yield* deletions(stray);
}

const keyOf = (table: string, chain: string): string => `${table} ${chain}`;
const noChains: ReadonlyMap<string, readonly string[]> = new Map();

/** Chains that only a proxy makes; others whose names begin with KUBE- are kubelet's or a network plugin's. */
const isStray = (chain: string): boolean => isServiceChain(chain) || fixedChains.has(chain);
const fixedChains = new Set<string>(
  Object.values(Chain).filter((chain) => chain !== Chain.firewall && chain !== Chain.markMasquerade),
);

function compareOwn({ table, name, rules }: OwnChain, found: readonly string[] | undefined): Edit[] {
  if (found === undefined) return [{ do: 'create', table, chain: name, rules }];
  const same = found.length === rules.length && rules.every((rule, i) => printRule(rule) === found[i]);
  return same ? [] : [{ do: 'change', table, chain: name, before: found, after: rules }];
}

function compareShared(
  { table, name, tail }: SharedChain,
  rules: readonly Rule[],
  found: readonly string[] | undefined,
): Edit[] {
  const wanted = [...rules, ...tail];
  if (found === undefined) return [{ do: 'create', table, chain: name, rules: wanted }];
  const texts = new Map(wanted.map((rule) => [printRule(rule), rule]));
  const foundTail = found.slice(found.length - tail.length);
  const hasDuplicates = new Set(found).size !== found.length;
  if (hasDuplicates || tail.some((rule, i) => printRule(rule) !== foundTail[i])) {
    return [{ do: 'change', table, chain: name, before: found, after: wanted }];
  }
  const there = new Set(found);
  const missing = [...texts].filter(([text]) => !there.has(text));
  return [
    ...missing.map(([, rule]) => ({ do: 'insert', table, chain: name, rule, at: 'start' }) as const),
    ...found.filter((text) => !texts.has(text)).map((text) => ({ do: 'remove', table, chain: name, text }) as const),
  ];
}

function compareHooks({ hooks, chains, sharedChains }: FixedProgram, tables: FoundRules['tables']): Edit[] {
  const insertions: Edit[] = [];
  const removals: Edit[] = [];
  const texts = new Set<string>();
  for (const { table, chain, rule } of hooks) {
    const text = printRule(rule);
    texts.add(`${table} ${chain} ${text}`);
    if (!tables.get(table)?.get(chain)?.includes(text))
      insertions.push({ do: 'insert', table, chain, rule, at: 'start' });
  }
  // Another version's way into one of these chains would count twice.
  const targets = new Set([...chains, ...sharedChains].map(({ name }) => name));
  for (const [table, found] of tables) {
    for (const [chain, rules] of found) {
      if (chain.startsWith('KUBE-')) continue;
      for (const text of rules) {
        const target = targetOf(text);
        if (target && (targets.has(target) || isStray(target)) && !texts.has(`${table} ${chain} ${text}`)) {
          removals.push({ do: 'remove', table, chain, text });
        }
      }
    }
  }
  return [...insertions, ...removals];
}

/** What a successor of `before` differs in, for one port. */
export function comparePorts(before: PortProgram | undefined, after: PortProgram | undefined): Edit[] {
  const old = new Map(before?.chains.map((chain) => [chain.name, chain]));
  const edits: Edit[] = [];
  const stray = new Map(old);
  for (const chain of after?.chains ?? []) {
    stray.delete(chain.name);
    const known = old.get(chain.name);
    if (known?.origin !== undefined && known.origin === chain.origin) continue;
    edits.push(...compareOwn(chain, known?.rules.map(printRule)));
  }
  const wanted = byKey(after);
  const there = byKey(before);
  for (const [key, { table, chain, rule }] of wanted) {
    // KUBE-SERVICES of nat ends with the way to node ports.
    if (!there.has(key)) edits.push({ do: 'insert', table, chain, rule, at: 'start' });
  }
  for (const [key, { table, chain, rule }] of there) {
    if (!wanted.has(key)) edits.push({ do: 'remove', table, chain, text: printRule(rule) });
  }
  return [...edits, ...deletions([...stray.values()].reverse())];
}

const byKey = (program: PortProgram | undefined): Map<string, SharedRule> =>
  new Map(program?.shared.map((shared) => [`${shared.table} ${shared.chain} ${printRule(shared.rule)}`, shared]));

/** Those that jump go before those that they jump to. */
const deletionOrder = ['KUBE-FW-', 'KUBE-EXT-', 'KUBE-SVC-', 'KUBE-SVL-', 'KUBE-SEP-'];

export function deletions(chains: readonly { readonly table: TableName; readonly name: string }[]): Edit[] {
  const rank = (name: string) => deletionOrder.findIndex((prefix) => name.startsWith(prefix));
  const ranked = chains.map(({ table, name }) => ({ table, chain: name, rank: rank(name) }));
  return ranked.sort((a, b) => a.rank - b.rank).map(({ table, chain }) => ({ do: 'delete', table, chain }));
}

/** The chain or extension that a rule's text ends in. */
export const targetOf = (text: string): string | undefined => /(?:^| )-[jg] (\S+)/.exec(text)?.[1];
