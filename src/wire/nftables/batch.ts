import { type AttributeWriter, MessageBatch, MessageFlag } from '../netlink/mod.ts';
import {
  BatchAttribute,
  ChainAttribute,
  ElementListAttribute,
  type Family,
  ListAttribute,
  NftMessage,
  nftablesSubsystem,
  RuleAttribute,
  SetAttribute,
  TableAttribute,
} from './constants.ts';
import { encodedLength, encodeElement } from './elements.ts';
import {
  type Chain,
  type Element,
  encodeChain,
  encodeRule,
  encodeSet,
  encodeTable,
  type Rule,
  type SetDefinition,
  type Table,
} from './objects.ts';

export interface NftBatchOptions {
  readonly family: Family;
  readonly table: string;
  /** Sequence number of the first message. */
  readonly firstSequence?: number;
  /** The kernel refuses the batch with ERESTART when the rule set's generation is another one by now. */
  readonly generation?: number;
}

/** A list of elements is one attribute, whose length is 16 bits: a longer one goes into several messages. */
const elementBytesLimit = 60_000;

/**
 * One transaction on one table: everything in it happens at once, or nothing does.
 * The kernel says that it is done by acknowledging the last change (kernels before 6.10 ignore the flag on the message
 * that ends the batch).
 */
export class NftBatch {
  readonly #family: Family;
  readonly #table: string;
  readonly #messages: MessageBatch;
  /** What each message is about, the first being the one after the begin. */
  readonly #objects: (() => string)[] = [];
  #sets = 0;

  constructor({ family, table, firstSequence, generation }: NftBatchOptions) {
    this.#family = family;
    this.#table = table;
    this.#messages = new MessageBatch(firstSequence);
    this.#bracket(NftMessage.batchBegin, (writer) => {
      if (generation !== undefined) writer.putU32Be(BatchAttribute.generation, generation);
    });
  }

  addTable(table: Table): void {
    this.#change(
      NftMessage.newTable,
      MessageFlag.create,
      () => `table ${table.name}`,
      (w) => encodeTable(w, table),
    );
  }

  /** With all that is in it. */
  deleteTable(): void {
    this.#change(
      NftMessage.deleteTable,
      0,
      () => `table ${this.#table}`,
      (w) => w.putString(TableAttribute.name, this.#table),
    );
  }

  addChain(chain: Chain): void {
    const object = () => `chain ${chain.name}`;
    this.#change(NftMessage.newChain, MessageFlag.create, object, (w) => encodeChain(w, this.#table, chain));
  }

  /** The chain must be empty and nothing may point to it by then. */
  deleteChain(name: string): void {
    this.#change(
      NftMessage.deleteChain,
      0,
      () => `chain ${name}`,
      (writer) => {
        writer.putString(ChainAttribute.table, this.#table);
        writer.putString(ChainAttribute.name, name);
      },
    );
  }

  addRule(rule: Rule): void {
    const object = () => `rule of chain ${rule.chain}`;
    const flags = MessageFlag.create | MessageFlag.append;
    this.#change(NftMessage.newRule, flags, object, (w) => encodeRule(w, this.#table, rule));
  }

  /** Deletes every rule of the chain. */
  flushChain(name: string): void {
    this.#change(
      NftMessage.deleteRule,
      0,
      () => `rules of chain ${name}`,
      (writer) => {
        writer.putString(RuleAttribute.table, this.#table);
        writer.putString(RuleAttribute.chain, name);
      },
    );
  }

  addSet(set: SetDefinition): void {
    const id = ++this.#sets;
    const object = () => `set ${set.name}`;
    this.#change(NftMessage.newSet, MessageFlag.create, object, (w) => encodeSet(w, this.#table, set, id));
  }

  /** With its elements; nothing may look it up by then. */
  deleteSet(name: string): void {
    this.#change(
      NftMessage.deleteSet,
      0,
      () => `set ${name}`,
      (writer) => {
        writer.putString(SetAttribute.table, this.#table);
        writer.putString(SetAttribute.name, name);
      },
    );
  }

  /** The kernel refuses a key that is there already with other data (EBUSY): delete it before, in the same batch. */
  addElements(set: string, elements: readonly Element[], describe?: (element: Element) => string): void {
    this.#elements(NftMessage.newSetElement, MessageFlag.create, set, elements, describe);
  }

  /** Only the keys count. A key that is not there fails the batch (ENOENT). */
  deleteElements(set: string, elements: readonly Element[], describe?: (element: Element) => string): void {
    this.#elements(NftMessage.deleteSetElement, 0, set, elements, describe);
  }

  get isEmpty(): boolean {
    return this.#objects.length === 0;
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

  /** Of the change that the kernel is to acknowledge, once the batch is finished. */
  get acknowledgedSequence(): number {
    return this.nextSequence - 2;
  }

  /** What the message of that sequence number was to change: for the object of a KernelError. */
  objectOf(sequence: number): string | undefined {
    return this.#objects[sequence - this.#messages.firstSequence - 1]?.();
  }

  /** The bytes to send; call once, last. */
  finish(): Buffer {
    this.#messages.acknowledgeLast();
    this.#bracket(NftMessage.batchEnd);
    return this.#messages.finish();
  }

  #elements(
    type: number,
    flags: number,
    set: string,
    elements: readonly Element[],
    describe: ((element: Element) => string) | undefined,
  ): void {
    const withData = type === NftMessage.newSetElement;
    for (let next = 0; next < elements.length; ) {
      const first = next;
      this.#change(
        type,
        flags,
        () => elementsText(set, elements.slice(first, next), describe),
        (writer) => {
          writer.putString(ElementListAttribute.table, this.#table);
          writer.putString(ElementListAttribute.set, set);
          const list = writer.beginNested(ElementListAttribute.elements);
          for (let bytes = 0; next < elements.length; next++) {
            const element = elements[next]!;
            bytes += encodedLength(element);
            if (bytes > elementBytesLimit) break;
            const start = writer.beginNested(ListAttribute.element);
            encodeElement(writer, withData ? element : { key: element.key });
            writer.end(start);
          }
          writer.end(list);
        },
      );
    }
  }

  #change(type: number, flags: number, object: () => string, fill: (writer: AttributeWriter) => void): void {
    const writer = this.#messages.begin(type, flags);
    genericHeader(writer, this.#family, 0);
    fill(writer);
    this.#messages.end();
    this.#objects.push(object);
  }

  #bracket(type: number, fill?: (writer: AttributeWriter) => void): void {
    const writer = this.#messages.begin(type);
    genericHeader(writer, 0, nftablesSubsystem);
    fill?.(writer);
    this.#messages.end();
  }
}

export function genericHeader(writer: AttributeWriter, family: number, resourceId: number): void {
  writer.appendU8(family);
  writer.appendU8(0);
  writer.appendU16Be(resourceId);
}

function elementsText(
  set: string,
  elements: readonly Element[],
  describe: (element: Element) => string = ({ key }) => key.toString('hex'),
): string {
  const more = elements.length > 1 ? ` and ${elements.length - 1} more` : '';
  return `element ${elements[0] ? describe(elements[0]) : ''}${more} of ${set}`;
}
