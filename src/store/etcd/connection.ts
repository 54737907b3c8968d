import { type ClientHttp2Session, connect } from 'node:http2';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { StoreError } from '../errors.ts';
import { type Call, CallError, grpcStatus, unaryCall } from './grpc.ts';

export interface ConnectionOptions {
  /** `https://192.0.2.1:2379`; the first that answers is used until it fails. */
  readonly endpoints: readonly string[];
  /** PEM texts; for https. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly clock: Clock;
  readonly log: Logger;
}

/** A session with one member. `retired` aborts when another member is to be used from now on. */
export interface Session {
  readonly endpoint: string;
  readonly http2: ClientHttp2Session;
  readonly retired: AbortSignal;
}

const connectTimeoutMs = 2_000;
/** etcd hangs up on who pings more often than every five seconds (--grpc-keepalive-min-time). */
const pingIntervalMs = 6_000;
/** How long a session that is left may go on with the calls that it has. */
const drainMs = 10_000;
const windowBytes = 8 * 2 ** 20;

/** One session at a time with whichever member answers; all calls share it. */
export class Connection {
  readonly #options: ConnectionOptions;
  #next = 0;
  #current: { session: Session; retire: AbortController } | undefined;
  #connecting: Promise<Session> | undefined;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Rejects with `unavailable` when no member can be reached. */
  async session(): Promise<Session> {
    if (this.#closed) throw new StoreError('Reach etcd', 'closed', 'the store is closed');
    if (this.#current) return this.#current.session;
    this.#connecting ??= this.#connectAny().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /** One call to whichever member. Rejects with CallError, or `unavailable`: then nobody got it. */
  async call(call: Call, timeoutMs: number): Promise<Buffer> {
    const session = await this.session();
    try {
      return await unaryCall(session.http2, call, this.#options.clock, timeoutMs);
    } catch (error) {
      if (isMembersFault(error)) this.leave(session, messageOf(error));
      throw error;
    }
  }

  /** Another member from now on; what is under way here may end. */
  leave(session: Session, why: string): void {
    if (this.#current?.session !== session) return;
    const { retire } = this.#current;
    this.#current = undefined;
    this.#options.log.warn('Leaving an etcd member', { endpoint: session.endpoint, error: why });
    retire.abort();
    session.http2.close();
    const cancel = this.#options.clock.schedule(drainMs, () => session.http2.destroy());
    session.http2.once('close', cancel);
  }

  close(): void {
    this.#closed = true;
    this.#current?.retire.abort();
    this.#current?.session.http2.destroy();
    this.#current = undefined;
  }

  async #connectAny(): Promise<Session> {
    const { endpoints } = this.#options;
    const problems: string[] = [];
    for (let tried = 0; tried < endpoints.length; tried++) {
      const endpoint = endpoints[this.#next++ % endpoints.length]!;
      try {
        return this.#keep(endpoint, await this.#connect(endpoint));
      } catch (error) {
        problems.push(`${endpoint}: ${messageOf(error)}`);
      }
    }
    throw new StoreError('Reach etcd', 'unavailable', problems.join('; '));
  }

  #connect(endpoint: string): Promise<ClientHttp2Session> {
    const { tls, clock } = this.#options;
    return new Promise((resolve, reject) => {
      const session = connect(endpoint, { ...tls, settings: { initialWindowSize: windowBytes } });
      const give = (error: Error) => {
        session.destroy();
        reject(error);
      };
      const cancel = clock.schedule(connectTimeoutMs, () => give(new Error(`no answer within ${connectTimeoutMs} ms`)));
      session.once('error', give);
      session.once('close', () => {
        cancel();
        reject(new Error('hung up'));
      });
      session.once('remoteSettings', () => {
        cancel();
        session.off('error', give);
        session.setLocalWindowSize(windowBytes);
        resolve(session);
      });
    });
  }

  #keep(endpoint: string, http2: ClientHttp2Session): Session {
    const retire = new AbortController();
    const session: Session = { endpoint, http2, retired: retire.signal };
    if (this.#closed) http2.destroy();
    else this.#current = { session, retire };
    http2.on('error', (error) => this.leave(session, messageOf(error)));
    http2.on('goaway', () => this.leave(session, 'it says goodbye'));
    http2.on('close', () => this.leave(session, 'the connection is closed'));
    this.#ping(http2);
    return session;
  }

  /** A member whose machine has gone without a word is found out by its silence. */
  #ping(http2: ClientHttp2Session): void {
    let answered = true;
    const round = () => {
      if (http2.destroyed || http2.closed) return;
      if (!answered) return http2.destroy(new Error('it does not answer pings'));
      answered = false;
      http2.ping((error) => {
        answered = error === null;
      });
      cancel = this.#options.clock.schedule(pingIntervalMs, round);
    };
    let cancel = this.#options.clock.schedule(pingIntervalMs, round);
    http2.once('close', () => cancel());
  }
}

/** Whether another member may do better: this one is silent, alone, or on its way out. */
const isMembersFault = (error: unknown): boolean =>
  error instanceof CallError && (error.status === undefined || error.status === grpcStatus.unavailable);
