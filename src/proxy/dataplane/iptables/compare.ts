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
 * finds every chain that a rule sends it to: new chains and changed ones of a port, the ways into them, and when all ports
 * are done, what is not wanted goes. Edits are made one by one as they are asked for, and nothing of a port is kept when its
 * edits have been: a large cluster's do not fit into little memory.
 */
export function* compareAll({ tables }: FoundRules, { fixed, ports }: Program): Generator<Edit> {
  const stray = new Map([...tables].map(([table, found]) => [table, new Set([...found.keys()].filter(isStray))]));
  const compareChains = function* (list: readonly OwnChain[]): Generator<Edit> {
    for (const chain of list) {
      stray.get(chain.table)?.delete(chain.name);
      yield* compareOwn(chain, tables.get(chain.table)?.get(chain.name));
    }
  };
  yield* compareChains(fixed.chains);
  const shared = new Map<string, SharedComparison>();
  for (const chain of fixed.sharedChains) {
    stray.get(chain.table)?.delete(chain.name);
    const comparison = new SharedComparison(chain, tables.get(chain.table)?.get(chain.name));
    shared.set(keyOf(chain.table, chain.name), comparison);
    yield* comparison.begin();
  }
  for (const port of ports) {
    yield* compareChains(port.chains);
    for (const one of byKey(port).values()) yield* shared.get(keyOf(one.table, one.chain))!.want(one.rule);
  }
  for (const comparison of shared.values()) yield* comparison.end();
  yield* compareHooks(fixed, tables);
  yield* deletions([...stray].flatMap(([table, names]) => [...names].map((name) => ({ table, name }))));
}

/** A chain with rules of all ports, which come one by one. */
class SharedComparison {
  readonly #chain: SharedChain;
  /** Undefined: the chain is not there. */
  readonly #found: readonly string[] | undefined;
  /** Of what was found, what nobody has wanted yet. */
  readonly #surplus: Set<string>;
  /** All that is wanted, where the chain is in such disorder that it is written anew. */
  readonly #rewritten: Rule[] | undefined;

  constructor(chain: SharedChain, found: readonly string[] | undefined) {
    this.#chain = chain;
    this.#found = found;
    this.#surplus = new Set(found);
    if (found !== undefined && !this.#isInOrder(found)) this.#rewritten = [];
  }

  *begin(): Generator<Edit> {
    const { table, name, tail } = this.#chain;
    if (this.#found === undefined) yield { do: 'create', table, chain: name, rules: [] };
    for (const rule of tail) this.#surplus.delete(printRule(rule));
  }

  *want(rule: Rule): Generator<Edit> {
    const { table, name } = this.#chain;
    if (this.#rewritten) this.#rewritten.push(rule);
    else if (this.#surplus.size === 0 || !this.#surplus.delete(printRule(rule))) {
      yield { do: 'insert', table, chain: name, rule, at: this.#found ? 'start' : 'end' };
    }
  }

  *end(): Generator<Edit> {
    const { table, name, tail } = this.#chain;
    if (this.#rewritten) {
      yield { do: 'change', table, chain: name, before: this.#found!, after: [...this.#rewritten, ...tail] };
    } else if (this.#found === undefined) {
      for (const rule of tail) yield { do: 'insert', table, chain: name, rule, at: 'end' };
    } else for (const text of this.#surplus) yield { do: 'remove', table, chain: name, text };
  }

  /** No rule twice, and the last ones last. */
  #isInOrder(found: readonly string[]): boolean {
    const { tail } = this.#chain;
    const last = found.slice(found.length - tail.length);
    return this.#surplus.size === found.length && tail.every((rule, i) => printRule(rule) === last[i]);
  }
}

const keyOf = (table: string, chain: string): string => `${table} ${chain}`;

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
