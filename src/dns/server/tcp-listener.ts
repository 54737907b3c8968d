import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import type { Cancel, Clock } from '../../base/clock.ts';
import { codeOf, messageOf, OperatingError } from '../../base/errors.ts';
import { type ListenAddress, openListener } from '../../kernel/mod.ts';
import { type SocketAddress, socketAddressText } from '../forward/mod.ts';
import { TcpFrames, tcpFrame } from '../tcp-frames.ts';
import type { Reply, Respond, StreamReply } from './responder.ts';

export interface TcpListenerOptions {
  readonly at: ListenAddress;
  readonly respond: (...question: Parameters<Respond>) => StreamReply | Promise<Reply>;
  readonly clock: Clock;
  readonly limits?: Partial<TcpLimits>;
}

export interface TcpLimits {
  /** A connection on which nothing came in for so long is closed (RFC 7766 section 6.2.3). */
  readonly idleMs: number;
  /** More are closed as they come. */
  readonly connections: number;
  /** Questions of one connection that wait for other resolvers; the next one is read when one of them is answered. */
  readonly pendingQueries: number;
  /** Answers that the client does not take: more than this and nothing more is read from it. */
  readonly unsentBytes: number;
}

const defaultLimits: TcpLimits = { idleMs: 10_000, connections: 1000, pendingQueries: 100, unsentBytes: 256 * 1024 };

/** Whoever has connected just now has its question under way; longer, and it asks another server. */
const finishMs = 1000;

/** DNS over TCP: questions are taken as they come and answered as they are ready, in any order (RFC 7766 section 6.2). */
export class TcpListener {
  readonly #options: TcpListenerOptions;
  readonly #limits: TcpLimits;
  readonly #server: Server;
  readonly #connections = new Set<TcpConnection>();

  constructor(options: TcpListenerOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** Resolves with the bound address. Rejects with OperatingError. */
  listen(): Promise<SocketAddress> {
    const { at } = this.#options;
    return new Promise((resolve, reject) => {
      const failed = (error: unknown) =>
        reject(
          new OperatingError(
            `Listen on TCP ${socketAddressText(at)}`,
            codeOf(error) ?? 'unknown',
            messageOf(error),
            error,
          ),
        );
      this.#server.once('error', failed);
      const listening = () => resolve({ address: at.address, port: (this.#server.address() as AddressInfo).port });
      try {
        const fd = openSharable(at);
        if (fd === undefined) this.#server.listen(at.port, at.address, listening);
        else this.#server.listen({ fd }, listening);
      } catch (error) {
        failed(error);
      }
    });
  }

  /** Takes no more connections; those that have had no answer yet get one first, if they ask soon. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.finish();
    return closed;
  }

  get connections(): number {
    return this.#connections.size;
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= this.#limits.connections) {
      socket.destroy();
      return;
    }
    const connection = new TcpConnection(socket, this.#options, this.#limits, () =>
      this.#connections.delete(connection),
    );
    this.#connections.add(connection);
  }
}

class TcpConnection {
  readonly #socket: Socket;
  readonly #options: TcpListenerOptions;
  readonly #limits: TcpLimits;
  readonly #frames = new TcpFrames();
  /** Answers of several messages that have more to send. */
  readonly #streams: Iterator<Buffer>[] = [];
  readonly #client: { readonly address: string; readonly port: number };
  #pending = 0;
  #clientIsDone = false;
  #isFinishing = false;
  #hasAnswered = false;
  #lastHeardMs: number;
  #cancelIdle: Cancel;

  constructor(socket: Socket, options: TcpListenerOptions, limits: TcpLimits, onClose: () => void) {
    this.#socket = socket;
    this.#options = options;
    this.#limits = limits;
    // Unknown when the client has gone already; nothing will be sent to it then.
    this.#client = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    this.#lastHeardMs = options.clock.monotonicMs();
    this.#cancelIdle = options.clock.schedule(limits.idleMs, () => this.#checkIdle());
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#lastHeardMs = options.clock.monotonicMs();
      this.#frames.push(chunk);
      this.#goOn();
    });
    socket.on('drain', () => this.#goOn());
    socket.on('end', () => {
      this.#clientIsDone = true;
      this.#goOn();
    });
    // A reset connection closes too; there is nothing else to do about it.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#cancelIdle();
      onClose();
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  /** Ends as soon as every question that has come is answered, and one has been. */
  finish(): void {
    this.#isFinishing = true;
    this.#cancelIdle();
    this.#cancelIdle = this.#options.clock.schedule(finishMs, () => this.end());
    this.#goOn();
  }

  /** Takes questions while the client takes its answers and has not too many questions open. */
  #goOn(): void {
    while (!this.#isFull()) {
      if (this.#sendNext()) continue;
      const packet = this.#frames.next();
      if (!packet) break;
      this.#receive(packet);
    }
    if (this.#isFull()) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
    // A client may close its half after the last question and still wait for the answers.
    if (this.#pending > 0) return;
    if (this.#isFinishing && this.#hasAnswered) this.#socket.destroySoon();
    else if (this.#clientIsDone) this.#socket.end();
  }

  #receive(packet: Buffer): void {
    const reply = this.#options.respond(packet, this.#client);
    if (reply instanceof Promise) void this.#sendLater(reply);
    else this.#send(reply);
  }

  async #sendLater(pending: Promise<Reply>): Promise<void> {
    this.#pending++;
    const reply = await pending;
    this.#pending--;
    this.#send(reply);
    this.#goOn();
  }

  #send(reply: StreamReply): void {
    if (reply && 'messages' in reply) {
      this.#pending++;
      this.#streams.push(reply.messages);
    } else if (reply && this.#socket.writable) {
      this.#socket.write(tcpFrame(reply));
      this.#hasAnswered = true;
    }
  }

  /** The next message of an answer that has several; false when there is none. */
  #sendNext(): boolean {
    const stream = this.#streams[0];
    if (!stream) return false;
    const { done, value } = stream.next();
    // Sending is progress too: a large zone may take a slow client longer than it may be idle.
    this.#lastHeardMs = this.#options.clock.monotonicMs();
    if (!done) this.#send(value);
    else {
      this.#streams.shift();
      this.#pending--;
    }
    return true;
  }

  #isFull(): boolean {
    const { pendingQueries, unsentBytes } = this.#limits;
    return this.#pending >= pendingQueries || this.#socket.writableLength > unsentBytes;
  }

  #checkIdle(): void {
    const idleForMs = this.#options.clock.monotonicMs() - this.#lastHeardMs;
    if (idleForMs >= this.#limits.idleMs) this.end();
    else this.#cancelIdle = this.#options.clock.schedule(this.#limits.idleMs - idleForMs, () => this.#checkIdle());
  }
}

/** Undefined where system calls cannot be had, and for link-local addresses, whose interface is net.Server's to find. */
function openSharable(at: ListenAddress): number | undefined {
  if (at.address.includes('%')) return undefined;
  try {
    return openListener(at).descriptor;
  } catch (error) {
    if (codeOf(error) !== 'unsupported') throw error;
    return undefined;
  }
}
