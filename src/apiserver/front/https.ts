import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSecureServer, type Http2SecureServer, type Http2ServerRequest, type Http2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import { codeOf, messageOf, OperatingError } from '../../base/errors.ts';
import type { ApiRequest, Exchange, User } from '../../base/exchange.ts';
import type { Logger } from '../../base/log.ts';
import { internalError, unauthorized } from '../../kube/mod.ts';
import { bearerIn } from '../authentication/authenticator.ts';
import { type Identity, identityOf } from '../authentication/client-certificate.ts';
import { anonymous } from '../authorization/users.ts';
import { statusResponse } from '../encoding/response.ts';
import type { Pki } from '../pki/pki.ts';
import { impersonationIn } from '../request/impersonation.ts';
import type { ApiServer } from '../server.ts';
import { isStatusError } from '../status-error.ts';
import { decodeText, readBody } from './body.ts';
import { decodeProtobuf, protobufType } from './protobuf/decode.ts';
import { sendResponse } from './send.ts';

export interface HttpsOptions {
  /** Where to listen. */
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** The server's own certificate, and the authority of its clients'. */
  readonly pki: Pick<Pki, 'caPem' | 'server'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** An HTTP/2 connection with no request under way for so long is closed. Default two minutes. */
  readonly idleMs?: number;
}

export interface HttpsFront {
  readonly port: number;
  /** How many connections are open. */
  readonly connectionCount: number;
  /**
   * Takes no new connection and waits until the requests under way are done, five seconds at the most. Watches are done when
   * `ApiServer.stop` ends them: call that first, or at the same time.
   */
  close(): Promise<void>;
}

const handshakeTimeoutMs = 10_000;
const headersTimeoutMs = 10_000;
const keepAliveMs = 30_000;
const closeMs = 5_000;
/** What is left of a request that was refused is read away for so long, so that the client can read why. */
const lingerMs = 2_000;

type Incoming = IncomingMessage | Http2ServerRequest;

/** HTTPS for an Exchange: HTTP/2 and HTTP/1.1, client certificates, limits on what a client may send. */
export async function serveHttps(
  { answer, authenticate }: Pick<ApiServer, 'answer' | 'authenticate'>,
  options: HttpsOptions,
): Promise<HttpsFront> {
  const { clock, log, pki } = options;
  const server = createSecureServer({
    allowHTTP1: true,
    cert: pki.server.certPem,
    key: pki.server.keyPem,
    ca: pki.caPem,
    minVersion: 'TLSv1.2',
    // Asked for but not insisted on: whoever has none may still look at /healthz.
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: handshakeTimeoutMs,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMs,
    settings: { maxConcurrentStreams: 1_000 },
    // MB. A client may list and watch every kind over one connection.
    maxSessionMemory: 256,
  } as Parameters<typeof createSecureServer>[0]);
  const connections = trackConnections(server, log, options.idleMs ?? 120_000);
  (server as unknown as { headersTimeout: number }).headersTimeout = headersTimeoutMs;
  server.on('request', (incoming, outgoing) => {
    handle({ answer, authenticate, clock, log }, incoming as Incoming, outgoing as unknown as ServerResponse).catch(
      (error) => {
        log.debug('Connection lost', { error: messageOf(error) });
        outgoing.destroy();
      },
    );
  });
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    get connectionCount() {
      return connections.sockets.size;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of connections.sessions) session.close();
      const cancel = clock.schedule(closeMs, () => {
        for (const socket of connections.sockets) socket.destroy();
      });
      await closed;
      await Promise.all([...connections.sockets].map((socket) => once(socket, 'close')));
      cancel();
    },
  };
}

function listen(server: Http2SecureServer, { address, port, log }: HttpsOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: unknown) =>
      reject(new OperatingError(`Listen on ${address}:${port}`, codeOf(error) ?? 'failed', messageOf(error), error));
    server.once('error', refuse);
    server.listen(port, address, () => {
      server.off('error', refuse);
      // Such as EMFILE: one connection is not accepted, the next ones may be.
      server.on('error', (error) => log.warn('A connection was not accepted', { error: messageOf(error) }));
      resolve();
    });
  });
}

function trackConnections(server: Http2SecureServer, log: Logger, idleMs: number) {
  const sockets = new Set<Socket>();
  const sessions = new Set<Http2Session>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    closeWhenIdle(session, idleMs);
  });
  server.on('sessionError', (error) => log.debug('HTTP/2 session failed', { error: messageOf(error) }));
  server.on('tlsClientError', (error: unknown, socket: TLSSocket) => {
    log.debug('TLS handshake failed', { peer: socket.remoteAddress, error: messageOf(error) });
    socket.destroy();
  });
  return { sockets, sessions };
}

