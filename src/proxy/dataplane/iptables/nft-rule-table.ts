import { KernelError } from '../../../kernel/errors.ts';
import type { NetlinkSocket } from '../../../kernel/port.ts';
import { type Family, isServiceChain, printRule, type Rule, type TableName } from '../../../wire/iptables/mod.ts';
import { errnoNumber, type NetlinkMessage } from '../../../wire/netlink/mod.ts';
import {
  decodeChain,
  decodeRule,
  decodeRuleLocation,
  type Hook,
  type RulePlace,
  requestAllChains,
  requestTableRules,
  XtBatch,
} from '../../../wire/xtables/mod.ts';
import { nothingWritten, type Written } from '../port.ts';
import { editScript } from './edit-script.ts';
import { XtLink } from './nft-link.ts';
import { type Edit, type FoundRules, isOurs, type RuleTable, tableNames } from './rule-table.ts';

/** Where iptables-nft enters its built-in chains. */
const hooks: Readonly<Partial<Record<TableName, Readonly<Record<string, Hook>>>>> = {
  filter: {
    INPUT: { type: 'filter', number: 1, priority: 0 },
    FORWARD: { type: 'filter', number: 2, priority: 0 },
    OUTPUT: { type: 'filter', number: 3, priority: 0 },
  },
  nat: {
    PREROUTING: { type: 'nat', number: 0, priority: -100 },
    INPUT: { type: 'nat', number: 1, priority: 100 },
    OUTPUT: { type: 'nat', number: 3, priority: -100 },
    POSTROUTING: { type: 'nat', number: 4, priority: 100 },
  },
};

/**
 * One transaction holds the kernel's lock and a copy of itself in memory. A comparison of everything is cut into many, which
 * follow each other by generation; a change into several only when it is of very many Services. With each transaction the
 * kernel walks the list of all chains, so they grow with what has been written: else a cold start's time would grow with the
 * square of the cluster.
 */
const comparisonBytesLimit = 2 << 20;
const comparisonShare = 1 / 16;
const changeBytesLimit = 4 << 20;

/** Somebody who changes rules in a tight loop could keep us reading for ever. */
const attemptLimit = 5;

interface NftFound extends FoundRules {
  readonly generation: number;
  /** Of the rules in `tables`, in their order, by table and chain. */
  readonly handles: ReadonlyMap<string, readonly number[]>;
}

/** Handles by rule text. */
type Handles = Map<string, number>;

const keyOf = (table: string, chain: string): string => `${table} ${chain}`;

/**
 * iptables' tables in nf_tables, written by raw netlink in the form that iptables-nft gives them. A rule is found by its
 * handle, so that a change costs what it changes. Handles of chains that all Services share are kept from the start; those
 * of a Service's own chains are asked for when they change for the first time.
 */
export class NftRuleTable implements RuleTable {
  readonly interface = 'nft';
  readonly #link: XtLink;
  readonly #family: Family;
  readonly #handles = new Map<string, Handles>();
  /** Of the rule set when only we had changed it; undefined when we cannot tell. */
  #generation: number | undefined;

  constructor(socket: NetlinkSocket, family: Family) {
    this.#link = new XtLink(socket);
    this.#family = family;
    // The socket alone proves nothing: rights and nf_tables itself are looked at with the first request.
    this.#link.generation();
  }

  read(): NftFound {
    for (let attempt = 0; attempt < attemptLimit; attempt++) {
      const found = this.#readOnce();
      if (found) return found;
    }
    const errno = { code: 'EBUSY', number: errnoNumber('EBUSY')! };
    const kernelMessage = `it changed during each of ${attemptLimit} attempts`;
    throw new KernelError('Read iptables rules', errno, { kernelMessage });
  }

