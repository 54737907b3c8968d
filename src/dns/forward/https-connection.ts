import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import type { Cancel } from '../../base/clock.ts';
import { codeOf } from '../../base/errors.ts';
import { failed, type Outgoing, type Patience, settleOnce } from './exchange.ts';
import type { ConnectionHooks, PooledConnection } from './stream-pool.ts';

export interface HttpsConnectionOptions extends ConnectionHooks {
  /** On its way to be connected. */
  readonly session: ClientHttp2Session;
  /** What the server is called in requests. */
  readonly authority: string;
  /** Such as `/dns-query`. */
  readonly path: string;
  readonly method: 'GET' | 'POST';
}

const mediaType = 'application/dns-message';
const mostBytes = 65_535;
/** Less than any server is known to allow. */
const mostUnderWay = 64;
/** So that equal questions are equal to caches on the way (RFC 8484 section 4.1). */
const id = 0;

/** A connection to a resolver over HTTP/2 (RFC 8484); each question is a request, so none waits for another. */
export class HttpsConnection implements PooledConnection {
  readonly openedMs: number;
  readonly #options: HttpsConnectionOptions;
  #underWay = 0;
  #isOpen = true;
  #isRetired = false;
  #reason = 'the connection was closed without an answer';
  #cancelExpiry: Cancel = () => {};

  constructor(options: HttpsConnectionOptions) {
    this.#options = options;
    this.openedMs = options.clock.monotonicMs();
    const { session } = options;
    session.on('error', (error) => {
      this.#reason = error.message;
    });
    session.on('goaway', () => {
      this.#isRetired = true;
    });
    session.on('close', () => {
      this.#cancelExpiry();
      if (this.#isOpen) this.#options.onClosed(this);
      this.#isOpen = false;
    });
  }

  get hasRoom(): boolean {
    const { closed, destroyed } = this.#options.session;
    return this.#isOpen && !closed && !destroyed && !this.#isRetired && this.#underWay < mostUnderWay;
  }

  get isIdle(): boolean {
    return this.#underWay === 0;
  }

  /** Rejects with code `closed` when the connection ends meanwhile. */
  ask<Result>({ encode, accept }: Outgoing<Result>, patience: Patience): Promise<Result> {
    const { resolver } = this.#options;
    this.#cancelExpiry();
    this.#underWay++;
    return settleOnce(resolver, patience, (settle) => {
      const stream = this.#request(encode(id));
      const chunks: Buffer[] = [];
      let status = 0;
      stream.on('response', (headers) => {
        status = headers[':status'] ?? 0;
      });
      stream.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (chunks.reduce((sum, { length }) => sum + length, 0) > mostBytes) stream.close();
      });
      stream.on('error', (error) => {
        this.#reason = error.message;
      });
      stream.on('close', () => {
        const answer = status === 200 ? accept(Buffer.concat(chunks), id) : undefined;
        if (answer) settle(answer);
        else if (status === 0) settle(failed(resolver, 'closed', this.#reason));
        else
          settle(failed(resolver, 'malformed', status === 200 ? 'a wrong answer over HTTPS' : `HTTP status ${status}`));
      });
      return (outcome) => this.#settled(stream, outcome);
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

  #request(message: Buffer): ClientHttp2Stream {
    const { session, authority, path, method } = this.#options;
    const common = { ':authority': authority, ':method': method, accept: mediaType };
    if (method === 'GET') {
      return session.request({ ...common, ':path': `${path}?dns=${message.toString('base64url')}` });
    }
    const headers = { 'content-type': mediaType, 'content-length': message.length };
    const stream = session.request({ ...common, ':path': path, ...headers }, { endStream: false });
    stream.end(message);
    return stream;
  }

  #settled(stream: ClientHttp2Stream, outcome: unknown): void {
    this.#underWay--;
    if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
    // Silence on a connection is mostly the connection's fault.
    if (codeOf(outcome) === 'timeout') this.#isRetired = true;
    if (!this.isIdle || !this.#isOpen) return;
    if (this.#isRetired) this.#end();
    else this.#options.onIdle(this);
  }

  #end(): void {
    this.#cancelExpiry();
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#options.session.destroy();
    this.#options.onClosed(this);
  }
}
