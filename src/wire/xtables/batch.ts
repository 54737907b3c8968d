import type { Family, Rule } from '../iptables/model.ts';
import {
  type AttributeWriter,
  decodeAttributes,
  decodeMessages,
  MessageBatch,
  MessageFlag,
  type NetlinkMessage,
} from '../netlink/mod.ts';
import { RuleAttribute } from './constants.ts';
import { encodeRule } from './encode-rule.ts';

/** include/uapi/linux/netfilter/nf_tables.h. */
const subsystem = 10;
const Message = {
  batchBegin: 0x10,
  batchEnd: 0x11,
  newTable: (subsystem << 8) | 0,
  deleteTable: (subsystem << 8) | 2,
  newChain: (subsystem << 8) | 3,
  getChain: (subsystem << 8) | 4,
  deleteChain: (subsystem << 8) | 5,
  newRule: (subsystem << 8) | 6,
  getRule: (subsystem << 8) | 7,
  deleteRule: (subsystem << 8) | 8,
} as const;
const BatchAttribute = { generation: 1 } as const;
const TableAttribute = { name: 1 } as const;
const ChainAttribute = { table: 1, name: 3, hook: 4, policy: 5, type: 7 } as const;
const HookAttribute = { number: 1, priority: 2 } as const;

const familyNumbers: Readonly<Record<Family, number>> = { IPv4: 2, IPv6: 10 };

/** Where iptables-nft enters its built-in chains: type, hook (NF_INET_*) and priority. */
export interface Hook {
  readonly type: 'filter' | 'nat' | 'route';
  readonly number: number;
  readonly priority: number;
}

/** Where a new rule goes. */
export type RulePlace =
  | { readonly at: 'start' | 'end' }
  /** Beside the rule of that handle, which must stay in this transaction. */
  | { readonly at: 'before' | 'after'; readonly handle: number };

/**
 * One transaction over the tables of one family that iptables-nft made or would make: all of it happens, or nothing.
 * The kernel acknowledges the last change.
 */
export class XtBatch {
  readonly #family: Family;
  readonly #messages: MessageBatch;

  constructor(family: Family, firstSequence: number, generation?: number) {
    this.#family = family;
    this.#messages = new MessageBatch(firstSequence);
    this.#begin(generation);
  }

  /** Begins the next transaction in the same room, when this one has been sent. */
  restart(firstSequence: number, generation?: number): void {
    this.#messages.restart(firstSequence);
    this.#begin(generation);
  }

  get isEmpty(): boolean {
    // The message that begins the batch is always there.
    return this.#messages.count === 1;
  }

  /** Messages, the two around the batch included once it is finished. */
  get messages(): number {
    return this.#messages.count;
  }

  get bytes(): number {
    return this.#messages.length;
  }

  get nextSequence(): number {
    return this.#messages.nextSequence;
  }

  get acknowledgedSequence(): number {
    return this.nextSequence - 2;
  }

