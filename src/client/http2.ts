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
import { type TlsMaterial, type TlsPaths, type TlsSource, tlsFiles } from './tls-files.ts';
import { type TokenSource, tokenFile } from './token-file.ts';

export interface Http2Options extends TlsMaterial {
  /** `https://10.0.0.1:6443`; `http:` speaks HTTP/2 with prior knowledge. */
  readonly server: string;
  /** Further servers of the same cluster: whenever a connection is lost or cannot be made, the next one is tried. */
  readonly otherServers?: readonly string[];
  /** Which of ca, cert and key stand in files that may be renewed: a new one is used by the next connection. */
  readonly tlsPaths?: TlsPaths;
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
  readonly observer?: RequestObserver;
}

/** Is told how requests go; calls are cheap and do not throw. */
export interface RequestObserver {
  /** There is an answer, or none to be had. */
  answered(answer: AnsweredRequest): void;
  /** A whole answer has been read: of all requests but watches, which have no end of their own. */
  read(answer: Pick<AnsweredRequest, 'method' | 'host'> & { readonly responseBytes: number }): void;
}

export interface AnsweredRequest {
  readonly method: string;
  /** Of the server: `10.0.0.1:6443`. */
  readonly host: string;
  /** Absent: there was none. */
  readonly status?: number;
  readonly requestBytes: number;
  /** Until the first line of the answer. */
  readonly durationMs: number;
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
  const ask: Ask = async (request, note) => {
    const session = await sessions.get(request.signal);
    note(session.server);
    const response = await send(session.made, authorized(request, token.get()), { ...options, server: session.server });
    if (response.status === 401) {
      token.refused();
      sessions.refused();
    }
    // Its store is away, or it is about to end: the others may be better off.
    if (response.status === 503) sessions.leave();
    return response;
  };
  return { exchange: told(ask, options), close: () => sessions.close() };
}

/** @param note is told which server is asked, when there is a connection to one */
type Ask = (request: ApiRequest, note: (server: string) => void) => Promise<ApiResponse>;

/** The exchange, with somebody who is told of it. */
function told(ask: Ask, { clock, server, observer }: Http2Options): Exchange {
  if (observer === undefined) return (request) => ask(request, () => {});
  return async (request) => {
    const startedMs = clock.monotonicMs();
    const { method } = request;
    let { host } = new URL(server);
    const note = (asked: string) => {
      host = new URL(asked).host;
    };
    const tell = (status?: number) =>
      observer.answered({
        method,
        host,
        ...(status !== undefined && { status }),
        requestBytes: Buffer.byteLength(request.body ?? ''),
        durationMs: clock.monotonicMs() - startedMs,
      });
    try {
      const response = await ask(request, note);
      tell(response.status);
      if (isWatch(request)) return response;
      return {
        ...response,
        body: measured(response.body, (bytes) => observer.read({ method, host, responseBytes: bytes })),
      };
    } catch (error) {
      tell();
      throw error;
    }
  };
}

const isWatch = ({ url }: ApiRequest): boolean => /[?&]watch=(1|true)(&|$)/.test(url);

/** Tells how long it was when all of it has been read. */
async function* measured(body: ApiResponse['body'], onEnd: (bytes: number) => void): AsyncGenerator<string> {
  let bytes = 0;
  for await (const piece of typeof body === 'string' ? [body] : body) {
    bytes += Buffer.byteLength(piece);
    yield piece;
  }
  onEnd(bytes);
}

const tokenSource = ({ token, tokenFile: path, clock }: Http2Options): TokenSource =>
  path === undefined ? { get: () => token, refused: () => {} } : tokenFile(path, clock);

const authorized = (request: ApiRequest, token: string | undefined): ApiRequest =>
  token === undefined ? request : { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } };

class Sessions {
  readonly #options: Http2Options;
  readonly #tls: TlsSource;
  #current: Promise<ClientHttp2Session> | undefined;
  /** What the current one was made with. */
  #material: TlsMaterial = {};
  /** Also those that no request uses any more, while watches on them last. */
  readonly #open = new Set<Promise<ClientHttp2Session>>();
  #closed = false;
  readonly #servers: readonly string[];
  #turn = 0;

  constructor(options: Http2Options) {
    this.#options = options;
    this.#tls = tlsSource(options);
    this.#servers = [options.server, ...(options.otherServers ?? [])];
  }

  /** The one that is asked at present. */
  get server(): string {
    return this.#servers[this.#turn % this.#servers.length]!;
  }

  /** The server does not know us: perhaps there is a newer certificate. */
  refused(): void {
    this.#tls.refused();
  }

  /** The next request goes to another server, where there is one. */
  leave(): void {
    if (this.#servers.length === 1) return;
    this.#retire();
    this.#turn++;
  }

  /** A session with whichever server takes one: as long as there is none, nothing has been sent. */
  async get(signal: AbortSignal): Promise<{ readonly made: ClientHttp2Session; readonly server: string }> {
    for (let left = this.#servers.length; ; left--) {
      if (this.#closed) throw failure(this.#options, 'closed', 'The client is closed');
      const material = this.#tls.get();
      if (material !== this.#material) this.#retire();
      if (!this.#current) this.#connect(material);
      const { server } = this;
      try {
        return { made: await orAborted(this.#current!, signal), server };
      } catch (error) {
        if (signal.aborted || left <= 1) throw error;
      }
    }
  }

  #connect(material: TlsMaterial): void {
    const session = open({ ...this.#options, ...material, server: this.server }, () => {
      if (this.#current !== session) return;
      this.#current = undefined;
      this.#turn++;
    });
    this.#material = material;
    this.#current = session;
    this.#open.add(session);
    session.then(
      (opened) => opened.once('close', () => this.#open.delete(session)),
      () => {
        this.#open.delete(session);
        this.#tls.refused();
      },
    );
  }

  /** Watches on it go on until they end of themselves, in minutes; all that is new goes elsewhere. */
  #retire(): void {
    void this.#current?.then((session) => session.close()).catch(() => {});
    this.#current = undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#current = undefined;
    await Promise.all([...this.#open].map(end));
  }
}

async function end(opening: Promise<ClientHttp2Session>): Promise<void> {
  const session = await opening.catch(() => undefined);
  if (!session || session.destroyed) return;
  await new Promise<void>((resolve) => {
    session.once('close', resolve);
    session.destroy();
  });
}

function tlsSource({ ca, cert, key, tlsPaths, clock }: Http2Options): TlsSource {
  const given: TlsMaterial = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return tlsPaths === undefined ? { get: () => given, refused: () => {} } : tlsFiles(given, tlsPaths, clock);
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