  write(edits: Iterable<Edit>, found?: FoundRules): Written {
    const writer = new EditWriter(this.#family, this.#link, this.#handles, found as NftFound | undefined);
    const expected = found ? (found as NftFound).generation : this.#generation;
    this.#generation = undefined;
    try {
      const written = writer.write(edits);
      this.#generation = expected === undefined ? undefined : following(expected, writer.transactions);
      return written;
    } catch (error) {
      this.#handles.clear();
      throw error;
    }
  }

  mayHaveDrifted(): boolean {
    return this.#generation === undefined || this.#link.generation() !== this.#generation;
  }

  close(): void {
    this.#link.close();
  }

  #readOnce(): NftFound | undefined {
    const generation = this.#link.generation();
    const chains = this.#link.dump((sequence) => requestAllChains(this.#family, sequence));
    if (!chains) return undefined;
    const tables = new Map<TableName, Map<string, string[]>>();
    for (const { payload } of chains) {
      const { table, name, isBase } = decodeChain(payload);
      const isWatched = isBase || isOurs(name);
      if (!isWatched || !(tableNames as readonly string[]).includes(table)) continue;
      const content = tables.get(table as TableName) ?? new Map<string, string[]>();
      tables.set(table as TableName, content.set(name, []));
    }
    const handles = new Map<string, number[]>();
    for (const [table, content] of tables) {
      const rules = this.#link.dump((sequence) => requestTableRules(this.#family, table, sequence));
      if (!rules) return undefined;
      for (const message of rules) this.#addRule(message, content, handles);
    }
    return this.#link.generation() === generation ? { tables, handles, generation } : undefined;
  }

  #addRule({ payload }: NetlinkMessage, content: Map<string, string[]>, handles: Map<string, number[]>): void {
    const { table, chain, handle } = decodeRuleLocation(payload);
    const texts = content.get(chain);
    if (texts === undefined) return;
    texts.push(printRule(decodeRule(payload, this.#family).rule));
    const list = handles.get(keyOf(table, chain));
    if (list) list.push(handle);
    else handles.set(keyOf(table, chain), [handle]);
  }
}

/** Turns edits into transactions. */
class EditWriter {
  readonly #family: Family;
  readonly #link: XtLink;
  readonly #handles: Map<string, Handles>;
  readonly #found: NftFound | undefined;
  /** One room for all transactions: a cold start's would be as much garbage as there are rules. */
  readonly #batch: XtBatch;
  /** Rules whose handles the kernel will echo, by the sequence number of their message. */
  #echoed = new Map<number, { readonly key: string; readonly text: string }>();
  readonly #made = new Set<string>();
  transactions = 0;
  #messages = 0;
  #bytes = 0;

  constructor(family: Family, link: XtLink, handles: Map<string, Handles>, found: NftFound | undefined) {
    this.#family = family;
    this.#link = link;
    this.#handles = handles;
    this.#found = found;
    if (found) this.#adoptShared(found);
    this.#batch = new XtBatch(family, link.nextSequence, found?.generation);
  }

  write(edits: Iterable<Edit>): Written {
    const emptied: Edit[] = [];
    for (const edit of edits) {
      this.#write(edit);
      if (edit.do === 'delete') emptied.push(edit);
      this.#commitFull();
    }
    // Chains that go may point to each other: all are empty before the first is deleted.
    for (const { table, chain } of emptied) this.#batch.deleteChain(table, chain);
    this.#commit();
    return this.#messages === 0 ? nothingWritten : { messages: this.#messages, bytes: this.#bytes };
  }

  #write(edit: Edit): void {
    const { table, chain } = edit;
    switch (edit.do) {
      case 'create':
        this.#create(table, chain, edit.rules);
        break;
      case 'change':
        this.#change(table, chain, edit.before, edit.after);
        break;
      case 'insert':
        this.#makeBuiltIn(table, chain);
        this.#add(table, chain, edit.rule, { at: edit.at }, true);
        break;
      case 'remove':
        this.#remove(table, chain, edit.text);
        break;
      case 'delete':
        this.#batch.flushChain(table, chain);
        this.#handles.delete(keyOf(table, chain));
    }
  }

  #create(table: TableName, chain: string, rules: readonly Rule[]): void {
    this.#makeTable(table);
    this.#batch.addChain(table, chain);
    const isShared = !isServiceChain(chain);
    if (isShared) this.#handles.set(keyOf(table, chain), new Map());
    for (const rule of rules) {
      this.#add(table, chain, rule, { at: 'end' }, isShared);
      // Nothing leads to a new chain yet: it may come in pieces.
      this.#commitFull();
    }
  }

