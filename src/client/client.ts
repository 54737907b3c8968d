import assert from 'node:assert';
import { messageOf } from '../base/errors.ts';
import type { ApiRequest, ApiResponse, Exchange } from '../base/exchange.ts';
import { apiVersionOf, type KubeInput, type KubeObject, Pod, type Resource, ServiceAccount } from '../kube/port.ts';
import { ApiError, isExpired, type ReceivedStatus, unreachable } from './errors.ts';
import { LineSplitter } from './json-lines.ts';
import type {
  Client,
  DeleteOptions,
  InNamespace,
  KubeList,
  ListQuery,
  PageTaker,
  Patch,
  TokenSpec,
  WatchEvent,
  WatchQuery,
} from './port.ts';
import { type Place, pathOf, queryOf, selectorParameters } from './urls.ts';

export interface ClientOptions {
  readonly exchange: Exchange;
  /** What `close` ends, as `http2Exchange` gives it; left out for an exchange in process. */
  readonly close?: () => Promise<void>;
  /** `signalbox-proxy/0.1.0` */
  readonly userAgent: string;
  /** Who asks, for an exchange in process, where no transport authenticates. */
  readonly user?: ApiRequest['user'];
  /** Objects asked for at once; client-go's pager has the same default. */
  readonly pageSize?: number;
}

/** A Client over any Exchange; `createClient({ ...http2Exchange(config), userAgent })` for a server elsewhere. */
export function createClient(options: ClientOptions): Client {
  return new ExchangeClient(options);
}

const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

const never = new AbortController().signal;

interface Call {
  readonly method: string;
  readonly url: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

interface ListAnswer<S> {
  readonly items?: S[] | null;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

class ExchangeClient implements Client {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get<S extends KubeObject>(
    resource: Resource<S>,
    name: string,
    options: InNamespace & { signal?: AbortSignal } = {},
  ): Promise<S> {
    const place = this.#named(resource, { name, namespace: options.namespace });
    return this.#call(`Get ${describe(resource, place)}`, {
      method: 'GET',
      url: pathOf(resource, place),
      signal: options.signal,
    });
  }

  async list<S extends KubeObject>(resource: Resource<S>, query: ListQuery & PageTaker<S> = {}): Promise<KubeList<S>> {
    try {
      return await this.#pages(resource, query, this.#options.pageSize ?? 500);
    } catch (error) {
      // The history behind a `continue` token can be compacted between two pages; one whole list cannot be.
      if (!isExpired(error) || query.resourceVersion !== undefined) throw error;
      return await this.#pages(resource, query, undefined);
    }
  }