  /** What the message of that sequence number was to change. */
  objectOf(sequence: number): string | undefined {
    // Read back, because it is asked for when something has failed: notes on each rule would be as long as the rules.
    const messages = decodeMessages(this.#messages.finish());
    const message = messages.find((one) => one.sequence === sequence);
    return message && objectOf(message);
  }

  /** Makes it unless it is there. */
  addTable(table: string): void {
    this.#change(Message.newTable, MessageFlag.create, (w) => w.putString(TableAttribute.name, table));
  }

  /** With all that is in it. */
  deleteTable(table: string): void {
    this.#change(Message.deleteTable, 0, (w) => w.putString(TableAttribute.name, table));
  }

  /** Makes it unless it is there; with a hook, a built-in chain that accepts what reaches its end. */
  addChain(table: string, name: string, hook?: Hook): void {
    this.#change(Message.newChain, MessageFlag.create, (writer) => {
      writer.putString(ChainAttribute.table, table);
      writer.putString(ChainAttribute.name, name);
      if (hook === undefined) return;
      const start = writer.beginNested(ChainAttribute.hook);
      writer.putU32Be(HookAttribute.number, hook.number);
      writer.putU32Be(HookAttribute.priority, hook.priority >>> 0);
      writer.end(start);
      // NF_ACCEPT.
      writer.putU32Be(ChainAttribute.policy, 1);
      writer.putString(ChainAttribute.type, hook.type);
    });
  }

  /** The chain must be empty and nothing may point to it by then. */
  deleteChain(table: string, name: string): void {
    this.#change(Message.deleteChain, 0, (writer) => {
      writer.putString(ChainAttribute.table, table);
      writer.putString(ChainAttribute.name, name);
    });
  }

  /** Returns the sequence number under which the kernel echoes the rule with its handle, if it is asked to `echo`. */
  addRule(table: string, chain: string, rule: Rule, place: RulePlace, echo: boolean): number {
    const append = place.at === 'end' || place.at === 'after' ? MessageFlag.append : 0;
    const flags = MessageFlag.create | append | (echo ? MessageFlag.echo : 0);
    return this.#change(Message.newRule, flags, (writer) => {
      writer.putString(RuleAttribute.table, table);
      writer.putString(RuleAttribute.chain, chain);
      if ('handle' in place) writer.putU64Be(RuleAttribute.position, BigInt(place.handle));
      encodeRule(writer, rule, this.#family);
    });
  }

  deleteRule(table: string, chain: string, handle: number): void {
    this.#change(Message.deleteRule, 0, (writer) => {
      writer.putString(RuleAttribute.table, table);
      writer.putString(RuleAttribute.chain, chain);
      writer.putU64Be(RuleAttribute.handle, BigInt(handle));
    });
  }

  /** Deletes every rule of the chain. */
  flushChain(table: string, chain: string): void {
    this.#change(Message.deleteRule, 0, (writer) => {
      writer.putString(RuleAttribute.table, table);
      writer.putString(RuleAttribute.chain, chain);
    });
  }

  /** The bytes to send; call once, last. */
  finish(): Buffer {
    this.#messages.acknowledgeLast();
    this.#bracket(Message.batchEnd);
    return this.#messages.finish();
  }

  #begin(generation: number | undefined): void {
    this.#bracket(Message.batchBegin, (writer) => {
      if (generation !== undefined) writer.putU32Be(BatchAttribute.generation, generation);
    });
  }

  #change(type: number, flags: number, fill: (writer: AttributeWriter) => void): number {
    const writer = this.#messages.begin(type, flags);
    header(writer, familyNumbers[this.#family], 0);
    fill(writer);
    return this.#messages.end();
  }

  #bracket(type: number, fill?: (writer: AttributeWriter) => void): void {
    const writer = this.#messages.begin(type);
    header(writer, 0, subsystem);
    fill?.(writer);
    this.#messages.end();
  }
}

/** Asks for all rules of a table, or of one of its chains. */
export function requestTableRules(family: Family, table: string, sequence: number, chain?: string): Buffer {
  return dumpRequest(Message.getRule, family, sequence, (writer) => {
    writer.putString(RuleAttribute.table, table);
    if (chain !== undefined) writer.putString(RuleAttribute.chain, chain);
  });
}

/** Asks for the chains of all tables of the family: the kernel does not narrow this dump. */
export function requestAllChains(family: Family, sequence: number): Buffer {
  return dumpRequest(Message.getChain, family, sequence);
}

function dumpRequest(type: number, family: Family, sequence: number, fill?: (writer: AttributeWriter) => void): Buffer {
  const batch = new MessageBatch(sequence, 256);
  batch.message(type, MessageFlag.dump, (writer) => {
    header(writer, familyNumbers[family], 0);
    fill?.(writer);
  });
  return batch.finish();
}

/** Of what the kernel answers to a batch: an echoed rule, and not the notice of the rule set's new generation. */
export const isEchoedRule = ({ type }: NetlinkMessage): boolean => type === Message.newRule;

/** In words for errors; undefined for the messages around the batch. */
function objectOf({ type, payload }: NetlinkMessage): string | undefined {
  const attributes = decodeAttributes(payload.subarray(genericHeaderLength));
  switch (type) {
    case Message.newTable:
    case Message.deleteTable:
      return `table ${attributes.string(TableAttribute.name)}`;
    case Message.newChain:
    case Message.deleteChain:
      return `chain ${attributes.string(ChainAttribute.name)} of ${attributes.string(ChainAttribute.table)}`;
    case Message.newRule:
    case Message.deleteRule: {
      const handle = attributes.u64Be(RuleAttribute.handle);
      const what = handle !== undefined ? `rule ${handle}` : type === Message.newRule ? 'rule' : 'rules';
      return `${what} of chain ${attributes.string(RuleAttribute.chain)} of ${attributes.string(RuleAttribute.table)}`;
    }
    default:
      return undefined;
  }
}

/** struct nfgenmsg stands before the attributes. */
const genericHeaderLength = 4;

/** struct nfgenmsg. */
function header(writer: AttributeWriter, family: number, resourceId: number): void {
  writer.appendU8(family);
  writer.appendU8(0);
  writer.appendU16Be(resourceId);
}