/** A quiet watch is not idle: it is a request under way. */
function closeWhenIdle(session: Http2Session, idleMs: number): void {
  let streams = 0;
  session.on('stream', (stream) => {
    streams++;
    stream.once('close', () => streams--);
  });
  session.setTimeout(idleMs);
  session.on('timeout', () => {
    if (streams === 0) session.destroy();
  });
}

/** A connection's client certificate is looked at once. */
const identities = new WeakMap<object, Identity>();

function identityOfRequest(incoming: Incoming): Identity {
  // One HTTP/2 session has a new stream, and so a new request, for each call, but one TLS connection.
  const session = 'stream' in incoming ? incoming.stream.session : undefined;
  const connection = session ?? incoming.socket;
  let identity = identities.get(connection);
  if (identity === undefined) {
    identity = identityOf((session?.socket ?? incoming.socket) as TLSSocket);
    identities.set(connection, identity);
  }
  return identity;
}

/** A certificate counts first, then a token; undefined: what was shown is no good, and so is not taken for nobody's. */
function userOf(incoming: Incoming, authenticate: ApiServer['authenticate']): User | undefined {
  const identity = identityOfRequest(incoming);
  if (identity === 'refused') return undefined;
  const { authorization } = incoming.headers;
  if (identity !== anonymous || !authorization) return identity;
  const token = bearerIn(authorization);
  return token === undefined ? undefined : authenticate(token);
}

interface HandleParts {
  readonly answer: Exchange;
  readonly authenticate: ApiServer['authenticate'];
  readonly clock: Clock;
  readonly log: Logger;
}

async function handle(parts: HandleParts, incoming: Incoming, outgoing: ServerResponse): Promise<void> {
  const { answer, authenticate, clock, log } = parts;
  const left = new AbortController();
  outgoing.once('close', () => left.abort());
  const isHead = incoming.method === 'HEAD';
  try {
    const user = userOf(incoming, authenticate);
    if (!user) return await refuseEarly(incoming, outgoing, statusResponse(unauthorized()), clock);
    const bytes = hasBody(incoming) ? await readBody(incoming, incoming.headers['content-length'], clock) : undefined;
    const impersonation = impersonationIn(incoming.rawHeaders);
    const response = await answer({
      method: incoming.method ?? 'GET',
      url: incoming.url ?? '/',
      ...messageOfRequest(incoming, bytes),
      ...(impersonation && { impersonate: impersonation }),
      signal: left.signal,
      user,
    });
    await sendResponse(outgoing, response, isHead, clock);
  } catch (error) {
    if (isStatusError(error)) return await refuseEarly(incoming, outgoing, statusResponse(error.status), clock);
    if (outgoing.headersSent || outgoing.destroyed) throw error;
    log.error('Request failed', { error: messageOf(error) });
    await sendResponse(outgoing, statusResponse(internalError(messageOf(error))), isHead, clock);
  }
}

/** The core speaks JSON alone: a body in protobuf becomes the JSON that it stands for. */
function messageOfRequest(incoming: Incoming, bytes: Buffer | undefined): Pick<ApiRequest, 'headers' | 'body'> {
  const headers = plainHeaders(incoming);
  if (!bytes) return { headers };
  if (headers['content-type'] !== protobufType) return { headers, body: decodeText(bytes) };
  const body = decodeProtobuf(bytes);
  // The core says 404 or 415, whichever fits the URL.
  return body === undefined ? { headers } : { headers: { ...headers, 'content-type': 'application/json' }, body };
}

const hasBody = ({ method }: Incoming) => method !== 'GET' && method !== 'HEAD';

/** Answers before the request has been read; its rest is read away for a moment, then the connection is closed. */
async function refuseEarly(
  incoming: Incoming,
  outgoing: ServerResponse,
  response: ReturnType<typeof statusResponse>,
  clock: Clock,
): Promise<void> {
  const isFirstVersion = incoming.httpVersionMajor === 1;
  const headers = isFirstVersion ? { ...response.headers, connection: 'close' } : response.headers;
  const cancel = clock.schedule(lingerMs, () => (isFirstVersion ? incoming.socket.destroy() : outgoing.destroy()));
  incoming.once('close', cancel);
  incoming.resume();
  await sendResponse(outgoing, { ...response, headers }, incoming.method === 'HEAD', clock);
}

function plainHeaders({ headers }: Incoming): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !name.startsWith(':')) plain[name] = Array.isArray(value) ? value.join(', ') : value;
  return plain;
}
