import { randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Cancel } from '../../base/clock.ts';
import { codeOf } from '../../base/errors.ts';
import { TcpFrames, tcpFrame } from '../tcp-frames.ts';
import { failed, type Outgoing, type Patience, settleOnce } from './exchange.ts';
import type { ConnectionHooks, PooledConnection } from './stream-pool.ts';

export interface StreamConnectionOptions extends ConnectionHooks {
  /** TCP or TLS, on its way to be connected. */
  readonly socket: Socket;
}

/**
 * So many questions at most wait on one connection. A resolver that answers one after the other makes those behind a
 * slow one wait, so more of them are spread; with one question a connection each would pay for a handshake.
 */
const mostUnderWay = 8;

/** A connection to a resolver that carries several questions at once; answers come in any order (RFC 7766 section 7). */
export class StreamConnection implements PooledConnection {
  readonly openedMs: number;
  readonly #options: StreamConnectionOptions;
  readonly #frames = new TcpFrames();
  /** By id, whom a message or the end of the connection is for. */
  readonly #waiting = new Map<number, (outcome: Buffer | Error) => void>();
  #isOpen = true;
  /** Takes no more questions. */
  #isRetired = false;
  #reason = 'the connection was closed without an answer';
  #cancelExpiry: Cancel = () => {};

  constructor(options: StreamConnectionOptions) {
    this.#options = options;
    this.openedMs = options.clock.monotonicMs();
    const { socket } = options;
    socket.setNoDelay(true);
    socket.on('error', (error) => {
      this.#reason = error.message;
    });
    socket.on('end', () => {
      this.#isRetired = true;
    });
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => this.#closed());
  }

  get hasRoom(): boolean {
    return this.#isOpen && !this.#isRetired && this.#waiting.size < mostUnderWay;
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0;
  }

  /** Rejects with code `closed` when the connection ends meanwhile. */
  ask<Result>({ encode, accept }: Outgoing<Result>, patience: Patience): Promise<Result> {
    const { resolver, socket } = this.#options;
    this.#cancelExpiry();
    return settleOnce(resolver, patience, (settle) => {
      const id = this.#freeId();
      this.#waiting.set(id, (outcome) => {
        if (outcome instanceof Error) settle(outcome);
        else settle(accept(outcome, id) ?? failed(resolver, 'malformed', 'a wrong answer over TCP'));
      });
      socket.write(tcpFrame(encode(id)));
      return (outcome) => this.#settled(id, outcome);
    });
  }

  /** Ends it once nobody waits on it. */
  retire(): void {
    this.#isRetired = true;
    if (this.isIdle) this.#end();
  }

  /** Ends it unless it is asked something before. */
  retireIn(delayMs: number): void {
    this.#cancelExpiry();
    this.#cancelExpiry = this.#options.clock.schedule(delayMs, () => this.retire());
  }

  #settled(id: number, outcome: unknown): void {
    this.#waiting.delete(id);
    // Silence on a connection is mostly the connection's fault: what comes next had better not wait on it.
    if (codeOf(outcome) === 'timeout') this.#isRetired = true;
    if (!this.isIdle || !this.#isOpen) return;
    if (this.#isRetired) this.#end();
    else this.#options.onIdle(this);
  }

  #take(chunk: Buffer): void {
    this.#frames.push(chunk);
    for (let message = this.#frames.next(); message; message = this.#frames.next()) {
      // An answer that nobody waits for any more is passed over.
      if (message.length >= 2) this.#waiting.get(message.readUInt16BE(0))?.(message);
    }
  }

  #end(): void {
    this.#cancelExpiry();
    this.#isOpen = false;
    this.#options.socket.destroy();
    this.#options.onClosed(this);
  }

  #closed(): void {
    this.#cancelExpiry();
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    if (wasOpen) this.#options.onClosed(this);
    const error = failed(this.#options.resolver, 'closed', this.#reason);
    for (const take of [...this.#waiting.values()]) take(error);
  }

  #freeId(): number {
    for (;;) {
      const id = randomInt(65_536);
      if (!this.#waiting.has(id)) return id;
    }
  }
}
