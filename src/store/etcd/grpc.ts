import { type ClientHttp2Session, type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2';
import type { Cancel, Clock } from '../../base/clock.ts';

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html, those that are told apart here. */
export const grpcStatus = { ok: 0, outOfRange: 11, resourceExhausted: 8, unavailable: 14 } as const;

/** A call that did not end with status OK. */
export class CallError extends Error {
  /** What the peer said; undefined when it said nothing: the connection broke, or the deadline passed. */
  readonly status: number | undefined;
  /** False: the peer cannot have got it. */
  readonly isSent: boolean;

  constructor(message: string, status: number | undefined, isSent: boolean) {
    super(message);
    this.status = status;
    this.isSent = isSent;
  }
}

export interface Call {
  /** `/etcdserverpb.KV/Range` */
  readonly path: string;
  readonly message: Buffer;
}

/**
 * One call over HTTP/2 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md) whose request is one message;
 * `onMessage` gets each message of the answer. Resolves at its end with status OK.
 * @param options.isStreaming the request stays open, as that of a watch must
 */
export function openCall(
  session: ClientHttp2Session,
  { path, message }: Call,
  onMessage: (message: Buffer) => void,
  options: { isStreaming: boolean },
): { readonly ended: Promise<void>; cancel(why: string): void } {
  const ended = Promise.withResolvers<void>();
  const fail = (why: string, status?: number) => ended.reject(new CallError(why, status, true));
  let stream: ClientHttp2Stream;
  try {
    stream = session.request(requestHeaders(path));
  } catch (error) {
    ended.reject(new CallError((error as Error).message, undefined, false));
    return { ended: ended.promise, cancel: () => {} };
  }
  const frames = new Frames();
  let trailers: IncomingHttpHeaders = {};
  const cancel = (why: string) => {
    fail(why);
    stream.close(constants.NGHTTP2_CANCEL);
  };
  stream.on('response', (headers) => {
    trailers = headers;
  });
  stream.on('trailers', (headers) => {
    trailers = headers;
  });
  stream.on('data', (chunk: Buffer) => {
    try {
      for (const each of frames.push(chunk)) onMessage(each);
    } catch (error) {
      cancel((error as Error).message);
    }
  });
  stream.on('error', (error) => fail(error.message));
  stream.on('close', () => {
    const status = trailers['grpc-status'];
    if (status === undefined) fail('the connection broke');
    else if (Number(status) === grpcStatus.ok) ended.resolve();
    else fail(messageIn(trailers) ?? `gRPC status ${status}`, Number(status));
  });
  stream.write(framed(message));
  if (!options.isStreaming) stream.end();
  return { ended: ended.promise, cancel };
}

/** Percent-encoded, or what else a peer has sent in its place. */
function messageIn(trailers: IncomingHttpHeaders): string | undefined {
  const text = trailers['grpc-message'];
  try {
    return text === undefined ? undefined : decodeURIComponent(String(text));
  } catch {
    return String(text);
  }
}

/** A call of one message each way, with a deadline. Rejects with CallError. */
export async function unaryCall(session: ClientHttp2Session, call: Call, clock: Clock, timeoutMs: number) {
  let answer: Buffer | undefined;
  const keep = (message: Buffer) => {
    answer = message;
  };
  const { ended, cancel } = openCall(session, call, keep, { isStreaming: false });
  const cancelTimer: Cancel = clock.schedule(timeoutMs, () => cancel(`no answer within ${timeoutMs} ms`));
  try {
    await ended;
  } finally {
    cancelTimer();
  }
  if (!answer) throw new CallError('the answer is empty', undefined, true);
  return answer;
}

const requestHeaders = (path: string) => ({
  ':method': 'POST',
  ':path': path,
  te: 'trailers',
  'content-type': 'application/grpc',
  // A member that has lost its cluster refuses, and ends its watches, instead of serving what is old.
  hasleader: 'true',
});

const prefixBytes = 5;
/** Above etcd's own limit for what it sends: more is no message of its. */
const maxMessageBytes = 2 ** 30;

function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(prefixBytes + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, prefixBytes);
  return frame;
}

/** Puts together what HTTP/2 has cut. */
class Frames {
  #chunks: Buffer[] = [];
  #bytes = 0;

  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const messages: Buffer[] = [];
    for (let message = this.#take(); message; message = this.#take()) messages.push(message);
    return messages;
  }

  #take(): Buffer | undefined {
    if (this.#bytes < prefixBytes) return undefined;
    if (this.#chunks[0]!.length < prefixBytes) this.#join();
    const first = this.#chunks[0]!;
    const length = first.readUInt32BE(1);
    if (first[0] !== 0 || length > maxMessageBytes) throw new Error('the answer is not gRPC without compression');
    const end = prefixBytes + length;
    if (this.#bytes < end) return undefined;
    if (first.length < end) this.#join();
    const whole = this.#chunks[0]!;
    this.#chunks[0] = whole.subarray(end);
    this.#bytes -= end;
    return whole.subarray(prefixBytes, end);
  }

  #join(): void {
    this.#chunks = [Buffer.concat(this.#chunks)];
  }
}
