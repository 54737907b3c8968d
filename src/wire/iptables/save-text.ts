import { MalformedError } from '../netlink/mod.ts';
import type { ChainContent, Rule, TableContent, TableName } from './model.ts';
import { parseRule } from './parse-rule.ts';
import { printRule } from './print-rule.ts';

const operation = 'Read iptables-save';

/** What `iptables-save` printed, with or without counters. Throws MalformedError that names the line. */
export function parseSave(text: string): TableContent[] {
  const tables: TableContent[] = [];
  let chains: Map<string, ChainContent & { rules: Rule[] }> | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    try {
      if (line.startsWith('*')) {
        chains = new Map();
        tables.push({ name: line.slice(1) as TableName, chains });
      } else if (line === 'COMMIT') chains = undefined;
      else if (chains && line.startsWith(':')) addChain(line, chains);
      else if (chains) addRule(line, chains);
      else throw new MalformedError(operation, 'it stands outside of a table');
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      throw new MalformedError(operation, `line ${index + 1}: ${error.message}`);
    }
  }
  return tables;
}

type Chains = Map<string, ChainContent & { rules: Rule[] }>;

function addChain(line: string, chains: Chains): void {
  const [, name = '', policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
  const builtIn = policy === 'ACCEPT' || policy === 'DROP';
  chains.set(name, { ...(builtIn && { policy }), rules: [] });
}

function addRule(line: string, chains: Chains): void {
  const [, name, rest] = /^(?:\[\d+:\d+\] )?-A (\S+)(.*)$/.exec(line) ?? [];
  const chain = name === undefined ? undefined : chains.get(name);
  if (chain === undefined) throw new MalformedError(operation, 'it is no rule of a chain of this table');
  chain.rules.push(parseRule(rest!));
}

/** One table as `iptables-restore --noflush` takes it: chains that are named lose what they held, others stay. */
export interface RestoreTable {
  readonly name: TableName;
  /** Made if they are not there, and emptied. */
  readonly chains: readonly string[];
  /** Whole commands: `-A CHAIN …`, `-I CHAIN …`, `-D CHAIN …`, `-X CHAIN`. */
  readonly commands: readonly string[];
}

export function printRestore(tables: readonly RestoreTable[]): string {
  const lines: string[] = [];
  for (const { name, chains, commands } of tables) {
    lines.push(`*${name}`);
    for (const chain of chains) lines.push(`:${chain} - [0:0]`);
    // Not by spreading: a call takes some 100,000 arguments, and a table has more rules.
    for (const command of commands) lines.push(command);
    lines.push('COMMIT');
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/** The content of a table as `iptables-save` prints it, without its comment lines and counters. */
export function printTable({ name, chains }: TableContent): string {
  const lines = [`*${name}`];
  for (const [chain, { policy = '-' }] of chains) lines.push(`:${chain} ${policy} [0:0]`);
  for (const [chain, { rules }] of chains) for (const rule of rules) lines.push(`-A ${chain} ${printRule(rule)}`);
  return `${lines.join('\n')}\nCOMMIT\n`;
}
