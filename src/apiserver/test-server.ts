import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import type { ApiRequest, Impersonation, User } from '../base/exchange.ts';
import { silentLogger } from '../base/log.ts';
import { createMemoryStore } from '../store/mod.ts';
import type { Store } from '../store/port.ts';
import { type ApiServer, type ApiServerOptions, createApiServer } from './server.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
type Json = any;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
}

export interface WatchLines {
  /** The next event, whichever comes first; undefined at the end. */
  next(): Promise<{ type: string; object: Json } | undefined>;
  stop(): void;
}

/** An API server in this process, over a store in memory and a clock that stands still, for tests. */
export interface TestServer extends Caller {
  readonly server: ApiServer;
  readonly store: Store;
  readonly clock: ManualClock;
  /** The same calls as somebody else than the server itself. */
  as(user: User, impersonate?: Impersonation): Caller;
  watch(url: string, headers?: Record<string, string>): Promise<WatchLines>;
}

export interface Caller {
  call(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Expects a success (2xx) and returns the body. */
  ok(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<Json>;
  /** Expects a Status with this code and returns its message. */
  refused(code: number, method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<string>;
}

export const mergePatch = { 'content-type': 'application/merge-patch+json' };
export const asTable = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };

export async function startTestServer(
  context: TestContext,
  options: Partial<ApiServerOptions> = {},
): Promise<TestServer> {
  const clock = new ManualClock();
  const store = options.store ?? createMemoryStore();
  const server = await createApiServer({
    clock,
    log: silentLogger,
    advertiseAddress: '192.0.2.1',
    advertisePort: 6443,
    ...options,
    store,
  });
  context.after(async () => {
    await server.stop();
    await store.close();
  });
  return {
    server,
    store,
    clock,
    ...callerOf(server, {}),
    as: (user, impersonate) => callerOf(server, { user, ...(impersonate && { impersonate }) }),
    watch: (url, headers = {}) => openWatch(server, url, headers),
  };
}

function callerOf(server: ApiServer, identity: Pick<ApiRequest, 'user' | 'impersonate'>): Caller {
  const call: Caller['call'] = async (method, url, body, headers = {}) => {
    const response = await server.exchange({ ...requestOf(method, url, body, headers), ...identity });
    assert(typeof response.body === 'string', 'an answer that is no watch');
    const isJson = response.headers['content-type']?.startsWith('application/json');
    return { ...response, body: isJson ? JSON.parse(response.body) : response.body };
  };
  return {
    call,
    async ok(method, url, body, headers) {
      const answer = await call(method, url, body, headers);
      assert(answer.status < 300, `${method} ${url}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body;
    },
    async refused(code, method, url, body, headers) {
      const answer = await call(method, url, body, headers);
      assert.equal(answer.status, code, `${method} ${url}: ${JSON.stringify(answer.body)}`);
      assert.equal(answer.body.kind, 'Status');
      assert.equal(answer.body.code, code);
      return answer.body.message;
    },
  };
}

function requestOf(method: string, url: string, body: unknown, headers: Record<string, string>): ApiRequest {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const signal = new AbortController().signal;
  return { method, url, headers, signal, ...(text !== undefined && { body: text }) };
}

async function openWatch(server: ApiServer, url: string, headers: Record<string, string>): Promise<WatchLines> {
  const left = new AbortController();
  const response = await server.exchange({ method: 'GET', url, headers, signal: left.signal });
  assert.equal(response.status, 200, String(response.body));
  assert(typeof response.body !== 'string');
  const pieces = response.body[Symbol.asyncIterator]();
  const lines: string[] = [];
  return {
    async next() {
      while (lines.length === 0) {
        const { value, done } = await pieces.next();
        if (done) return undefined;
        lines.push(...value.split('\n').filter((line: string) => line !== ''));
      }
      return JSON.parse(lines.shift()!);
    },
    stop: () => left.abort(),
  };
}

export const serviceBody = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { ports: [{ port: 80 }], ...spec },
});

export const podBody = (name: string, spec: object = {}, metadata: object = {}) => ({
  metadata: { name, ...metadata },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
});
