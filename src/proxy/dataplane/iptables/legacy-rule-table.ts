import { ToolError } from '../../../kernel/mod.ts';
import {
  type Family,
  parseSave,
  printRestore,
  printRule,
  type RestoreTable,
  type TableName,
} from '../../../wire/iptables/mod.ts';
import { nothingWritten, type Written } from '../port.ts';
import { Chain } from './chains.ts';
import { type Edit, type FoundRules, isOurs, type RuleTable, tableNames } from './rule-table.ts';

/** Runs a command of the system in the node's network namespace and returns what it prints. Throws ToolError. */
export type Run = (file: string, args: readonly string[], input?: string) => string;

/** How long another who holds the lock of x_tables is waited for. */
const lockSeconds = 30;

const prefixes: Readonly<Record<Family, string>> = { IPv4: 'iptables-legacy', IPv6: 'ip6tables-legacy' };

/**
 * iptables' tables in x_tables, which the kernel exchanges as a whole: the tools of the system read, change and write
 * them. Only what changes is in the text that they are given.
 */
export class LegacyRuleTable implements RuleTable {
  readonly interface = 'legacy';
  readonly #run: Run;
  readonly #command: string;
  /** All that we know is ours since the last write: no notice comes when somebody else writes. */
  #inStep = false;

  constructor(run: Run, family: Family) {
    this.#run = run;
    this.#command = prefixes[family];
    // Right and kernel support show at the first look into a table.
    this.#run(this.#command, ['-w', `${lockSeconds}`, '-t', 'nat', '-S', 'PREROUTING']);
  }

  read(): FoundRules {
    const tables = new Map<TableName, Map<string, readonly string[]>>();
    for (const name of tableNames) {
      const [table] = parseSave(this.#run(`${this.#command}-save`, ['-t', name]));
      const chains = new Map<string, readonly string[]>();
      for (const [chain, { policy, rules }] of table?.chains ?? []) {
        if (policy !== undefined || isOurs(chain)) chains.set(chain, rules.map(printRule));
      }
      tables.set(name, chains);
    }
    return { tables };
  }

  write(edits: Iterable<Edit>): Written {
    this.#inStep = false;
    const text = printRestore(restoreTables(edits));
    if (text !== '') this.#restore(text);
    this.#inStep = true;
    return text === '' ? nothingWritten : { messages: 1, bytes: text.length };
  }

  /** As upstream: a table whose canary has gone was flushed. */
  mayHaveDrifted(): boolean {
    return !this.#inStep || tableNames.some((table) => !this.#hasCanary(table));
  }

  close(): void {}

  #hasCanary(table: TableName): boolean {
    try {
      this.#run(this.#command, ['-w', `${lockSeconds}`, '-t', table, '-S', Chain.canary]);
      return true;
    } catch (error) {
      if (error instanceof ToolError && error.code === 'tool') return false;
      throw error;
    }
  }

  #restore(text: string): void {
    try {
      this.#run(`${this.#command}-restore`, ['--noflush', `--wait=${lockSeconds}`], text);
    } catch (error) {
      throw error instanceof ToolError ? withLine(error, text) : error;
    }
  }
}

/** The tool tells the number of a line that only we have. */
function withLine(error: ToolError, text: string): ToolError {
  const number = /line:? (\d+)/.exec(error.stderr)?.[1];
  const line = number && text.split('\n')[Number(number) - 1];
  if (!line) return error;
  return new ToolError(error.operation, error.code, `${error.stderr.trim()}: ${line}`, error.stderr);
}

/** Chain lines come first: they make what is not there and empty what is. */
function restoreTables(edits: Iterable<Edit>): RestoreTable[] {
  const tables = new Map<TableName, { name: TableName; chains: string[]; commands: string[]; deletions: string[] }>();
  for (const edit of edits) {
    const name = edit.table;
    const table = tables.get(name) ?? { name, chains: [], commands: [], deletions: [] };
    tables.set(name, table);
    if (edit.do !== 'insert' && edit.do !== 'remove') table.chains.push(edit.chain);
    if (edit.do === 'delete') table.deletions.push(`-X ${edit.chain}`);
    for (const command of commandsOf(edit)) table.commands.push(command);
  }
  return [...tables.values()].map(({ name, chains, commands, deletions }) => {
    return { name, chains, commands: [...commands, ...deletions] };
  });
}

function commandsOf(edit: Edit): string[] {
  switch (edit.do) {
    case 'create':
      return edit.rules.map((rule) => `-A ${edit.chain} ${printRule(rule)}`);
    case 'change':
      return edit.after.map((rule) => `-A ${edit.chain} ${printRule(rule)}`);
    case 'insert':
      return [`${edit.at === 'start' ? '-I' : '-A'} ${edit.chain} ${printRule(edit.rule)}`];
    case 'remove':
      return [`-D ${edit.chain} ${edit.text}`];
    case 'delete':
      return [];
  }
}
