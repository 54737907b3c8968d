import assert from 'node:assert/strict';
import { MessageFlag } from './constants.ts';
import { AttributeWriter } from './writer.ts';

/** Where nlmsg_flags stands in struct nlmsghdr. */
const flagsOffset = 6;

/**
 * Messages written one after the other into one buffer, numbered from `firstSequence` on. One batch is one send.
 *
 *     const batch = new MessageBatch(sequence);
 *     batch.message(type, MessageFlag.create, (writer) => { … });
 *     socket.exchange(batch.finish());
 */
export class MessageBatch {
  #firstSequence: number;
  readonly #writer: AttributeWriter;
  #count = 0;
  #lastStart = 0;
  #open = false;

  constructor(firstSequence = 1, capacity?: number) {
    this.#firstSequence = firstSequence >>> 0;
    this.#writer = new AttributeWriter(capacity);
  }

  get firstSequence(): number {
    return this.#firstSequence;
  }

  /** Number of messages so far. */
  get count(): number {
    return this.#count;
  }

  /** Bytes so far. */
  get length(): number {
    return this.#writer.length;
  }

  /** The number that a next message would bear: where the next batch on the same socket should start. */
  get nextSequence(): number {
    return (this.#firstSequence + this.#count) >>> 0;
  }

  /** Begins the next batch in the same room: what `finish` has returned must have been sent. */
  restart(firstSequence: number): void {
    assert(!this.#open, 'The last message has not been ended');
    this.#firstSequence = firstSequence >>> 0;
    this.#count = 0;
    this.#writer.restart();
  }

  /** Starts a message (NLM_F_REQUEST is set) and returns the writer for its fixed header and attributes; `end` ends it. */
  begin(type: number, flags = 0): AttributeWriter {
    assert(!this.#open, 'The message before this one has not been ended');
    const writer = this.#writer;
    this.#open = true;
    this.#lastStart = writer.length;
    writer.appendU32(0);
    writer.appendU16(type);
    writer.appendU16(flags | MessageFlag.request);
    writer.appendU32(this.nextSequence);
    writer.appendU32(0);
    return writer;
  }

  /** Ends the message that was begun and returns its sequence number. */
  end(): number {
    assert(this.#open, 'There is no message to end');
    const writer = this.#writer;
    writer.patchU32(this.#lastStart, writer.length - this.#lastStart);
    writer.align();
    this.#open = false;
    this.#count += 1;
    return (this.#firstSequence + this.#count - 1) >>> 0;
  }

  /** Writes a whole message and returns its sequence number. */
  message(type: number, flags: number, fill?: (writer: AttributeWriter) => void): number {
    const writer = this.begin(type, flags);
    fill?.(writer);
    return this.end();
  }

  /** Asks for an ACK of the message that was ended last: the kernel's sign that it has worked through all before it. */
  acknowledgeLast(): void {
    assert(!this.#open && this.#count > 0, 'There is no message to acknowledge');
    const at = this.#lastStart + flagsOffset;
    this.#writer.patchU16(at, this.#writer.written().readUInt16LE(at) | MessageFlag.acknowledge);
  }

  /** The bytes to send: a view, valid until the next message is begun. */
  finish(): Buffer {
    assert(!this.#open, 'The last message has not been ended');
    return this.#writer.written();
  }
}
