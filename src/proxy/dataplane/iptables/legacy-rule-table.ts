import { MemoryFile, ToolError, type XtablesSocket } from '../../../kernel/mod.ts';
import { type Family, printRule, type Rule, readSave, type TableName } from '../../../wire/iptables/mod.ts';
import { MalformedError } from '../../../wire/netlink/mod.ts';
import { nothingWritten, type Written } from '../port.ts';
import { type Edit, type FoundRules, isOurs, type RuleTable, tableNames } from './rule-table.ts';
import { digestTable } from './table-digest.ts';

/** x_tables in the node's network namespace. */
export interface LegacyDoor {
  /** Runs a command of the system and returns what it prints. Throws ToolError. */
  run(file: string, args: readonly string[], input?: MemoryFile): string;
  openSocket(): XtablesSocket;
}

interface LegacyFound extends FoundRules {
  /** From before the rules were read: whoever has changed them since has changed these as well. */
  readonly digests: ReadonlyMap<TableName, string>;
}

/** How long another who holds the lock of x_tables is waited for. */
const lockSeconds = 30;

const prefixes: Readonly<Record<Family, string>> = { IPv4: 'iptables-legacy', IPv6: 'ip6tables-legacy' };

/**
 * iptables' tables in x_tables, which the kernel exchanges as a whole: the tools of the system read, change and write
 * them. Only what changes is in the text that they are given.
 */
export class LegacyRuleTable implements RuleTable {
  readonly interface = 'legacy';
  readonly #door: LegacyDoor;
  readonly #socket: XtablesSocket;
  readonly #family: Family;
  readonly #command: string;
  /** Of the tables when only we had changed them: no notice comes when somebody else does. Undefined: we cannot tell. */
  #digests: ReadonlyMap<TableName, string> | undefined;

  constructor(door: LegacyDoor, family: Family) {
    this.#door = door;
    this.#family = family;
    this.#command = prefixes[family];
    // Right and kernel support show at the first look into a table.
    door.run(this.#command, ['-w', `${lockSeconds}`, '-t', 'nat', '-S', 'PREROUTING']);
    this.#socket = door.openSocket();
  }

  read(): LegacyFound {
    const digests = this.#digestAll();
    const tables = new Map<TableName, ReadonlyMap<string, readonly string[]>>();
    for (const name of tableNames) {
      const chains = readChains(this.#door.run(`${this.#command}-save`, ['-t', name]));
      if (chains === undefined) throw new MalformedError('Read iptables-save', `table ${name} is not in it`);
      tables.set(name, chains);
    }
    return { tables, digests };
  }

  write(edits: Iterable<Edit>, found?: FoundRules): Written {
    const digests = found ? (found as LegacyFound).digests : this.#digests;
    this.#digests = undefined;
    const script = new RestoreScript();
    try {
      for (const edit of edits) script.add(edit);
      const input = script.finish();
      if (input) this.#restore(input);
      this.#digests = digests && new Map([...digests, ...this.#digestAll(script.tables())]);
      return input ? { messages: 1, bytes: input.length } : nothingWritten;
    } finally {
      script.close();
    }
  }

  mayHaveDrifted(): boolean {
    const known = this.#digests;
    return known === undefined || tableNames.some((table) => this.#digest(table) !== known.get(table));
  }

  close(): void {
    this.#socket.close();
  }

  #digestAll(tables: Iterable<TableName> = tableNames): Map<TableName, string> {
    return new Map([...tables].map((table) => [table, this.#digest(table)]));
  }

  #digest(table: TableName): string {
    return digestTable(this.#socket, this.#family, table);
  }

  #restore(input: MemoryFile): void {
    try {
      this.#door.run(`${this.#command}-restore`, ['--noflush', `--wait=${lockSeconds}`], input);
    } catch (error) {
      throw error instanceof ToolError ? withLine(error, input) : error;
    }
  }
}

/** Of the one table in it: built-in chains and ours, with their rules as texts. */
function readChains(saved: string): Map<string, readonly string[]> | undefined {
  let chains: Map<string, string[]> | undefined;
  readSave(saved, {
    table() {
      chains = new Map();
    },
    chain(name, policy) {
      if (policy !== undefined || isOurs(name)) chains!.set(name, []);
    },
    rule: (chain, rule) => chains!.get(chain)?.push(printRule(rule)),
  });
  return chains;
}

/** The tool tells the number of a line that only we have. */
function withLine(error: ToolError, input: MemoryFile): ToolError {
  const number = /line:? (\d+)/.exec(error.stderr)?.[1];
  const line = number && input.text().split('\n')[Number(number) - 1];
  if (!line) return error;
  return new ToolError(error.operation, error.code, `${error.stderr.trim()}: ${line}`, error.stderr);
}

/**
 * What `iptables-legacy-restore --noflush` is to read for some edits: a section for each table, in the order in which they
 * come up. It goes into files of the kernel's as it is made, because a cold start's is 10 MB long.
 */
class RestoreScript {
  readonly #sections = new Map<TableName, { readonly file: MemoryFile; readonly deletions: string[] }>();

  add(edit: Edit): void {
    const { table, chain } = edit;
    const { file, deletions } = this.#section(table);
    switch (edit.do) {
      case 'create':
        writeChain(file, chain, edit.rules);
        return;
      case 'change':
        writeChain(file, chain, edit.after);
        return;
      case 'insert':
        file.write(`${edit.at === 'start' ? '-I' : '-A'} ${chain} ${printRule(edit.rule)}\n`);
        return;
      case 'remove':
        file.write(`-D ${chain} ${edit.text}\n`);
        return;
      case 'delete':
        // Chains that go may point to each other: all are empty before the first is deleted.
        writeChain(file, chain, []);
        deletions.push(chain);
    }
  }

  /** Call once, last. Undefined: there is nothing to do. */
  finish(): MemoryFile | undefined {
    let whole: MemoryFile | undefined;
    for (const { file, deletions } of this.#sections.values()) {
      for (const chain of deletions) file.write(`-X ${chain}\n`);
      file.write('COMMIT\n');
      if (whole) whole.append(file);
      else whole = file;
    }
    return whole;
  }

  tables(): Iterable<TableName> {
    return this.#sections.keys();
  }

  close(): void {
    for (const { file } of this.#sections.values()) file.close();
  }

  #section(table: TableName): { readonly file: MemoryFile; readonly deletions: string[] } {
    const known = this.#sections.get(table);
    if (known) return known;
    const section = { file: new MemoryFile(`iptables-${table}`), deletions: [] };
    this.#sections.set(table, section);
    section.file.write(`*${table}\n`);
    return section;
  }
}

/** Naming a chain makes it if it is not there, and empties it. */
function writeChain(file: MemoryFile, chain: string, rules: readonly Rule[]): void {
  file.write(`:${chain} - [0:0]\n`);
  for (const rule of rules) file.write(`-A ${chain} ${printRule(rule)}\n`);
}
