import { printRule, type Rule, type TableContent, type TableName } from '../../wire/iptables/mod.ts';
import { UnevaluableError } from '../errors.ts';
import type { TraceFamily, Traveller } from '../packet.ts';
import type { BaseChain, Hook, Surroundings, Verdict } from '../rules.ts';
import { isMatchedBy } from './matches.ts';
import { type Effect, effectOf } from './targets.ts';

/** Hooks and priorities of the built-in chains: NF_IP_PRI_* of linux/netfilter_ipv4.h, the same for IPv6. */
const builtIn: Readonly<Record<TableName, Partial<Record<Hook, number>>>> = {
  raw: { prerouting: -300, output: -300 },
  mangle: { prerouting: -150, input: -150, forward: -150, output: -150, postrouting: -150 },
  nat: { prerouting: -100, output: -100, input: 100, postrouting: 100 },
  filter: { input: 0, forward: 0, output: 0 },
  security: { input: 50, forward: 50, output: 50 },
};

/** The built-in chains of one family's tables, to trace packets through. */
export function iptablesChains(tables: readonly TableContent[], family: TraceFamily): BaseChain[] {
  return tables.flatMap((table) =>
    Object.entries(builtIn[table.name]).flatMap(([hook, priority]): BaseChain[] => {
      const chain = hook.toUpperCase();
      if (!table.chains.has(chain)) return [];
      return [
        {
          name: `${table.name} ${chain}`,
          hook: hook as Hook,
          priority,
          translates: table.name === 'nat',
          evaluate: (packet, surroundings) =>
            packet.family === family ? evaluateTable(table, chain, packet, surroundings) : { kind: 'accept' },
        },
      ];
    }),
  );
}

/** A chain, and which of its rules comes next. */
interface Place {
  readonly chain: string;
  readonly rules: readonly Rule[];
  next: number;
}

/** ipt_do_table: chains jump, go to and return to one another until a rule decides or the built-in chain ends. */
function evaluateTable(table: TableContent, start: string, packet: Traveller, surroundings: Surroundings): Verdict {
  const callers: Place[] = [];
  let place: Place | undefined = enter(table, start);
  while (place) {
    const effect = runRest(table, place, packet, surroundings);
    if (effect === 'continue' || effect.kind === 'return') place = callers.pop();
    else if ('chain' in effect) {
      if (effect.kind === 'jump') callers.push(place);
      place = enter(table, effect.chain);
    } else return effect;
  }
  return { kind: table.chains.get(start)?.policy === 'DROP' ? 'drop' : 'accept' };
}

function enter(table: TableContent, chain: string): Place {
  const content = table.chains.get(chain);
  if (content === undefined) throw new UnevaluableError(`there is no chain or target ${chain} in table ${table.name}`);
  return { chain, rules: content.rules, next: 0 };
}

/** Runs the chain's rules up to one that decides; `place` then points behind it. */
function runRest(table: TableContent, place: Place, packet: Traveller, surroundings: Surroundings): Effect {
  while (place.next < place.rules.length) {
    const rule = place.rules[place.next++]!;
    const effect = runRule(`${table.name} ${place.chain} #${place.next}`, rule, packet, surroundings);
    if (effect === 'no match') continue;
    surroundings.passed({ table: table.name, chain: place.chain, number: place.next, text: printRule(rule) });
    if (effect !== 'continue') return effect;
  }
  return 'continue';
}

function runRule(place: string, rule: Rule, packet: Traveller, surroundings: Surroundings): Effect | 'no match' {
  try {
    return isMatchedBy(rule, packet, surroundings) ? effectOf(rule.target, packet, surroundings) : 'no match';
  } catch (error) {
    if (!(error instanceof UnevaluableError)) throw error;
    throw new UnevaluableError(`${place}: ${error.message}`);
  }
}
