import { KernelError } from '../../../kernel/errors.ts';
import type { NetlinkSocket } from '../../../kernel/port.ts';
import { type Answer, decodeAnswer, errnoNumber, type NetlinkMessage } from '../../../wire/netlink/mod.ts';
import { decodeGeneration, requestGeneration } from '../../../wire/nftables/mod.ts';
import { isEchoedRule, type XtBatch } from '../../../wire/xtables/mod.ts';

/** nf_tables at the far end of a netlink socket: numbers the messages and turns refusals into KernelError. */
export class XtLink {
  readonly #socket: NetlinkSocket;
  #sequence = 1;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  get nextSequence(): number {
    return this.#sequence;
  }

  /** Returns the rules that the kernel echoed. Throws KernelError with the object that it refused; then nothing has happened. */
  commit(batch: XtBatch): { readonly echoes: readonly NetlinkMessage[]; readonly bytes: number } {
    const bytes = batch.finish();
    this.#sequence = batch.nextSequence;
    const answer = decodeAnswer(this.#socket.exchange(bytes));
    const [error] = answer.errors;
    if (error) throw refused('Change iptables rules', error, batch.objectOf(error.sequence));
    if (!answer.acknowledged.includes(batch.acknowledgedSequence)) throw unanswered('Change iptables rules');
    return { echoes: answer.messages.filter(isEchoedRule), bytes: bytes.length };
  }

  /** All messages of a dump; none when the table or chain is not there; undefined when it changed underneath. */
  dump(request: (sequence: number) => Buffer): readonly NetlinkMessage[] | undefined {
    const sequence = this.#sequence;
    const answer = this.#ask(request);
    if (answer.errors.some(({ code }) => code === 'ENOENT')) return [];
    if (answer.interrupted || answer.errors.some(({ code }) => code === 'EINTR')) return undefined;
    this.#check(answer);
    if (!answer.finished.includes(sequence)) throw unanswered('Read iptables rules');
    return answer.messages;
  }

  /** The number of the rule set: every transaction in the namespace, whoever makes it, counts it up by one. */
  generation(): number {
    const answer = this.#ask(requestGeneration);
    this.#check(answer);
    const [message] = answer.messages;
    const generation = message && decodeGeneration(message.payload);
    if (generation === undefined) throw unanswered('Read iptables rules');
    return generation;
  }

  close(): void {
    this.#socket.close();
  }

  #ask(request: (sequence: number) => Buffer): Answer {
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) >>> 0;
    return decodeAnswer(this.#socket.exchange(request(sequence)));
  }

  #check({ errors: [error] }: Answer): void {
    if (error) throw refused('Read iptables rules', error);
  }
}

function refused(operation: string, error: Answer['errors'][number], object?: string): KernelError {
  const { code, errno: number, message: kernelMessage } = error;
  return new KernelError(
    operation,
    { code, number },
    { ...(object && { object }), ...(kernelMessage && { kernelMessage }) },
  );
}

/** The kernel always answers; when the answer did not reach us, we cannot know what has happened. */
const unanswered = (operation: string): KernelError =>
  new KernelError(
    operation,
    { code: 'EIO', number: errnoNumber('EIO')! },
    { kernelMessage: 'the answer is incomplete' },
  );
