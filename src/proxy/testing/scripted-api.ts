import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type KubeObject, keyOf } from '../../kube/mod.ts';

export type Plural = 'services' | 'endpointslices' | 'nodes';

interface Watching {
  readonly stream: ServerHttp2Stream;
  readonly plural: Plural;
  readonly since: string;
}

/**
 * An API server over HTTP/2 that does as the test says, also what no honest server does. `put` and `remove` change what
 * it lists; only `send` tells watchers, and nothing checks that the two agree.
 */
export class ScriptedApi {
  /** The version of its lists. */
  version = 100;
  /** Watches are answered with 410 while it is set. */
  expired = false;
  /** Every request is answered with that HTTP status while it is set, as by a server that is starting or overloaded. */
  refusal: number | undefined;
  /** How many were. */
  refused = 0;
  /** Requests wait for it. */
  hold: Promise<void> = Promise.resolve();
  readonly lists: Record<Plural, number> = { services: 0, endpointslices: 0, nodes: 0 };
  /** Reasons of the Events that were written. */
  readonly events: string[] = [];
  readonly #objects = new Map<Plural, Map<string, KubeObject>>();
  readonly #watches = new Set<Watching>();
  readonly #sessions = new Set<ServerHttp2Session>();
  #server: Http2Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const server = createServer();
    this.#server = server;
    server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('close', () => this.#sessions.delete(session));
    });
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      const url = new URL(String(headers[':path']), 'http://api');
      void this.hold.then(() => this.#answer(stream as ServerHttp2Stream, String(headers[':method']), url));
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
  }

  /** As when its process is killed. */
  async stop(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    const server = this.#server;
    this.#server = undefined;
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  /** With the next version; returns the object as it is stored. */
  put<S extends KubeObject>(plural: Plural, object: S): S {
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.version) } };
    this.#of(plural).set(keyOf(stored), stored);
    return stored;
  }

  remove(plural: Plural, key: string): void {
    this.version++;
    this.#of(plural).delete(key);
  }

  send(plural: Plural, type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR', object: object): void {
    for (const watch of this.#watches) {
      if (watch.plural === plural) watch.stream.write(`${JSON.stringify({ type, object })}\n`);
    }
  }

  /** Puts and tells, as an honest server does. */
  publish<S extends KubeObject>(plural: Plural, object: S): S {
    const type = this.#of(plural).has(keyOf(object)) ? 'MODIFIED' : 'ADDED';
    const stored = this.put(plural, object);
    this.send(plural, type, stored);
    return stored;
  }

  /** Every watch ends, orderly, as after its timeout. */
  endWatches(): void {
    for (const { stream } of this.#watches) stream.end();
  }

  /** Versions at which the watches of a kind that are open began. */
  watching(plural: Plural): string[] {
    return [...this.#watches].filter((watch) => watch.plural === plural).map(({ since }) => since);
  }

  #of(plural: Plural): Map<string, KubeObject> {
    const found = this.#objects.get(plural) ?? new Map();
    this.#objects.set(plural, found);
    return found;
  }

  async #answer(stream: ServerHttp2Stream, method: string, url: URL): Promise<void> {
    if (stream.destroyed) return;
    if (this.refusal !== undefined) {
      this.refused += 1;
      return respond(stream, this.refusal, { kind: 'Status', status: 'Failure', code: this.refusal });
    }
    if (method !== 'GET') {
      this.events.push((await body(stream)).reason ?? '');
      return respond(stream, 201, { kind: 'Event' });
    }
    const plural = url.pathname.split('/').at(-1) as Plural;
    if (url.searchParams.has('watch')) return this.#watch(stream, plural, url);
    this.lists[plural]++;
    const items = [...this.#of(plural).values()];
    respond(stream, 200, { kind: 'List', metadata: { resourceVersion: String(this.version) }, items });
  }

  #watch(stream: ServerHttp2Stream, plural: Plural, url: URL): void {
    if (this.expired) {
      respond(stream, 410, { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 });
      return;
    }
    const watch = { stream, plural, since: url.searchParams.get('resourceVersion') ?? '' };
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    this.#watches.add(watch);
    stream.on('close', () => this.#watches.delete(watch));
  }
}

function respond(stream: ServerHttp2Stream, status: number, answer: object): void {
  if (stream.destroyed) return;
  stream.respond({ ':status': status, 'content-type': 'application/json' });
  stream.end(JSON.stringify(answer));
}

async function body(stream: ServerHttp2Stream): Promise<{ reason?: string }> {
  let text = '';
  stream.setEncoding('utf8');
  for await (const piece of stream) text += piece;
  return JSON.parse(text || '{}');
}
