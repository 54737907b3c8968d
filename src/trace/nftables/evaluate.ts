import { type Expression, formatExpression, type Verdict as NftVerdict } from '../../wire/nftables/mod.ts';
import { UnevaluableError } from '../errors.ts';
import type { Traveller } from '../packet.ts';
import type { BaseChain, Surroundings, Verdict } from '../rules.ts';
import { evaluateExpression } from './expressions.ts';
import { Registers } from './registers.ts';
import { SetIndex } from './set-index.ts';
import type { NftChain, NftTable } from './table.ts';

/** NFT_JUMP_STACK_SIZE. */
const deepestJump = 16;

/** The table's base chains, to trace packets through. */
export function nftablesChains(table: NftTable): BaseChain[] {
  const program = new NftProgram(table);
  return table.chains.flatMap(({ chain: { name, base } }): BaseChain[] => {
    if (base === undefined) return [];
    return [
      {
        name: `${program.name} ${name}`,
        hook: base.hook,
        priority: base.priority,
        translates: base.type === 'nat',
        evaluate: (packet, surroundings) => program.evaluate(name, packet, surroundings),
      },
    ];
  });
}

/** What an expression does to the rule: goes on with the next one, ends the rule, or decides. */
export type Effect = 'continue' | 'break' | NftVerdict | Exclude<Verdict, { kind: 'accept' | 'drop' }>;

class NftProgram {
  readonly name: string;
  readonly #family: NftTable['family'];
  readonly #chains: ReadonlyMap<string, NftChain>;
  readonly #sets: ReadonlyMap<string, SetIndex>;

  constructor({ family, name, chains, sets }: NftTable) {
    this.name = `${family === 'IPv4' ? 'ip' : 'ip6'} ${name}`;
    this.#family = family;
    this.#chains = new Map(chains.map((chain) => [chain.chain.name, chain]));
    this.#sets = new Map(sets.map((set) => [set.definition.name, new SetIndex(this.name, set)]));
  }

  /** nft_do_chain: chains jump, go to and return to one another until one decides or the base chain ends. */
  evaluate(start: string, packet: Traveller, surroundings: Surroundings): Verdict {
    if (packet.family !== this.#family) return { kind: 'accept' };
    const machine = new Machine(this.name, this.#sets, packet, surroundings);
    const callers: Place[] = [];
    let place: Place | undefined = { chain: this.#chain(start), next: 0 };
    while (place) {
      const effect: Effect = machine.runRest(place);
      if (effect === 'continue' || effect === 'break' || effect.kind === 'return') {
        place = callers.pop();
      } else if (effect.kind === 'jump' || effect.kind === 'goto') {
        if (effect.kind === 'jump') callers.push(place);
        if (callers.length > deepestJump) throw new UnevaluableError(`more than ${deepestJump} jumps in ${start}`);
        place = { chain: this.#chain(effect.chain), next: 0 };
      } else return effect as Verdict;
    }
    return { kind: this.#chain(start).chain.base?.policy ?? 'accept' };
  }

  #chain(name: string): NftChain {
    const chain = this.#chains.get(name);
    if (chain === undefined) throw new UnevaluableError(`there is no chain ${name} in table ${this.name}`);
    return chain;
  }
}

/** A chain, and which of its rules comes next. */
interface Place {
  readonly chain: NftChain;
  next: number;
}

/** Registers and packet of one pass through a base chain: registers outlive the rule, as in the kernel. */
export class Machine {
  readonly registers = new Registers();
  readonly packet: Traveller;
  readonly surroundings: Surroundings;
  readonly table: string;
  readonly #sets: ReadonlyMap<string, SetIndex>;

  constructor(table: string, sets: ReadonlyMap<string, SetIndex>, packet: Traveller, surroundings: Surroundings) {
    this.table = table;
    this.#sets = sets;
    this.packet = packet;
    this.surroundings = surroundings;
  }

  set(name: string): SetIndex {
    const set = this.#sets.get(name);
    if (set === undefined) throw new UnevaluableError(`there is no set ${name} in table ${this.table}`);
    return set;
  }

  /** Runs the chain's rules up to one that decides; `place` then points behind it. */
  runRest(place: Place): Effect {
    const { chain, rules } = place.chain;
    while (place.next < rules.length) {
      const rule = rules[place.next++]!;
      const effect = this.#runRule(rule, chain.name, place.next);
      if (effect === 'break') continue;
      this.surroundings.passed({ table: this.table, chain: chain.name, number: place.next, text: ruleText(rule) });
      if (effect !== 'continue') return effect;
    }
    return 'continue';
  }

  #runRule(rule: readonly Expression[], chain: string, number: number): Effect {
    for (const expression of rule) {
      const effect = this.#runExpression(expression, chain, number);
      if (effect !== 'continue') return effect;
    }
    return 'continue';
  }

  #runExpression(expression: Expression, chain: string, number: number): Effect {
    try {
      return evaluateExpression(expression, this);
    } catch (error) {
      if (!(error instanceof UnevaluableError)) throw error;
      throw new UnevaluableError(`${this.table} ${chain} #${number}: ${error.message}`);
    }
  }
}

const ruleText = (rule: readonly Expression[]): string => rule.map(formatExpression).join('; ');
