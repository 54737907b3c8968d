import type { RemoteInfo, Socket } from 'node:dgram';
import type { Cancel, Clock } from '../../../base/clock.ts';
import { codeOf } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import { endpointText, type Family } from '../../plan/mod.ts';
import type { Balancer } from './balancer.ts';
import { clientAddress } from './client-address.ts';
import type { Sockets } from './sockets.ts';
import type { Target } from './target.ts';

/** Upstream forgets a session after 250 ms, and with it the answer of a slow endpoint. */
const defaultIdleMs = 10_000;

/** Each session is a descriptor: past that number, the one that has been idle longest makes room. */
const defaultSessionsLimit = 4096;

/** As many endpoints as a TCP connection is tried with. */
const attemptsLimit = 4;

export interface UdpRelayContext {
  readonly sockets: Sockets;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Session {
  readonly client: RemoteInfo;
  readonly failed: Set<Target>;
  socket: Socket;
  target: Target;
  lastMs: number;
  /** The last datagram while nothing has come back: for the next endpoint, when this one refuses. */
  unanswered: Buffer | undefined;
}

/** Takes the datagrams of one port of a Service; each client (address and port) has a socket of its own to an endpoint. */
export class UdpRelay {
  readonly port: number;
  readonly #context: UdpRelayContext;
  readonly #balancer: Balancer;
  readonly #server: Socket;
  readonly #idleMs: number;
  readonly #sessionsLimit: number;
  /** By client; who has been idle longest is first. */
  readonly #sessions = new Map<string, Session>();
  #cancelSweep: Cancel | undefined;
  #closed = false;

  /** Throws when no port can be had. */
  constructor(
    context: UdpRelayContext,
    balancer: Balancer,
    family: Family,
    options: { readonly idleMs?: number; readonly sessionsLimit?: number } = {},
  ) {
    this.#context = context;
    this.#balancer = balancer;
    this.#idleMs = options.idleMs ?? defaultIdleMs;
    this.#sessionsLimit = options.sessionsLimit ?? defaultSessionsLimit;
    this.#server = context.sockets.bindUdp(family);
    this.port = this.#server.address().port;
    this.#server.on('message', (data, client) => this.#receive(data, client));
    this.#server.on('error', (error) => context.log.warn('Cannot relay a datagram', { code: codeOf(error) }));
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** Sessions to endpoints that are no longer among these end: their client's next datagram finds another. */
  retain(targets: readonly Target[]): void {
    const kept = new Set(targets.map(endpointText));
    for (const [key, { target }] of this.#sessions) if (!kept.has(endpointText(target))) this.#end(key);
  }

  /** A datagram has nobody to wait for: with the port, its sessions end. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const key of this.#sessions.keys()) this.#end(key);
    this.#cancelSweep?.();
    this.#server.close();
  }

  #receive(data: Buffer, client: RemoteInfo): void {
    const key = `${client.address} ${client.port}`;
    const session = this.#sessions.get(key) ?? this.#begin(key, client);
    if (!session) return;
    this.#touch(key, session);
    if (session.unanswered) session.unanswered = data;
    session.socket.send(data);
  }

  #begin(key: string, client: RemoteInfo): Session | undefined {
    const target = this.#balancer.choose(clientAddress(client.address));
    const socket = target && this.#open(key, target);
    if (!socket) return undefined;
    const lastMs = this.#context.clock.monotonicMs();
    const session: Session = { client, failed: new Set(), socket, target, lastMs, unanswered: noData };
    this.#sessions.set(key, session);
    if (this.#sessions.size > this.#sessionsLimit) this.#end(this.#sessions.keys().next().value!);
    this.#cancelSweep ??= this.#context.clock.schedule(this.#idleMs, () => this.#sweep());
    return session;
  }

  #open(key: string, target: Target): Socket | undefined {
    let socket: Socket;
    try {
      socket = this.#context.sockets.connectUdp(target);
    } catch (error) {
      this.#context.log.warn('Cannot open a session', { ...target, code: codeOf(error) });
      return undefined;
    }
    socket.on('message', (data) => this.#answer(key, socket, data));
    socket.on('error', () => this.#tryNext(key, socket));
    return socket;
  }

  #answer(key: string, socket: Socket, data: Buffer): void {
    const session = this.#sessions.get(key);
    if (session?.socket !== socket) return;
    session.unanswered = undefined;
    this.#touch(key, session);
    this.#server.send(data, session.client.port, session.client.address);
  }

  /** An ICMP error has come back: nobody is there. What was sent last is sent to the next endpoint. */
  #tryNext(key: string, socket: Socket): void {
    const session = this.#sessions.get(key);
    if (session?.socket !== socket) return;
    const { client, failed, target, unanswered } = session;
    failed.add(target);
    const isHopeless = unanswered === undefined || failed.size >= attemptsLimit;
    const next = isHopeless ? undefined : this.#balancer.choose(clientAddress(client.address), failed);
    const replacement = next && !failed.has(next) ? this.#open(key, next) : undefined;
    if (!replacement) {
      this.#end(key);
      return;
    }
    socket.close();
    session.socket = replacement;
    session.target = next!;
    replacement.send(unanswered!);
  }

  #touch(key: string, session: Session): void {
    session.lastMs = this.#context.clock.monotonicMs();
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
  }

  #sweep(): void {
    const { clock } = this.#context;
    const idleSinceMs = clock.monotonicMs() - this.#idleMs;
    this.#cancelSweep = undefined;
    for (const [key, { lastMs }] of this.#sessions) {
      if (lastMs > idleSinceMs) {
        this.#cancelSweep = clock.schedule(lastMs - idleSinceMs, () => this.#sweep());
        return;
      }
      this.#end(key);
    }
  }

  #end(key: string): void {
    this.#sessions.get(key)?.socket.close();
    this.#sessions.delete(key);
  }
}

const noData = Buffer.alloc(0);
