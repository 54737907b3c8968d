import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { Cancel, Clock } from '../base/clock.ts';
import { OperatingError } from '../base/errors.ts';
import type { ApiRequest, ApiResponse, Exchange } from '../base/exchange.ts';
import { type TokenSource, tokenFile } from './token-file.ts';

export interface Http2Options {
  /** `https://10.0.0.1:6443`; `http:` speaks HTTP/2 with prior knowledge. */
  readonly server: string;
  /** PEM. Left out: the roots that Node trusts. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** A file is read anew once in a while, and after a 401. */
  readonly token?: string;
  readonly tokenFile?: string;
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify?: boolean;
  readonly clock: Clock;
  /** Default 5 s. */
  readonly connectTimeoutMs?: number;
  /** From the request until the first line of the answer; default 30 s. */
  readonly answerTimeoutMs?: number;
  /** How often the server must show that it lives, and how long it may take to; default 2 s and 3 s. */
  readonly pingIntervalMs?: number;
  readonly pingTimeoutMs?: number;
}

export interface Connection {
  readonly exchange: Exchange;
  /** Ends the session and all that runs on it; a later exchange rejects. */
  close(): Promise<void>;
}

/** Lists of thousands of objects and many watches share a session: HTTP/2's 64 KiB would stall them on each other. */
const streamWindowBytes = 4 << 20;
const sessionWindowBytes = 32 << 20;

/** An Exchange over one HTTP/2 session, which is made on the first request and made anew when it was lost. */
export function http2Exchange(options: Http2Options): Connection {
  const sessions = new Sessions(options);
  const token = tokenSource(options);
  return {
    exchange: async (request) => {
      const session = await sessions.get(request.signal);
      const response = await send(session, authorized(request, token.get()), options);
      if (response.status === 401) token.refused();
      return response;
    },
    close: () => sessions.close(),
  };
}

const tokenSource = ({ token, tokenFile: path, clock }: Http2Options): TokenSource =>
  path === undefined ? { get: () => token, refused: () => {} } : tokenFile(path, clock);

const authorized = (request: ApiRequest, token: string | undefined): ApiRequest =>
  token === undefined ? request : { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } };

class Sessions {
  readonly #options: Http2Options;
  #current: Promise<ClientHttp2Session> | undefined;
  #closed = false;

  constructor(options: Http2Options) {
    this.#options = options;
  }

  async get(signal: AbortSignal): Promise<ClientHttp2Session> {
    if (this.#closed) throw failure(this.#options, 'closed', 'The client is closed');
    if (!this.#current) {
      const session = open(this.#options, () => {
        if (this.#current === session) this.#current = undefined;
      });
      this.#current = session;
    }
    return await orAborted(this.#current, signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const session = await this.#current?.catch(() => undefined);
    this.#current = undefined;
    if (!session || session.destroyed) return;
    await new Promise<void>((resolve) => {
      session.once('close', resolve);
      session.destroy();
    });
  }
}

/** Connects, and calls `onEnd` once when no further request may use the session. */
function open(options: Http2Options, onEnd: () => void): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(options.server, {
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      ...(options.cert === undefined ? {} : { cert: options.cert }),
      ...(options.key === undefined ? {} : { key: options.key }),
      ...(options.tlsServerName === undefined ? {} : { servername: options.tlsServerName }),
      rejectUnauthorized: !options.insecureSkipTlsVerify,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
    });
    const cancelTimeout = options.clock.schedule(options.connectTimeoutMs ?? 5000, () => {
      session.destroy(failure(options, 'timeout', 'No connection in time'));
    });
    let lastError: Error | undefined;
    session.on('error', (error) => {
      lastError = error;
    });
    session.once('goaway', onEnd);
    session.once('close', () => {
      cancelTimeout();
      onEnd();
      reject(failure(options, 'closed', lastError ? stateOf(lastError) : 'The connection was closed', lastError));
    });
    session.once('connect', () => {
      cancelTimeout();
      session.setLocalWindowSize(sessionWindowBytes);
      keepAlive(session, options);
      resolve(session);
    });
  });
}

/** A peer that vanished without a FIN (power, a cut link) is noticed by its silence, as client-go does (ping after 30 s). */
function keepAlive(session: ClientHttp2Session, options: Http2Options): void {
  const { clock, pingIntervalMs = 2000, pingTimeoutMs = 3000 } = options;
  let cancel: Cancel;
  const wait = () => {
    cancel = clock.schedule(pingIntervalMs, ping);
  };
  const ping = () => {
    if (session.destroyed) return;
    cancel = clock.schedule(pingTimeoutMs, () => {
      session.destroy(failure(options, 'timeout', `No sign of life for ${pingTimeoutMs} ms`));
    });
    session.ping((error) => {
      cancel();
      if (!error && !session.destroyed) wait();
    });
  };
  session.once('close', () => cancel());
  wait();
}

function send(session: ClientHttp2Session, request: ApiRequest, options: Http2Options): Promise<ApiResponse> {
  return new Promise((resolve, reject) => {
    if (session.closed || session.destroyed) return reject(failure(options, 'closed', 'The connection was closed'));
    const stream = session.request(
      {
        ...request.headers,
        ':method': request.method,
        ':path': request.url,
      },
      { endStream: request.body === undefined, signal: request.signal },
    );
    stream.setEncoding('utf8');
    const cancelTimeout = options.clock.schedule(options.answerTimeoutMs ?? 30_000, () => {
      stream.close(constants.NGHTTP2_CANCEL);
      reject(failure(options, 'timeout', 'No answer in time'));
    });
    let lastError: Error | undefined;
    stream.on('error', (error) => {
      lastError = error;
      reject(failure(options, 'closed', stateOf(error), error));
    });
    stream.once('close', () => {
      cancelTimeout();
      reject(failure(options, 'closed', 'The connection was lost before the answer', lastError));
    });
    stream.once('response', (headers) => {
      cancelTimeout();
      resolve({ status: headers[':status'] ?? 0, headers: plain(headers), body: pieces(stream, request, options) });
    });
    if (request.body !== undefined) stream.end(request.body);
  });
}

/**
 * What the stream brings; throws when it ends otherwise than by the server's END_STREAM. A reader that leaves early
 * destroys the stream, which resets it at the server.
 */
async function* pieces(stream: ClientHttp2Stream, request: ApiRequest, options: Http2Options): AsyncGenerator<string> {
  try {
    for await (const piece of stream) yield piece as string;
  } catch (error) {
    throw failure(options, 'closed', request.signal.aborted ? 'Aborted' : stateOf(error as Error), error);
  }
  if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) {
    throw failure(options, 'closed', `The server reset the stream (HTTP/2 error ${stream.rstCode})`);
  }
}

function plain(headers: IncomingHttpHeaders): Record<string, string> {
  const entries = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    // Also after an abort: perhaps nobody else takes the promise's own rejection.
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Node puts the system's word (`connect ECONNREFUSED 127.0.0.1:1`) into an AggregateError's parts when it tried several addresses. */
const stateOf = (error: Error): string =>
  error instanceof AggregateError ? error.errors.map((part) => part.message).join(', ') : error.message;

const failure = ({ server }: Http2Options, code: string, state: string, cause?: unknown) =>
  cause instanceof OperatingError ? cause : new OperatingError(`Talk to ${server}`, code, state, cause);
