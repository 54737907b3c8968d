import { MalformedError } from '../netlink/mod.ts';
import type { ChainContent, Rule, TableContent, TableName } from './model.ts';
import { parseRule } from './parse-rule.ts';
import { printRule } from './print-rule.ts';

const operation = 'Read iptables-save';

/** Who is told what `iptables-save` printed, in its order. */
export interface SaveReader {
  table(name: TableName): void;
  /** The chains of a table come before its rules. `policy`: of a built-in one. */
  chain(name: string, policy: ChainContent['policy']): void;
  rule(chain: string, rule: Rule): void;
}

/**
 * Reads what `iptables-save` printed, with or without counters, line by line: nothing is kept of 100,000 rules but what the
 * reader keeps. Throws MalformedError that names the line; a text that was cut off ends within a table.
 */
export function readSave(text: string, reader: SaveReader): void {
  let chains: Set<string> | undefined;
  let number = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(start, end);
    start = end + 1;
    number += 1;
    try {
      chains = readLine(line, chains, reader);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      throw new MalformedError(operation, `line ${number}: ${error.message}`);
    }
  }
  if (chains) throw new MalformedError(operation, `it ends after line ${number}, before COMMIT`);
}

/** Returns the chains of the table that the next line is in. */
function readLine(line: string, chains: Set<string> | undefined, reader: SaveReader): Set<string> | undefined {
  if (line === '' || line.startsWith('#')) return chains;
  if (line.startsWith('*')) {
    reader.table(line.slice(1) as TableName);
    return new Set();
  }
  if (line === 'COMMIT') return undefined;
  if (chains === undefined) throw new MalformedError(operation, 'it stands outside of a table');
  if (line.startsWith(':')) readChain(line, chains, reader);
  else readRule(line, chains, reader);
  return chains;
}

function readChain(line: string, chains: Set<string>, reader: SaveReader): void {
  const [, name = '', policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
  chains.add(name);
  reader.chain(name, policy === 'ACCEPT' || policy === 'DROP' ? policy : undefined);
}

function readRule(line: string, chains: Set<string>, reader: SaveReader): void {
  const [, name, rest] = /^(?:\[\d+:\d+\] )?-A (\S+)(.*)$/.exec(line) ?? [];
  if (name === undefined || !chains.has(name)) {
    throw new MalformedError(operation, 'it is no rule of a chain of this table');
  }
  reader.rule(name, parseRule(rest!));
}

/** All of it at once; see `readSave`. */
export function parseSave(text: string): TableContent[] {
  const tables: TableContent[] = [];
  let chains = new Map<string, ChainContent & { rules: Rule[] }>();
  readSave(text, {
    table(name) {
      chains = new Map();
      tables.push({ name, chains });
    },
    chain: (name, policy) => chains.set(name, { ...(policy && { policy }), rules: [] }),
    rule: (chain, rule) => chains.get(chain)!.rules.push(rule),
  });
  return tables;
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
