import { printRule, type TableContent } from '../../../wire/iptables/mod.ts';
import type { Found } from '../port.ts';
import { Chain, tableOf } from './layout.ts';

/** What the kernel holds of ours, as texts. */
export interface FoundRules extends Found {
  /** The rules of each of our chains that exists. */
  readonly chains: ReadonlyMap<Chain, readonly string[]>;
  /** Rules of built-in chains that lead to ours: `nat PREROUTING -j …`, each as often as it is there. */
  readonly jumps: readonly string[];
}

const ourChains = new Set<string>(Object.values(Chain));

export function foundRules(tables: readonly TableContent[]): FoundRules {
  const chains = new Map<Chain, string[]>();
  const jumps: string[] = [];
  for (const { name: table, chains: content } of tables) {
    for (const [chain, { rules }] of content) {
      if (isOurs(chain, table)) chains.set(chain, rules.map(printRule));
      else {
        for (const rule of rules) {
          if (rule.target?.kind === 'jump' && ourChains.has(rule.target.chain)) {
            jumps.push(jumpText(table, chain, printRule(rule)));
          }
        }
      }
    }
  }
  return { exists: chains.size > 0, groups: new Map(), chains, jumps };
}

const isOurs = (chain: string, table: string): chain is Chain =>
  ourChains.has(chain) && tableOf[chain as Chain] === table;

export const jumpText = (table: string, from: string, rule: string): string => `${table} ${from} ${rule}`;
