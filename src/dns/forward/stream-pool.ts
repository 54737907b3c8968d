import type { Clock } from '../../base/clock.ts';
import type { Outgoing, Patience } from './exchange.ts';

/** A connection that carries several questions. */
export interface PooledConnection {
  readonly openedMs: number;
  readonly hasRoom: boolean;
  readonly isIdle: boolean;
  ask<Result>(question: Outgoing<Result>, patience: Patience): Promise<Result>;
  retire(): void;
  retireIn(delayMs: number): void;
}

/** What a connection needs of those who keep it. */
export interface ConnectionHooks {
  readonly resolver: string;
  readonly clock: Clock;
  /** Nobody waits for an answer on it any more. */
  readonly onIdle: (connection: PooledConnection) => void;
  readonly onClosed: (connection: PooledConnection) => void;
}

export interface StreamPoolOptions {
  readonly resolver: string;
  readonly clock: Clock;
  readonly open: (hooks: ConnectionHooks) => PooledConnection;
  /** How long a connection is kept that nobody asks on. */
  readonly expireMs: number;
  /** How many of those are kept. Undefined: all. */
  readonly maxIdle: number | undefined;
  /** How old a connection may get that is still asked on; 0: as old as it likes. */
  readonly maxAgeMs: number;
}

/** The connections to one resolver. */
export class StreamPool {
  readonly #options: StreamPoolOptions;
  /** With the how-manieth each is. */
  readonly #connections = new Map<PooledConnection, number>();
  #openedCount = 0;
  #isClosed = false;

  constructor(options: StreamPoolOptions) {
    this.#options = options;
  }

  get openedCount(): number {
    return this.#openedCount;
  }

  /** One that is there already and has room, if any; not one of the first `but`. */
  kept(but = 0): PooledConnection | undefined {
    const { clock, maxAgeMs } = this.#options;
    for (const [connection, number] of this.#connections) {
      if (number <= but) continue;
      if (maxAgeMs > 0 && clock.monotonicMs() - connection.openedMs >= maxAgeMs) connection.retire();
      else if (connection.hasRoom) return connection;
    }
    return undefined;
  }

  opened(): PooledConnection {
    const { open, resolver, clock } = this.#options;
    const connection = open({
      resolver,
      clock,
      onIdle: (idle) => this.#keep(idle),
      onClosed: (closed) => this.#connections.delete(closed),
    });
    this.#connections.set(connection, ++this.#openedCount);
    return connection;
  }

  /** Ends each connection once nobody waits on it. */
  close(): void {
    this.#isClosed = true;
    for (const connection of [...this.#connections.keys()]) connection.retire();
  }

  #keep(connection: PooledConnection): void {
    const { expireMs, maxIdle = Number.POSITIVE_INFINITY } = this.#options;
    const idle = [...this.#connections.keys()].filter(({ isIdle }) => isIdle).length;
    if (this.#isClosed || expireMs === 0 || idle > maxIdle) connection.retire();
    else connection.retireIn(expireMs);
  }
}