  #change(table: TableName, chain: string, before: readonly string[], after: readonly Rule[]): void {
    const texts = after.map(printRule);
    const handles = this.#handlesOf(table, chain);
    // Somebody has tampered with the chain since: what there is of it cannot be told apart.
    if (handles.size !== before.length || !before.every((text) => handles.has(text))) {
      this.#batch.flushChain(table, chain);
      handles.clear();
      for (const rule of after) this.#add(table, chain, rule, { at: 'end' }, true);
      return;
    }
    const { removals, insertions } = editScript(before, texts);
    for (const { insert, before: anchor } of insertions) {
      const place: RulePlace = anchor === undefined ? { at: 'end' } : { at: 'before', handle: handles.get(anchor)! };
      this.#add(table, chain, after[insert]!, place, true);
    }
    for (const text of removals) this.#remove(table, chain, text);
  }

  #add(table: TableName, chain: string, rule: Rule, place: RulePlace, echo: boolean): void {
    const sequence = this.#batch.addRule(table, chain, rule, place, echo);
    if (echo) this.#echoed.set(sequence, { key: keyOf(table, chain), text: printRule(rule) });
  }

  #remove(table: TableName, chain: string, text: string): void {
    const handles = this.#handlesOf(table, chain);
    const handle = handles.get(text);
    if (handle === undefined) {
      const errno = { code: 'ENOENT', number: errnoNumber('ENOENT')! };
      throw new KernelError('Change iptables rules', errno, { object: `rule ${text} of chain ${chain} of ${table}` });
    }
    this.#batch.deleteRule(table, chain, handle);
    // One of the same text may have been added by this very change, under a handle yet to be told.
    handles.delete(text);
  }

  /** Asks the kernel where we have not kept them. */
  #handlesOf(table: TableName, chain: string): Handles {
    const key = keyOf(table, chain);
    let handles = this.#handles.get(key);
    if (handles === undefined) {
      handles = this.#foundHandles(table, chain) ?? this.#dumpHandles(table, chain);
      this.#handles.set(key, handles);
    }
    return handles;
  }

  #foundHandles(table: TableName, chain: string): Handles | undefined {
    const numbers = this.#found?.handles.get(keyOf(table, chain));
    const texts = this.#found?.tables.get(table)?.get(chain);
    return numbers && texts && new Map(texts.map((text, i) => [text, numbers[i]!]));
  }

  #dumpHandles(table: TableName, chain: string): Handles {
    const messages = this.#link.dump((sequence) => requestTableRules(this.#family, table, sequence, chain)) ?? [];
    const handles: Handles = new Map();
    for (const { payload } of messages) {
      const { rule, handle } = decodeRule(payload, this.#family);
      handles.set(printRule(rule), handle);
    }
    return handles;
  }

  #adoptShared(found: NftFound): void {
    this.#handles.clear();
    for (const [table, chains] of found.tables) {
      for (const chain of chains.keys()) {
        const handles = isServiceChain(chain) ? undefined : this.#foundHandles(table, chain);
        if (handles) this.#handles.set(keyOf(table, chain), handles);
      }
    }
  }

  #makeTable(table: TableName): void {
    if (!this.#found || this.#found.tables.has(table) || this.#made.has(table)) return;
    this.#made.add(table);
    this.#batch.addTable(table);
  }

  #makeBuiltIn(table: TableName, chain: string): void {
    const hook = hooks[table]?.[chain];
    const key = keyOf(table, chain);
    if (!hook || !this.#found || this.#found.tables.get(table)?.has(chain) || this.#made.has(key)) return;
    this.#makeTable(table);
    this.#made.add(key);
    this.#batch.addChain(table, chain, hook);
    this.#handles.set(key, new Map());
  }

  #commitFull(): void {
    const limit = this.#found ? Math.max(comparisonBytesLimit, this.#bytes * comparisonShare) : changeBytesLimit;
    if (this.#batch.bytes > limit) this.#commit();
  }

  #commit(): void {
    if (this.#batch.isEmpty) return;
    const { echoes, bytes } = this.#link.commit(this.#batch);
    this.#messages += this.#batch.messages;
    this.#bytes += bytes;
    this.transactions += 1;
    for (const { sequence, payload } of echoes) {
      const echoed = this.#echoed.get(sequence);
      if (echoed) this.#handles.get(echoed.key)?.set(echoed.text, decodeRuleLocation(payload).handle);
    }
    this.#echoed = new Map();
    const generation = this.#found && following(this.#found.generation, this.transactions);
    this.#batch.restart(this.#link.nextSequence, generation);
  }
}

/** The kernel counts in 32 bits and leaves out 0. */
function following(generation: number, transactions: number): number {
  const next = generation + transactions;
  return next > 0xffffffff ? next - 0xffffffff : next;
}