  async #pages<S extends KubeObject>(
    resource: Resource<S>,
    query: ListQuery & PageTaker<S>,
    limit: number | undefined,
  ): Promise<KubeList<S>> {
    const items: S[] = [];
    let next = this.#page(resource, query, limit, undefined);
    for (let isFirst = true; ; isFirst = false) {
      const { items: found, metadata = {} } = await next;
      // Asked for before this page is worked on, so that the server works meanwhile.
      if (metadata.continue) next = this.#page(resource, query, limit, metadata.continue);
      const page = (found ?? []).map((item) => withType(resource, item));
      if (query.onPage) query.onPage(page, isFirst);
      else for (const item of page) items.push(item);
      if (!metadata.continue) return { items, resourceVersion: metadata.resourceVersion ?? '' };
    }
  }

  #page<S extends KubeObject>(
    resource: Resource<S>,
    query: ListQuery,
    limit: number | undefined,
    token: string | undefined,
  ): Promise<ListAnswer<S>> {
    const parameters = { ...selectorParameters(query), limit, continue: token };
    // A continued list carries its version in the token; upstream refuses both together.
    const version = token === undefined ? query.resourceVersion : undefined;
    return this.#call(`List ${describe(resource, query)}`, {
      method: 'GET',
      url: pathOf(resource, query) + queryOf({ ...parameters, resourceVersion: version }),
      signal: query.signal,
    });
  }

  create<S extends KubeObject, G extends KubeInput>(resource: Resource<S, G>, object: G): Promise<S> {
    const namespace = object.metadata?.namespace;
    assert(!resource.namespaced || namespace, `A ${resource.kind} to create has a namespace`);
    return this.#call(`Create ${describe(resource, { namespace, name: object.metadata?.name })}`, {
      method: 'POST',
      url: pathOf(resource, { namespace }),
      body: withType(resource, object),
    });
  }

  update<S extends KubeObject>(resource: Resource<S>, object: S, options: { subresource?: string } = {}): Promise<S> {
    return this.#put(resource, object, options.subresource);
  }

  updateStatus<S extends KubeObject>(resource: Resource<S>, object: S): Promise<S> {
    return this.#put(resource, object, 'status');
  }

  #put<S extends KubeObject>(resource: Resource<S>, object: S, subresource?: string): Promise<S> {
    const place = this.#named(resource, { ...placeOf(object), subresource });
    return this.#call(`Update ${describe(resource, place)}`, {
      method: 'PUT',
      url: pathOf(resource, place),
      body: withType(resource, object),
    });
  }

  patch<S extends KubeObject>(
    resource: Resource<S>,
    name: string,
    patch: Patch,
    options: InNamespace & { subresource?: string } = {},
  ): Promise<S> {
    const place = this.#named(resource, { name, ...options });
    return this.#call(`Patch ${describe(resource, place)}`, {
      method: 'PATCH',
      url: pathOf(resource, place),
      body: patch.body,
      contentType: patchTypes[patch.type],
    });
  }

  async delete(resource: Resource, name: string, options: InNamespace & DeleteOptions = {}): Promise<void> {
    const { namespace, ...deleteOptions } = options;
    const place = this.#named(resource, { name, namespace });
    await this.#call(`Delete ${describe(resource, place)}`, {
      method: 'DELETE',
      url: pathOf(resource, place),
      body: { apiVersion: 'v1', kind: 'DeleteOptions', ...deleteOptions },
    });
  }

  async requestToken(namespace: string, account: string, spec: TokenSpec) {
    const place = { namespace, name: account, subresource: 'token' };
    const { status } = await this.#call<{ status: { token: string; expirationTimestamp: string } }>(
      `Get a token of ServiceAccount ${namespace}/${account}`,
      {
        method: 'POST',
        url: pathOf(ServiceAccount, place),
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec },
      },
    );
    return status;
  }

  async bind(podNamespace: string, podName: string, nodeName: string, podUid?: string): Promise<void> {
    const place = { namespace: podNamespace, name: podName, subresource: 'binding' };
    await this.#call(`Bind ${describe(Pod, place)} to node ${nodeName}`, {
      method: 'POST',
      url: pathOf(Pod, place),
      body: {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { namespace: podNamespace, name: podName, ...(podUid === undefined ? {} : { uid: podUid }) },
        target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
      },
    });
  }

  async *watch<S extends KubeObject>(resource: Resource<S>, query: WatchQuery): AsyncGenerator<WatchEvent<S>> {
    const operation = `Watch ${describe(resource, query)}`;
    const parameters = {
      watch: 1,
      allowWatchBookmarks: 'true',
      resourceVersion: query.resourceVersion,
      timeoutSeconds: query.timeoutSeconds,
      ...selectorParameters(query),
    };
    const call = { method: 'GET', url: pathOf(resource, query) + queryOf(parameters), signal: query.signal };
    const { body } = await this.#exchange(operation, call);
    const splitter = new LineSplitter();
    for await (const piece of typeof body === 'string' ? [body] : connected(operation, body)) {
      for (const line of splitter.push(piece)) yield watchEventOf(resource, operation, line);
    }
    if (splitter.rest() !== '') throw unreachable(operation, 'The stream ended in the middle of an event');
  }

  async close(): Promise<void> {
    await this.#options.close?.();
  }

  #named(resource: Resource, place: Place): Place {
    assert(place.name, `A ${resource.kind} has a name`);
    assert(!resource.namespaced || place.namespace, `${resource.kind} ${place.name} has a namespace`);
    return place;
  }

  async #call<Answer>(operation: string, call: Call): Promise<Answer> {
    const { body } = await this.#exchange(operation, call);
    return parse(operation, await textOf(operation, body));
  }

  /** Rejects with ApiError for every answer that is not a success. */
  async #exchange(operation: string, call: Call): Promise<ApiResponse> {
    const response = await this.#send(operation, call);
    if (response.status < 300) return response;
    throw new ApiError(operation, response.status, statusOf(await textOf(operation, response.body)));
  }

  async #send(operation: string, { method, url, body, contentType, signal }: Call): Promise<ApiResponse> {
    const headers = {
      accept: 'application/json',
      'user-agent': this.#options.userAgent,
      ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
    };
    const request = { method, url, headers, signal: signal ?? never };
    try {
      return await this.#options.exchange({
        ...request,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(this.#options.user ? { user: this.#options.user } : {}),
      });
    } catch (error) {
      throw unreachable(operation, messageOf(error), error);
    }
  }
}

const placeOf = (object: KubeObject): Place => ({
  namespace: object.metadata.namespace,
  name: object.metadata.name,
});

const describe = (resource: Resource, { namespace, name, subresource }: Place): string =>
  [resource.plural, [namespace, name].filter((part) => part !== undefined).join('/'), subresource]
    .filter(Boolean)
    .join(' ');

/** Items of a list and objects built in code may leave out what their kind already says. */
const withType = <T extends KubeInput>(resource: Resource, object: T): T =>
  object.kind !== undefined && object.apiVersion !== undefined
    ? object
    : { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };

function parse<Answer>(operation: string, text: string): Answer {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreachable(operation, `The answer is not JSON (${text.length} characters)`, error);
  }
}

function statusOf(text: string): ReceivedStatus {
  try {
    const status = JSON.parse(text);
    if (status !== null && typeof status === 'object' && status.kind === 'Status') return status;
  } catch {}
  return { message: text.slice(0, 200).trim() };
}

async function textOf(operation: string, body: ApiResponse['body']): Promise<string> {
  if (typeof body === 'string') return body;
  const pieces: string[] = [];
  for await (const piece of connected(operation, body)) pieces.push(piece);
  return pieces.join('');
}

/** The pieces of a body; its breaking off becomes an ApiError. */
async function* connected(operation: string, body: AsyncIterable<string>): AsyncGenerator<string> {
  try {
    yield* body;
  } catch (error) {
    throw unreachable(operation, messageOf(error), error);
  }
}

function watchEventOf<S extends KubeObject>(resource: Resource<S>, operation: string, line: string): WatchEvent<S> {
  const event: { type: string; object: S & ReceivedStatus } = parse(operation, line);
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type: event.type, object: withType(resource, event.object) };
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: event.object.metadata.resourceVersion };
    case 'ERROR':
      throw new ApiError(operation, event.object.code ?? 500, event.object);
    default:
      throw unreachable(operation, `An event has the unknown type ${JSON.stringify(event.type)}`);
  }
}
