import { decodeAttributes } from './attributes.ts';
import { align4, MessageFlag, MessageType, messageHeaderLength } from './constants.ts';
import { errnoName } from './errno.ts';
import { MalformedError } from './errors.ts';
import { decodeMessages, type NetlinkMessage } from './message.ts';

/** What the kernel answered to a request or a batch of them. */
export interface Answer {
  /** Everything but NLMSG_ERROR and NLMSG_DONE, in order. */
  readonly messages: NetlinkMessage[];
  /** In the order of arrival; empty when all went well. */
  readonly errors: AnswerError[];
  /** Sequence numbers of the requests whose success was confirmed. */
  readonly acknowledged: number[];
  /** Sequence numbers of the dumps that reached their end. */
  readonly finished: number[];
  /** NLM_F_DUMP_INTR was seen: the objects changed under the dump, which should be repeated. */
  readonly interrupted: boolean;
}

/** One refused request. */
export interface AnswerError {
  /** Of the request that was refused. */
  readonly sequence: number;
  /** Positive, as in errno.h. */
  readonly errno: number;
  /** The errno's name: `ENOENT`. */
  readonly code: string;
  /** NLMSGERR_ATTR_MSG: the kernel's own words. */
  readonly message?: string;
  /** NLMSGERR_ATTR_OFFS: where in the request the offending attribute starts, counted from its nlmsghdr. */
  readonly offset?: number;
}

/** include/uapi/linux/netlink.h, enum nlmsgerr_attrs. */
const ErrorAttribute = { message: 1, offset: 2 } as const;

const operation = 'Decode netlink answer';

export function decodeAnswer(datagrams: readonly Buffer[]): Answer {
  const messages: NetlinkMessage[] = [];
  const errors: AnswerError[] = [];
  const acknowledged: number[] = [];
  const finished: number[] = [];
  let interrupted = false;
  for (const message of datagrams.flatMap(decodeMessages)) {
    if (message.flags & MessageFlag.dumpInterrupted && message.flags & MessageFlag.multi) interrupted = true;
    if (message.type !== MessageType.error && message.type !== MessageType.done) {
      messages.push(message);
      continue;
    }
    const error = errorOf(message);
    if (error) errors.push(error);
    else (message.type === MessageType.done ? finished : acknowledged).push(message.sequence);
  }
  return { messages, errors, acknowledged, finished, interrupted };
}

/** Reads struct nlmsgerr, or the error number of an NLMSG_DONE; undefined when the number is 0. */
function errorOf(message: NetlinkMessage): AnswerError | undefined {
  const { payload, sequence, type } = message;
  // A few old dumps end on an NLMSG_DONE without the error number.
  if (type === MessageType.done && payload.length === 0) return undefined;
  if (payload.length < 4) throw new MalformedError(operation, `error number cut off after ${payload.length} bytes`);
  const errno = -payload.readInt32LE(0);
  if (errno === 0) return undefined;
  return { sequence, errno, code: errnoName(errno), ...explanationOf(message) };
}

function explanationOf(message: NetlinkMessage): Pick<AnswerError, 'message' | 'offset'> {
  if (!(message.flags & MessageFlag.acknowledgeAttributes)) return {};
  const attributes = decodeAttributes(message.payload.subarray(explanationOffset(message)));
  const text = attributes.string(ErrorAttribute.message);
  const offset = attributes.u32(ErrorAttribute.offset);
  return { ...(text !== undefined && { message: text }), ...(offset !== undefined && { offset }) };
}

/** Behind the error number and, for NLMSG_ERROR, the refused request: only its header when the answer is capped. */
function explanationOffset({ type, flags, payload }: NetlinkMessage): number {
  if (type === MessageType.done) return 4;
  if (payload.length < 4 + messageHeaderLength) {
    throw new MalformedError(operation, `refused request cut off after ${payload.length - 4} bytes`);
  }
  const requestLength = flags & MessageFlag.capped ? messageHeaderLength : align4(payload.readUInt32LE(4));
  return 4 + requestLength;
}
