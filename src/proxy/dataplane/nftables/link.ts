import { KernelError } from '../../../kernel/errors.ts';
import type { NetlinkSocket } from '../../../kernel/port.ts';
import { type Answer, decodeAnswer, errnoNumber, type NetlinkMessage } from '../../../wire/netlink/mod.ts';
import { decodeGeneration, type Family, NftBatch, requestGeneration } from '../../../wire/nftables/mod.ts';
import type { Written } from '../port.ts';
import { tableName } from './layout.ts';

/** Our table, at the far end of a netlink socket: numbers the messages and turns refusals into KernelError. */
export class NftLink {
  readonly family: Family;
  readonly #socket: NetlinkSocket;
  #sequence = 1;

  constructor(socket: NetlinkSocket, family: Family) {
    this.#socket = socket;
    this.family = family;
  }

  get portId(): number {
    return this.#socket.portId;
  }

  /** With `generation`, the batch fails with ERESTART when anybody has changed the rule set since it was read. */
  batch(generation?: number): NftBatch {
    const { sequence: firstSequence } = this.#take(0);
    return new NftBatch({ family: this.family, table: tableName, firstSequence, ...(generation && { generation }) });
  }

  /** Throws KernelError with the object that the kernel refused; nothing of the batch has happened then, as a rule. */
  commit(batch: NftBatch): Written {
    const bytes = batch.finish();
    this.#sequence = batch.nextSequence;
    const answer = this.#exchange(bytes);
    const error = answer.errors[0];
    if (error) throw refused('Change nftables', error.code, error.errno, batch.objectOf(error.sequence), error.message);
    if (!answer.acknowledged.includes(batch.acknowledgedSequence)) throw unanswered('Change nftables');
    return { messages: batch.messages, bytes: bytes.length };
  }

  /** All messages of a dump; undefined when the tables changed underneath it (ENOENT: what we dump has gone). */
  dump(request: (sequence: number) => Buffer): NetlinkMessage[] | undefined {
    const { sequence, answer } = this.#ask(request);
    if (answer.interrupted || answer.errors.some(({ code }) => code === 'EINTR' || code === 'ENOENT')) return undefined;
    this.#check(answer);
    if (!answer.finished.includes(sequence)) throw unanswered('Read nftables');
    return answer.messages;
  }

  /** The one message that answers; undefined when there is no such object. */
  get(request: (sequence: number) => Buffer): NetlinkMessage | undefined {
    const { answer } = this.#ask(request);
    if (answer.errors.some(({ code }) => code === 'ENOENT')) return undefined;
    this.#check(answer);
    if (answer.messages[0] === undefined) throw unanswered('Read nftables');
    return answer.messages[0];
  }

  generation(): number {
    const message = this.get(requestGeneration);
    const generation = message && decodeGeneration(message.payload);
    if (generation === undefined) throw unanswered('Read nftables');
    return generation;
  }

  close(): void {
    this.#socket.close();
  }

  #ask(request: (sequence: number) => Buffer): { sequence: number; answer: Answer } {
    const { sequence } = this.#take(1);
    return { sequence, answer: this.#exchange(request(sequence)) };
  }

  #check({ errors: [error] }: Answer): void {
    if (error) throw refused('Read nftables', error.code, error.errno, undefined, error.message);
  }

  #take(count: number): { sequence: number } {
    const sequence = this.#sequence;
    this.#sequence = (sequence + count) >>> 0;
    return { sequence };
  }

  #exchange(bytes: Buffer): Answer {
    return decodeAnswer(this.#socket.exchange(bytes));
  }
}

function refused(
  operation: string,
  code: string,
  number: number,
  object: string | undefined,
  kernelMessage: string | undefined,
): KernelError {
  return new KernelError(
    operation,
    { code, number },
    { ...(object && { object }), ...(kernelMessage && { kernelMessage }) },
  );
}

/** The kernel always answers; when the answer did not reach us, we cannot know what has happened. */
const unanswered = (operation: string): KernelError =>
  refused(operation, 'EIO', errnoNumber('EIO')!, undefined, 'the answer is incomplete');
