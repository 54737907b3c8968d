import { decodeMessages, MessageFlag, MessageType, type NetlinkMessage, visitHeaders } from '../wire/netlink/mod.ts';
import { checked, kernelError, retried } from './libc.ts';
import type { NetlinkSocket } from './port.ts';

/**
 * A netlink socket as system calls, bound to `portId`. Results are those of the C functions, with the errno negated;
 * none of them blocks but `wait`.
 */
export interface RawSocket {
  readonly portId: number;
  send(bytes: Uint8Array): number;
  /** One datagram; the result is its whole length (MSG_TRUNC), also where that is more than `into` holds. */
  receive(into: Uint8Array): number;
  /** Of the datagram received last: the sender's port, 0 for the kernel. */
  senderPortId(): number;
  /** Makes room for a message of so many bytes. */
  reserveSend(length: number): void;
  /** Until a datagram is there (1), or for `timeoutMs` (0). */
  wait(timeoutMs: number): number;
  close(): void;
}

const errno = { EAGAIN: 11, ENOBUFS: 105, EMSGSIZE: 90, ETIMEDOUT: 110, EBADF: 9 } as const;

/** The kernel answers inside send and receive; waiting is only for a protocol that one day would not. */
const answerTimeoutMs = 5000;

/** Kernel datagrams are 32 KiB at most: netlink_recvmsg limits a dump's buffer (max_recvmsg_len) to that. */
const receiveBufferLength = 1 << 16;

/** Exchanges are synchronous and each datagram is copied out, so that all sockets share one buffer. */
let sharedReceiveBuffer: Buffer | undefined;

/** NetlinkSocket over system calls: sends a batch, collects what answers it, leaves nothing for the next one to find. */
export class NetlinkExchange implements NetlinkSocket {
  readonly #socket: RawSocket;
  readonly #name: string;
  #closed = false;
  /** An exchange failed, so that the rest of its answer may still come. */
  #stale = false;

  /** `name` stands in errors: `Send to netlink route: ENOBUFS`. */
  constructor(socket: RawSocket, name: string) {
    this.#socket = socket;
    this.#name = name;
  }

  get portId(): number {
    return this.#socket.portId;
  }

  exchange(request: Uint8Array): Buffer[] {
    const sending = `Send to netlink ${this.#name}`;
    // The descriptor's number may belong to another file by now.
    if (this.#closed) throw kernelError(sending, errno.EBADF, 'the socket was closed');
    const awaited = awaitedOf(request);
    if (this.#stale) this.#discardAnswers();
    this.#stale = true;
    this.#socket.reserveSend(request.length);
    checked(
      sending,
      retried(() => this.#socket.send(request)),
    );
    const answers = this.#collect(awaited);
    this.#stale = false;
    return answers;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  #collect(awaited: Awaited): Buffer[] {
    const datagrams: Buffer[] = [];
    let complete = false;
    let refused = false;
    while (!complete) {
      const datagram = this.#receive();
      if (datagram === undefined) {
        // What nobody has asked an ACK for may go unanswered, and a batch that was thrown out ends with its error.
        if (awaited.end === undefined || refused) break;
        this.#wait();
        continue;
      }
      const messages = decodeMessages(datagram).filter((message) => this.#answers(message, awaited));
      if (messages.length === 0) continue;
      datagrams.push(datagram);
      complete = messages.some((message) => message.sequence === awaited.end && isLast(message));
      refused ||= messages.some(isRefusal);
    }
    return datagrams;
  }

  #answers(message: NetlinkMessage, { first, last }: Awaited): boolean {
    return message.portId === this.#socket.portId && (message.sequence - first) >>> 0 <= (last - first) >>> 0;
  }

  /** The next datagram of the kernel's, or undefined when there is none. */
  #receive(): Buffer | undefined {
    sharedReceiveBuffer ??= Buffer.allocUnsafeSlow(receiveBufferLength);
    const into = sharedReceiveBuffer;
    const receiving = `Receive from netlink ${this.#name}`;
    for (;;) {
      const length = retried(() => this.#socket.receive(into));
      if (length === -errno.EAGAIN) return undefined;
      if (length === -errno.ENOBUFS) throw kernelError(receiving, errno.ENOBUFS, 'the kernel had to drop answers');
      checked(receiving, length);
      if (length > into.length) {
        throw kernelError(receiving, errno.EMSGSIZE, `a datagram of ${length} bytes does not fit ${into.length}`);
      }
      // Any process may send to our port; answers come from the kernel, port 0.
      if (this.#socket.senderPortId() === 0) return Buffer.from(into.subarray(0, length));
    }
  }

  #wait(): void {
    const waiting = `Wait for netlink ${this.#name}`;
    if (
      checked(
        waiting,
        retried(() => this.#socket.wait(answerTimeoutMs)),
      ) === 0
    ) {
      throw kernelError(waiting, errno.ETIMEDOUT, `no answer within ${answerTimeoutMs} ms`);
    }
  }

  /** Reads until nothing is left, which also ends a dump that was not read to its end. */
  #discardAnswers(): void {
    const into = Buffer.allocUnsafe(receiveBufferLength);
    for (;;) {
      const length = retried(() => this.#socket.receive(into));
      if (length === -errno.EAGAIN) return;
      if (length !== -errno.ENOBUFS) checked(`Receive from netlink ${this.#name}`, length);
    }
  }
}

interface Awaited {
  /** Sequence numbers of the request's first and last message: MessageBatch numbers them without gaps. */
  readonly first: number;
  readonly last: number;
  /** The last message that asks for an ACK or a dump; its ACK, error or NLMSG_DONE ends the answer. */
  readonly end: number | undefined;
}

/** A batch may hold thousands of messages: their headers are read where they stand. */
function awaitedOf(request: Uint8Array): Awaited {
  const bytes = Buffer.from(request.buffer, request.byteOffset, request.byteLength);
  let first: number | undefined;
  let last = 0;
  let end: number | undefined;
  visitHeaders(bytes, (sequence, flags) => {
    first ??= sequence;
    last = sequence;
    if (flags & MessageFlag.acknowledge || (flags & MessageFlag.dump) === MessageFlag.dump) end = sequence;
  });
  return { first: first ?? 0, last, end };
}

const isLast = ({ type }: NetlinkMessage): boolean => type === MessageType.error || type === MessageType.done;

const isRefusal = ({ type, payload }: NetlinkMessage): boolean =>
  type === MessageType.error && payload.length >= 4 && payload.readInt32LE(0) !== 0;
