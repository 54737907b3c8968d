import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Cancel, Clock } from './clock.ts';
import { codeOf, messageOf, OperatingError } from './errors.ts';
import type { Logger } from './log.ts';
import { createServer } from './node-http.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** By path, without the query. Undefined or rejected: there is no such page, or it cannot be had. */
export type Pages = (path: string) => Answer | undefined | Promise<Answer | undefined>;

export interface ListenOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Leave IPv4 to another listener of the same port; default: `::` answers both families, as Go's servers do. */
  readonly ipv6Only?: boolean;
  readonly pages: Pages;
  readonly clock: Clock;
  readonly log: Logger;
  /** Every failure to listen, and the how-manieth in a row it is. */
  readonly onFailure: (error: OperatingError, failures: number) => void;
}

export interface HttpListener {
  /** Resolves with the port when it first listens. */
  readonly listening: Promise<number>;
  close(): Promise<void>;
}

/** At first soon, since whoever has the address may be about to leave it; in the end as rarely as kube-proxy. */
const firstRetryMs = 250;
const longestRetryMs = 5000;

/** An HTTP/1.1 server for GET that goes on trying to have its address until it is closed. */
export function listenHttp(options: ListenOptions): HttpListener {
  return new RetryingListener(options);
}

class RetryingListener implements HttpListener {
  readonly listening: Promise<number>;
  readonly #options: ListenOptions;
  readonly #onListening: (port: number) => void;
  #server: Server | undefined;
  #cancelRetry: Cancel = () => {};
  #failures = 0;
  #closed = false;

  constructor(options: ListenOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.listening = promise;
    this.#onListening = resolve;
    this.#listen();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry();
    const server = this.#server;
    if (!server) return;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #listen(): void {
    const { host, port, ipv6Only = false, pages, clock, log, onFailure } = this.#options;
    const server = createServer((request, response) => void answer(pages, request, response, log));
    this.#server = server;
    server.on('error', (error) => {
      if (this.#closed) return;
      const retryMs = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#failures);
      this.#failures++;
      const operation = `Listen on ${hostPort(host, port)}`;
      onFailure(new OperatingError(operation, codeOf(error) ?? 'listen', messageOf(error), error), this.#failures);
      this.#cancelRetry = clock.schedule(retryMs, () => this.#listen());
    });
    server.listen({ host, port, ipv6Only }, () => {
      const address = server.address();
      this.#onListening(typeof address === 'object' && address ? address.port : port);
    });
  }
}

async function answer(pages: Pages, request: IncomingMessage, response: ServerResponse, log: Logger): Promise<void> {
  const page = await find(pages, request, log);
  // Whoever asks may have gone meanwhile.
  response.on('error', () => {});
  response.writeHead(page.status, { ...page.headers, 'content-length': Buffer.byteLength(page.body) });
  response.end(request.method === 'HEAD' ? undefined : page.body);
}

async function find(pages: Pages, request: IncomingMessage, log: Logger): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'Only GET is answered here\n');
  const path = (request.url ?? '/').split('?')[0]!;
  try {
    return (await pages(path)) ?? text(404, '404 page not found\n');
  } catch (error) {
    log.warn('Cannot answer a request', { path, error: messageOf(error) });
    return text(500, `${messageOf(error)}\n`);
  }
}

/** The header keeps browsers from guessing; Go's servers set it on such pages as well. */
const noSniffing = { 'x-content-type-options': 'nosniff' };

export const text = (status: number, body: string): Answer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', ...noSniffing },
  body,
});

export const json = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', ...noSniffing, ...headers },
  body,
});

const hostPort = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
