import type { RuleCount } from '../port.ts';
import type { Program } from './compare.ts';
import type { PortProgram } from './program.ts';
import type { Edit } from './rule-table.ts';

const tables = ['filter', 'nat'] as const;
type CountedTable = (typeof tables)[number];

/** Counts rules while they pass by, so that metrics tell how many there are and nobody has to look at all of them. */
export class RuleCounter {
  readonly #total: Record<CountedTable, number> = { filter: 0, nat: 0 };
  readonly #written: Record<CountedTable, number> = { filter: 0, nat: 0 };

  /** The same program; its rules are counted as they are taken. */
  counting(program: Program): Program {
    const { chains, sharedChains, hooks } = program.fixed;
    for (const { table, rules } of chains) this.#add(this.#total, table, rules.length);
    for (const { table, tail } of sharedChains) this.#add(this.#total, table, tail.length);
    for (const { table } of hooks) this.#add(this.#total, table, 1);
    return { fixed: program.fixed, ports: this.#countingPorts(program.ports) };
  }

  replaced(before: PortProgram | undefined, after: PortProgram | undefined): void {
    if (before) this.#count(before, -1);
    if (after) this.#count(after, 1);
  }

  /** The same edits. */
  *passing(edits: Iterable<Edit>): Generator<Edit> {
    for (const edit of edits) {
      if (edit.do === 'create') this.#add(this.#written, edit.table, edit.rules.length);
      else if (edit.do === 'change') this.#add(this.#written, edit.table, edit.after.length);
      else if (edit.do === 'insert') this.#add(this.#written, edit.table, 1);
      yield edit;
    }
  }

  /** Since the last call, and altogether. */
  take(): RuleCount[] {
    return tables.map((table) => {
      const written = this.#written[table];
      this.#written[table] = 0;
      return { table, written, total: this.#total[table] };
    });
  }

  *#countingPorts(ports: Iterable<PortProgram>): Generator<PortProgram> {
    for (const port of ports) {
      this.#count(port, 1);
      yield port;
    }
  }

  #count({ chains, shared }: PortProgram, sign: 1 | -1): void {
    for (const { table, rules } of chains) this.#add(this.#total, table, sign * rules.length);
    for (const { table } of shared) this.#add(this.#total, table, sign);
  }

  #add(counts: Record<CountedTable, number>, table: string, count: number): void {
    if (table === 'filter' || table === 'nat') counts[table] += count;
  }
}
