import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { StreamConnection } from './stream-connection.ts';

export interface StreamPoolOptions {
  readonly resolver: string;
  readonly clock: Clock;
  readonly open: () => Socket;
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
  readonly #connections = new Set<StreamConnection>();
  #isClosed = false;

  constructor(options: StreamPoolOptions) {
    this.#options = options;
  }

  /** One that is there already, if any has room. */
  kept(): StreamConnection | undefined {
    const { clock, maxAgeMs } = this.#options;
    for (const connection of this.#connections) {
      if (maxAgeMs > 0 && clock.monotonicMs() - connection.openedMs >= maxAgeMs) connection.retire();
      else if (connection.hasRoom) return connection;
    }
    return undefined;
  }

  opened(): StreamConnection {
    const { open, resolver, clock } = this.#options;
    const connection = new StreamConnection({
      socket: open(),
      resolver,
      clock,
      onIdle: (idle) => this.#keep(idle),
      onClosed: (closed) => this.#connections.delete(closed),
    });
    this.#connections.add(connection);
    return connection;
  }

  /** Ends each connection once nobody waits on it. */
  close(): void {
    this.#isClosed = true;
    for (const connection of [...this.#connections]) connection.retire();
  }

  #keep(connection: StreamConnection): void {
    const { expireMs, maxIdle = Number.POSITIVE_INFINITY } = this.#options;
    const idle = [...this.#connections].filter(({ isIdle }) => isIdle).length;
    if (this.#isClosed || expireMs === 0 || idle > maxIdle) connection.retire();
    else connection.retireIn(expireMs);
  }
}
