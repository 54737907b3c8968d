import {
  AttributeWriter,
  decodeMessages,
  encodeMessage,
  errnoNumber,
  MessageFlag,
  MessageType,
  messageHeaderLength,
  type NetlinkMessage,
} from '../wire/netlink/mod.ts';
import { kernelError } from './libc.ts';
import type { Kernel, NetlinkProtocol, NetlinkSocket } from './port.ts';

/** What the scripted kernel says to one message; undefined is plain success. */
export type FakeReply =
  | { readonly error: string; readonly message?: string; readonly offset?: number }
  | { readonly messages: readonly { readonly type: number; readonly payload: Buffer }[] }
  | undefined;

export interface FakeSocketOptions {
  readonly protocol: NetlinkProtocol;
  readonly netns: string | undefined;
}

export interface FakeKernel extends Kernel {
  /** Every message that was sent, in order, with the socket it was sent to. */
  readonly received: (NetlinkMessage & FakeSocketOptions)[];
  /** Number of sockets that have not been closed. */
  readonly openSockets: number;
}

/** Any port but 0, which is the kernel's. */
const portId = 4711;

/**
 * A kernel that remembers what it is asked and answers as `answer` says, message by message. Acknowledgements, ends of
 * dumps and errors are framed as the real one frames them; the shared suite holds it to that.
 */
export function createFakeKernel(
  answer: (message: NetlinkMessage, socket: FakeSocketOptions) => FakeReply = () => undefined,
): FakeKernel {
  const received: FakeKernel['received'] = [];
  let openSockets = 0;

  function openNetlink(protocol: NetlinkProtocol, options: { readonly netns?: string } = {}): NetlinkSocket {
    const socket: FakeSocketOptions = { protocol, netns: options.netns };
    let closed = false;
    openSockets += 1;
    return {
      portId,
      exchange(request) {
        if (closed) throw kernelError(`Send to netlink ${protocol}`, 9, 'the socket was closed');
        // A copy: the caller may write its next batch over the bytes.
        return decodeMessages(Buffer.from(request)).flatMap((message) => {
          received.push({ ...message, ...socket });
          return frame(message, answer(message, socket));
        });
      },
      close() {
        if (!closed) openSockets -= 1;
        closed = true;
      },
    };
  }

  return {
    openNetlink,
    received,
    get openSockets() {
      return openSockets;
    },
  };
}

/** The datagrams for one message: its reply, then what ends it. */
function frame(request: NetlinkMessage, reply: FakeReply): Buffer[] {
  if (reply && 'error' in reply) return [errorDatagram(request, reply)];
  const dump = (request.flags & MessageFlag.dump) === MessageFlag.dump;
  const flags = dump ? MessageFlag.multi : 0;
  const { sequence } = request;
  const datagrams = (reply?.messages ?? []).map((message) => encodeMessage({ ...message, flags, sequence, portId }));
  if (dump) {
    datagrams.push(encodeMessage({ type: MessageType.done, flags, sequence, portId, payload: Buffer.alloc(4) }));
  } else if (request.flags & MessageFlag.acknowledge) {
    datagrams.push(errorDatagram(request, undefined));
  }
  return datagrams;
}

function errorDatagram(request: NetlinkMessage, error: Extract<FakeReply, { error: string }> | undefined): Buffer {
  const writer = new AttributeWriter();
  writer.appendU32(-numberOf(error?.error));
  writer.appendBytes(encodeMessage(request).subarray(0, messageHeaderLength));
  const explained = error?.message !== undefined || error?.offset !== undefined;
  if (error?.message !== undefined) writer.putString(1, error.message);
  if (error?.offset !== undefined) writer.putU32(2, error.offset);
  const flags = MessageFlag.capped | (explained ? MessageFlag.acknowledgeAttributes : 0);
  const payload = writer.written();
  return encodeMessage({ type: MessageType.error, flags, sequence: request.sequence, portId, payload });
}

function numberOf(code: string | undefined): number {
  if (code === undefined) return 0;
  const number = errnoNumber(code);
  if (number === undefined) throw new TypeError(`No such errno: ${code}`);
  return number;
}
