import assert from 'node:assert/strict';
import type { Clock } from '../../../base/clock.ts';
import { StreamError, StreamEvent, type StreamSystem, socketAddress } from '../../../kernel/mod.ts';
import type { Balancer } from './balancer.ts';
import { type Direction, Pipes } from './pipes.ts';
import type { Target } from './target.ts';

/** How long each attempt may take, the next one with the next endpoint; upstream's endpointDialTimeouts. */
const dialTimeoutsMs: readonly number[] = [250, 500, 1000, 2000];

/** One of the two sockets of a connection, and the bytes that come in by it. */
interface Side extends Direction {
  readonly connection: Connection;
  /** The other socket; absent while no endpoint is dialled. */
  peer: Side | undefined;
  isConnected: boolean;
  mayRead: boolean;
  /** Its sender has ended, and the other side has been told. */
  hasEnded: boolean;
}

interface Connection {
  readonly listener: Listener;
  readonly client: Side;
  readonly clientAddress: string;
  readonly failed: Set<Target>;
  attempt: number;
  isOver: boolean;
}

interface Listener {
  readonly descriptor: number;
  readonly balancer: Balancer;
}

interface Dial {
  readonly endpoint: Side;
  readonly target: Target;
  readonly deadlineMs: number;
}

export interface PumpOptions {
  readonly system: StreamSystem;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** More than so many wait in the kernel until others have ended: each takes two descriptors. */
  readonly connectionsLimit: number;
  /** Pipes between sockets; default 256. */
  readonly pipesLimit?: number;
}

/**
 * Accepts connections and moves their bytes to endpoints and back, all in the thread that calls `turn`. An end on one side
 * is passed on alone (half-close), a reset resets the other side, and nobody is read from faster than the other side takes
 * it. The next endpoint is tried when one refuses or does not answer in time.
 */
