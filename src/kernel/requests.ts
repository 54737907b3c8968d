import { type Answer, decodeAnswer, MessageBatch, type NetlinkMessage } from '../wire/netlink/mod.ts';
import type { KernelError } from './errors.ts';
import { kernelError } from './libc.ts';
import type { NetlinkSocket } from './port.ts';

const errno = { EINTR: 4, EPROTO: 71 } as const;

/** A dump that is interrupted so often competes with somebody who never stops changing what it lists. */
const dumpAttempts = 20;

/** One request at a time over a netlink socket, with errors that name what was attempted: `Create link sb-demo: EEXIST`. */
export class NetlinkRequests {
  readonly #socket: NetlinkSocket;
  #sequence = 1;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** Sends what `encode` writes and waits for its success. Throws KernelError with the first refusal. */
  change(operation: string, encode: (batch: MessageBatch) => void): void {
    const answer = this.#exchange(encode);
    throwRefusal(operation, answer);
    if (answer.acknowledged.length === 0) throw kernelError(operation, errno.EPROTO, 'the kernel did not confirm it');
  }

  /** What answers a request for one object. */
  get(operation: string, encode: (batch: MessageBatch) => void): NetlinkMessage[] {
    const answer = this.#exchange(encode);
    throwRefusal(operation, answer);
    return answer.messages;
  }

  /** A whole, consistent dump: one that the kernel calls interrupted is repeated. */
  dump(operation: string, encode: (batch: MessageBatch) => void): NetlinkMessage[] {
    for (let attempt = 0; attempt < dumpAttempts; attempt++) {
      const answer = this.#exchange(encode);
      throwRefusal(operation, answer);
      if (answer.finished.length === 0) throw kernelError(operation, errno.EPROTO, 'the list has no end');
      if (!answer.interrupted) return answer.messages;
    }
    throw kernelError(operation, errno.EINTR, `the list changed each of ${dumpAttempts} times it was read`);
  }

  close(): void {
    this.#socket.close();
  }

  #exchange(encode: (batch: MessageBatch) => void): Answer {
    const batch = new MessageBatch(this.#sequence, 256);
    encode(batch);
    batch.acknowledgeLast();
    this.#sequence = batch.nextSequence;
    return decodeAnswer(this.#socket.exchange(batch.finish()));
  }
}

function throwRefusal(operation: string, { errors }: Answer): void {
  const [first] = errors;
  if (first) throw refusal(operation, first);
}

const refusal = (operation: string, error: { errno: number; message?: string }): KernelError =>
  kernelError(operation, error.errno, error.message);
