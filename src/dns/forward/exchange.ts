import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { OperatingError } from '../../base/errors.ts';
import {
  answersQuestion,
  type MalformedMessageError,
  readUpstreamAnswer,
  type UpstreamAnswer,
} from '../../wire/dns/mod.ts';
import { TcpFrames, tcpFrame } from '../tcp-frames.ts';
import { type SocketAddress, socketAddressText } from './upstreams.ts';

/** One encoded query, on its way to one resolver. */
export interface Attempt {
  readonly upstream: SocketAddress;
  readonly packet: Buffer;
  readonly id: number;
  readonly question: Uint8Array;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

type Settle = (outcome: UpstreamAnswer | Error) => void;

/** So many wrong answers on one socket are an attack: the caller does better to ask over TCP. */
const wrongAnswersBorne = 8;

/**
 * Asks over UDP from a socket of its own, so that every query leaves from another random port (RFC 5452 section 9.2).
 * The socket is connected: the kernel drops what comes from any other address, and reports a closed port at once.
 * Datagrams that do not answer this question with this id are passed over; the true answer may still come.
 */
export function askOverUdp(attempt: Attempt): Promise<UpstreamAnswer> {
  const { upstream, packet } = attempt;
  return settleOnce(attempt, (settle) => {
    let wrongAnswers = 0;
    const socket = createSocket(upstream.address.includes(':') ? 'udp6' : 'udp4');
    socket.on('error', settle);
    socket.on('message', (message) => {
      const answer = accept(message, attempt);
      if (answer) settle(answer);
      else if (++wrongAnswers > wrongAnswersBorne) settle(failed(upstream, 'spoofed', 'too many wrong answers'));
    });
    socket.connect(upstream.port, upstream.address, (error?: Error) => {
      if (error) settle(error);
      else socket.send(packet, (sendError) => sendError && settle(sendError));
    });
    return () => socket.close();
  });
}

/** For answers that do not fit a datagram. One connection a question: these are few. */
export function askOverTcp(attempt: Attempt): Promise<UpstreamAnswer> {
  const { upstream, packet } = attempt;
  return settleOnce(attempt, (settle) => {
    const frames = new TcpFrames();
    const socket = connect({ host: upstream.address, port: upstream.port });
    socket.on('error', settle);
    socket.on('data', (chunk: Buffer) => {
      frames.push(chunk);
      const message = frames.next();
      if (message) settle(accept(message, attempt) ?? failed(upstream, 'malformed', 'a wrong answer over TCP'));
    });
    socket.on('close', () => settle(failed(upstream, 'closed', 'the connection was closed without an answer')));
    socket.write(tcpFrame(packet));
    return () => socket.destroy();
  });
}

function accept(message: Uint8Array, { id, question, upstream }: Attempt): UpstreamAnswer | undefined {
  if (!answersQuestion(message, id, question)) return undefined;
  try {
    return { ...readUpstreamAnswer(message), resolver: socketAddressText(upstream) };
  } catch (error) {
    if ((error as MalformedMessageError).code === 'malformed') return undefined;
    throw error;
  }
}

function settleOnce(attempt: Attempt, begin: (settle: Settle) => () => void): Promise<UpstreamAnswer> {
  const { upstream, timeoutMs, clock, signal } = attempt;
  return new Promise((resolve, reject) => {
    let settled = false;
    const settle: Settle = (outcome) => {
      if (settled) return;
      settled = true;
      cancelTimer();
      signal.removeEventListener('abort', abort);
      end();
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    const abort = () => settle(failed(upstream, 'stopped', 'the server stops'));
    const cancelTimer = clock.schedule(timeoutMs, () =>
      settle(failed(upstream, 'timeout', `no answer in ${timeoutMs} ms`)),
    );
    const end = begin(settle);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}

const failed = (upstream: SocketAddress, code: string, state: string) =>
  new OperatingError(`Ask resolver ${socketAddressText(upstream)}`, code, state);