export class Pump {
  readonly #options: PumpOptions;
  readonly #system: StreamSystem;
  readonly #pipes: Pipes;
  readonly #listeners = new Map<number, Listener>();
  readonly #sides = new Map<number, Side>();
  /** By attempt, so that each is in the order of its deadlines. */
  readonly #dials: Map<Side, Dial>[] = dialTimeoutsMs.map(() => new Map());
  /** Listeners that could not accept for want of descriptors. */
  readonly #starved = new Set<Listener>();
  /** Closed when all events of a turn are done with: a number that is used again meanwhile would get another's event. */
  #graves: { readonly descriptor: number; readonly isReset: boolean }[] = [];
  #connections = 0;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#system = options.system;
    this.#pipes = new Pipes(options.system, options.pipesLimit);
  }

  /** Open, or being made. */
  get connections(): number {
    return this.#connections;
  }

  /** Takes over a listening socket. */
  open(descriptor: number, balancer: Balancer): void {
    this.#listeners.set(descriptor, { descriptor, balancer });
    this.#system.watch(descriptor);
  }

  /** Takes no more connections by it; those that are open go on to their end. */
  close(descriptor: number): void {
    const listener = this.#listeners.get(descriptor);
    if (!listener) return;
    this.#accept(listener);
    this.#listeners.delete(descriptor);
    this.#starved.delete(listener);
    this.#system.close(descriptor);
  }

  /** Resets all connections and closes everything. */
  end(): void {
    for (const descriptor of [...this.#listeners.keys()]) this.close(descriptor);
    for (const { connection } of [...this.#sides.values()]) this.#abort(connection);
    this.#bury();
    this.#pipes.end();
    this.#system.end();
  }

  /** Does what there is to do, after waiting for it at most so long. */
  turn(longestWaitMs: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    const waitMs = this.#waitMs(nowMs, longestWaitMs);
    const isAll = this.#system.wait(waitMs, (descriptor, events) => this.#onEvent(descriptor, events));
    // When we are late ourselves, an answer that came in time may still wait to be seen.
    if (isAll) this.#giveUpOverdue(nowMs);
    this.#bury();
    if (this.#starved.size > 0 && this.#hasRoom()) for (const listener of [...this.#starved]) this.#accept(listener);
  }

  #onEvent(descriptor: number, events: number): void {
    const side = this.#sides.get(descriptor);
    if (side) this.#onSide(side, events);
    else {
      const listener = this.#listeners.get(descriptor);
      if (listener) this.#accept(listener);
    }
  }

  #accept(listener: Listener): void {
    this.#starved.delete(listener);
    for (;;) {
      const descriptor = this.#hasRoom() ? this.#system.accept(listener.descriptor) : StreamError.outOfDescriptors;
      if (isOutOfDescriptors(descriptor)) {
        this.#starved.add(listener);
        return;
      }
      if (descriptor === StreamError.tryAgain) return;
      // Others are of a client that has gone again before it was accepted.
      if (descriptor >= 0) this.#begin(listener, descriptor);
    }
  }

  #hasRoom(): boolean {
    return this.#connections < this.#options.connectionsLimit;
  }

  #begin(listener: Listener, descriptor: number): void {
    const connection = {
      listener,
      clientAddress: listener.balancer.hasAffinity ? this.#system.clientAddress() : '',
      failed: new Set<Target>(),
      attempt: 0,
      isOver: false,
    } as Connection & { client: Side };
    connection.client = this.#side(connection, descriptor, true);
    this.#connections += 1;
    this.#dial(connection);
    // Watched last: a client whose connection is refused already needs no event.
    if (!connection.isOver) this.#system.watch(descriptor);
  }

  #side(connection: Connection, descriptor: number, isConnected: boolean): Side {
    const side = { connection, descriptor, to: -1, peer: undefined, isConnected, mayRead: false, hasEnded: false };
    this.#sides.set(descriptor, side);
    return side;
  }

  /** Tries endpoints until one is being connected to; after the last attempt the client is reset. */
  #dial(connection: Connection): void {
    const { listener, client, clientAddress, failed } = connection;
    for (; connection.attempt < dialTimeoutsMs.length; connection.attempt += 1) {
      const target = listener.balancer.choose(clientAddress, failed);
      if (target === undefined) break;
      const descriptor = this.#system.connect(addressOf(target));
      // Without a descriptor left, no other endpoint would answer either.
      if (isOutOfDescriptors(descriptor)) break;
      if (descriptor < 0) {
        failed.add(target);
        continue;
      }
      const endpoint = this.#side(connection, descriptor, false);
      join(client, endpoint);
      const deadlineMs = this.#options.clock.monotonicMs() + dialTimeoutsMs[connection.attempt]!;
      this.#dials[connection.attempt]!.set(endpoint, { endpoint, target, deadlineMs });
      this.#system.watch(descriptor);
      return;
    }
    this.#abort(connection);
  }

  #onSide(side: Side, events: number): void {
    const { error, hangUp, writable } = StreamEvent;
    if (events & ~writable) side.mayRead = true;
    if (!side.isConnected) {
      if (events & (error | hangUp)) this.#passOver(side);
      else if (events & writable) this.#connected(side);
      return;
    }
    if (side.peer?.isConnected !== true) {
      // Only a reset ends a client's wait; its end of stream may be all that it has to say.
      if (events & error) this.#abort(side.connection);
      return;
    }
    this.#move(side);
    if (!side.connection.isOver) this.#move(side.peer);
  }

  #connected(endpoint: Side): void {
    const { connection } = endpoint;
    this.#dials[connection.attempt]!.delete(endpoint);
    endpoint.isConnected = true;
    this.#move(connection.client);
    if (!connection.isOver) this.#move(endpoint);
  }

  /** The endpoint does not answer. */
  #passOver(endpoint: Side): void {
    const { connection } = endpoint;
    const dials = this.#dials[connection.attempt]!;
    connection.failed.add(dials.get(endpoint)!.target);
    dials.delete(endpoint);
    connection.attempt += 1;
    this.#leave(endpoint, true);
    this.#dial(connection);
  }

  /** Whose time was over before the last look at what has happened. */
  #giveUpOverdue(nowMs: number): void {
    for (const dials of this.#dials) {
      for (const { endpoint, deadlineMs } of dials.values()) {
        if (deadlineMs > nowMs) break;
        this.#passOver(endpoint);
      }
    }
  }

  #waitMs(nowMs: number, longestMs: number): number {
    let waitMs = longestMs;
    for (const dials of this.#dials) {
      const next = dials.values().next().value;
      if (next) waitMs = Math.min(waitMs, next.deadlineMs - nowMs);
    }
    return Math.max(0, Math.ceil(waitMs));
  }

  /** Everything that can be moved from this side to the other at the moment. */
  #move(from: Side): void {
    if (from.hasEnded || !(from.mayRead || this.#pipes.holds(from))) return;
    const outcome = this.#pipes.move(from);
    if (outcome === 'failed') this.#abort(from.connection);
    else if (outcome === 'drained') from.mayRead = false;
    else if (outcome === 'ended') this.#passEndOn(from);
  }

  #passEndOn(from: Side): void {
    from.hasEnded = true;
    const to = from.peer!;
    this.#system.shutdownWrite(to.descriptor);
    if (!to.hasEnded) return;
    this.#forget(from.connection);
    this.#leave(from, false);
    this.#leave(to, false);
  }

  #abort(connection: Connection): void {
    if (connection.isOver) return;
    this.#forget(connection);
    const { client } = connection;
    for (const side of [client, client.peer]) {
      if (!side || this.#sides.get(side.descriptor) !== side) continue;
      this.#dials[connection.attempt]?.delete(side);
      this.#leave(side, true);
    }
  }

  #leave(side: Side, isReset: boolean): void {
    this.#pipes.drop(side);
    this.#sides.delete(side.descriptor);
    this.#graves.push({ descriptor: side.descriptor, isReset });
  }

  #bury(): void {
    for (const { descriptor, isReset } of this.#graves) {
      if (isReset) this.#system.reset(descriptor);
      else this.#system.close(descriptor);
    }
    this.#graves = [];
  }

  #forget(connection: Connection): void {
    assert(!connection.isOver);
    connection.isOver = true;
    this.#connections -= 1;
  }
}

function join(client: Side, endpoint: Side): void {
  client.peer = endpoint;
  client.to = endpoint.descriptor;
  endpoint.peer = client;
  endpoint.to = client.descriptor;
}

const isOutOfDescriptors = (result: number): boolean =>
  result === StreamError.outOfDescriptors || result === StreamError.outOfFiles;

const addresses = new WeakMap<Target, Uint8Array>();

function addressOf(target: Target): Uint8Array {
  let address = addresses.get(target);
  if (!address) {
    address = socketAddress(target.address, target.port);
    addresses.set(target, address);
  }
  return address;
}
