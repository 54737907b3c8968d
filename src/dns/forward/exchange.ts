import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { Clock } from '../../base/clock.ts';
import { OperatingError } from '../../base/errors.ts';
import {
  answersQuestion,
  encodeUpstreamQuery,
  type MalformedMessageError,
  readUpstreamAnswer,
  safeUdpBytes,
  type UpstreamAnswer,
  type UpstreamQuery,
} from '../../wire/dns/mod.ts';
import { type SocketAddress, socketAddressText } from './upstreams.ts';

/** A question as it is sent to one resolver, and what counts as its answer. */
export interface Outgoing<Result> {
  encode(id: number): Buffer;
  /** Undefined: `message` is no answer to it under this id. */
  accept(message: Buffer, id: number): Result | undefined;
}

/** How long to wait, and until when at all. */
export interface Patience {
  readonly clock: Clock;
  /** For each exchange. */
  readonly timeoutMs: number;
  /** On the monotonic clock: for all exchanges together. */
  readonly untilMs: number;
  readonly signal: AbortSignal;
}

export function outgoing(query: UpstreamQuery, withEdns: boolean): Outgoing<UpstreamAnswer> {
  return {
    encode: (id) => encodeUpstreamQuery(query, id, { withEdns, payloadBytes: safeUdpBytes }),
    accept(message, id) {
      if (!answersQuestion(message, id, query.question)) return undefined;
      try {
        return readUpstreamAnswer(message);
      } catch (error) {
        if ((error as MalformedMessageError).code === 'malformed') return undefined;
        throw error;
      }
    },
  };
}

type Settle<Result> = (outcome: Result | Error) => void;

/** So many wrong answers on one socket are an attack: the caller does better to ask over TCP. */
const wrongAnswersBorne = 8;

/**
 * Asks over UDP from a socket of its own, so that every query leaves from another random port (RFC 5452 section 9.2).
 * The socket is connected: the kernel drops what comes from any other address, and reports a closed port at once.
 * Datagrams that do not answer this question with this id are passed over; the true answer may still come.
 */
export function askOverUdp<Result>(
  at: SocketAddress,
  { encode, accept }: Outgoing<Result>,
  patience: Patience,
): Promise<Result> {
  const resolver = socketAddressText(at);
  const id = randomInt(65_536);
  return settleOnce(resolver, patience, (settle) => {
    let wrongAnswers = 0;
    const unreachable = (error: Error) => settle(failed(resolver, 'unreachable', error.message, error));
    const socket = createSocket(at.address.includes(':') ? 'udp6' : 'udp4');
    socket.on('error', unreachable);
    socket.on('message', (message) => {
      const answer = accept(message, id);
      if (answer) settle(answer);
      else if (++wrongAnswers > wrongAnswersBorne) settle(failed(resolver, 'spoofed', 'too many wrong answers'));
    });
    socket.connect(at.port, at.address, (error?: Error) => {
      if (error) unreachable(error);
      else socket.send(encode(id), (sendError) => sendError && unreachable(sendError));
    });
    return () => socket.close();
  });
}

/** `begin` returns what ends the exchange; it is told the outcome. */
export function settleOnce<Result>(
  resolver: string,
  { clock, timeoutMs, untilMs, signal }: Patience,
  begin: (settle: Settle<Result>) => (outcome: Result | Error) => void,
): Promise<Result> {
  const waitMs = Math.max(0, Math.min(timeoutMs, untilMs - clock.monotonicMs()));
  return new Promise((resolve, reject) => {
    let settled = false;
    const settle: Settle<Result> = (outcome) => {
      if (settled) return;
      settled = true;
      cancelTimer();
      signal.removeEventListener('abort', abort);
      end(outcome);
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    const abort = () => settle(failed(resolver, 'stopped', 'the server stops'));
    const cancelTimer = clock.schedule(waitMs, () =>
      settle(failed(resolver, 'timeout', `no answer in ${Math.round(waitMs)} ms`)),
    );
    const end = begin(settle);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}

export const failed = (resolver: string, code: string, state: string, cause?: unknown) =>
  new OperatingError(`Ask resolver ${resolver}`, code, state, cause);
