import type { ApiRequest, ApiResponse } from '../../base/exchange.ts';
import { kubernetesVersion, version } from '../../base/version.ts';
import { methodNotAllowed, noSuchResource, type Resource } from '../../kube/mod.ts';
import { jsonResponse, textResponse } from '../encoding/response.ts';
import { acceptJson, wantsAggregated } from '../request/negotiate.ts';
import type { PageRoute } from '../request/route.ts';
import { refuse } from '../status-error.ts';
import {
  apiGroup,
  apiGroupDiscoveryList,
  apiGroupList,
  apiResourceList,
  apiVersions,
  type GroupVersion,
  groupVersionsOf,
} from './groups.ts';
import { OpenApi, v2Protobuf, v2ProtobufAccept, v2ProtobufType } from './openapi.ts';

export interface PagesOptions {
  readonly resources: readonly Resource[];
  /** `10.0.0.1:6443` */
  readonly serverAddress: string;
  /** Further pages, by path. */
  readonly documents?: Readonly<Record<string, { readonly type: string; readonly document: object }>>;
  /** What makes the server unfit to answer, by name; nothing when it is well. */
  readonly problems: () => readonly string[];
  /** Everything in the store at one moment; nobody but who may everything gets to it. */
  readonly backup: () => AsyncIterable<string>;
}

const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** What the server answers beside objects: discovery, OpenAPI, version, health. */
export class Pages {
  readonly #options: PagesOptions;
  readonly #core: GroupVersion;
  readonly #groups: readonly GroupVersion[];
  readonly #openApi: OpenApi;

  constructor(options: PagesOptions) {
    this.#options = options;
    const groupVersions = groupVersionsOf(options.resources);
    this.#core = groupVersions.find(({ group }) => group === '')!;
    this.#groups = groupVersions.filter(({ group }) => group !== '');
    this.#openApi = new OpenApi(groupVersions);
  }

  async serve(request: ApiRequest, { path, query }: PageRoute): Promise<ApiResponse> {
    if (request.method !== 'GET') refuse(methodNotAllowed());
    if (path === '/healthz' || path === '/livez') return this.#health(path, [], query);
    if (path === '/readyz') return this.#health(path, this.#options.problems(), query);
    if (path === '/signalbox/backup')
      return { status: 200, headers: { 'content-type': 'application/jsonl' }, body: this.#options.backup() };
    if (path.startsWith('/openapi/')) return this.#serveOpenApi(request, path);
    const { accept } = request.headers;
    if ((path === '/api' || path === '/apis') && wantsAggregated(accept)) return this.#aggregated(path);
    const further = this.#options.documents?.[path];
    if (further)
      return { status: 200, headers: { 'content-type': further.type }, body: JSON.stringify(further.document) };
    acceptJson(accept);
    const document = this.#discovery(path) ?? refuse(noSuchResource());
    return jsonResponse(200, JSON.stringify(document));
  }

  #discovery(path: string): object | undefined {
    if (path === '/version') return versionDocument;
    if (path === '/api') return apiVersions(this.#options.serverAddress);
    if (path === '/api/v1') return apiResourceList(this.#core);
    if (path === '/apis') return apiGroupList(this.#groups);
    for (const groupVersion of this.#groups) {
      if (path === `/apis/${groupVersion.group}`) return apiGroup(groupVersion);
      if (path === `/apis/${groupVersion.group}/${groupVersion.version}`) return apiResourceList(groupVersion);
    }
    return undefined;
  }

  #aggregated(path: string): ApiResponse {
    const body = JSON.stringify(apiGroupDiscoveryList(path === '/api' ? [this.#core] : this.#groups));
    return { status: 200, headers: { 'content-type': aggregatedType, vary: 'Accept' }, body };
  }

  #serveOpenApi(request: ApiRequest, path: string): ApiResponse {
    if (path === '/openapi/v2' && request.headers.accept === v2ProtobufAccept)
      return { status: 200, headers: { 'content-type': v2ProtobufType }, body: v2Protobuf() };
    acceptJson(request.headers.accept);
    if (path === '/openapi/v2') return jsonResponse(200, this.#openApi.v2());
    if (path === '/openapi/v3') return jsonResponse(200, this.#openApi.index());
    const document = this.#openApi.document(path.slice('/openapi/v3/'.length));
    return jsonResponse(200, document ?? refuse(noSuchResource()));
  }

  #health(path: string, problems: readonly string[], query: URLSearchParams): ApiResponse {
    const lines = problems.map((problem) => `[-]${problem} failed`);
    if (problems.length > 0) return textResponse(500, `${[...lines, `${path.slice(1)} check failed`].join('\n')}\n`);
    return textResponse(200, query.has('verbose') ? `[+]ping ok\n${path.slice(1)} check passed\n` : 'ok');
  }
}

const versionDocument = {
  ...kubernetesVersion,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: `signalbox ${version}`,
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};
