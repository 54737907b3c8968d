import { createHash } from 'node:crypto';
import { kubernetesVersion } from '../../base/version.ts';
import { openApiSchemas, type Resource } from '../../kube/mod.ts';
import type { GroupVersion } from './groups.ts';

const pathOf = ({ group, version }: GroupVersion) => (group === '' ? `api/${version}` : `apis/${group}/${version}`);

/** The OpenAPI documents, each made when it is first asked for: most servers' lives pass without. */
export class OpenApi {
  readonly #groupVersions: readonly GroupVersion[];
  readonly #documents = new Map<string, string>();

  constructor(groupVersions: readonly GroupVersion[]) {
    this.#groupVersions = groupVersions;
  }

  /** `/openapi/v3`: where each group's document is; the hash lets clients keep it. */
  index(): string {
    const paths = this.#groupVersions.map((groupVersion) => {
      const path = pathOf(groupVersion);
      const hash = createHash('sha256').update(this.document(path)!).digest('hex').slice(0, 32).toUpperCase();
      return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }];
    });
    return JSON.stringify({ paths: Object.fromEntries(paths) });
  }

  /** `/openapi/v3/apis/apps/v1`: the document of one group and version. */
  document(path: string): string | undefined {
    const known = this.#documents.get(path);
    if (known !== undefined) return known;
    const groupVersion = this.#groupVersions.find((candidate) => pathOf(candidate) === path);
    if (!groupVersion) return undefined;
    const document = JSON.stringify(v3Document(groupVersion));
    this.#documents.set(path, document);
    return document;
  }

  /** `/openapi/v2`: everything in one, in the older shape. */
  v2(): string {
    const text = JSON.stringify({
      swagger: '2.0',
      info,
      paths: {},
      definitions: openApiSchemas(this.#groupVersions.flatMap(({ resources }) => resources)),
    });
    return text.replaceAll('#/components/schemas/', '#/definitions/');
  }
}

/** What kubectl asks `/openapi/v2` for, and what it is told it got: a media type has no @ (RFC 6838, section 4.2). */
export const v2ProtobufAccept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
export const v2ProtobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/**
 * A document without paths, in protobuf: kubectl looks for kinds there that v3 does not know, and says "no matches for
 * kind" when it finds none. Numbers from gnostic's OpenAPIv2.proto: Document.swagger 1, info 2 (title 1, version 2),
 * paths 8. All bytes are ASCII, so a string can carry them.
 */
export function v2Protobuf(): string {
  const field = (number: number, value: string) => String.fromCharCode((number << 3) | 2, value.length) + value;
  return field(1, '2.0') + field(2, field(1, info.title) + field(2, info.version)) + field(8, '');
}

const info = { title: 'Kubernetes', version: kubernetesVersion.gitVersion };

function v3Document(groupVersion: GroupVersion): object {
  const schemas = openApiSchemas(groupVersion.resources);
  const paths = groupVersion.resources.flatMap((resource) => resourcePaths(groupVersion, resource, schemas));
  return { openapi: '3.0.0', info, paths: Object.fromEntries(paths), components: { schemas } };
}

function resourcePaths(groupVersion: GroupVersion, resource: Resource, schemas: object): [string, object][] {
  const place = resource.namespaced ? `namespaces/{namespace}/${resource.plural}` : resource.plural;
  const collection = `/${pathOf(groupVersion)}/${place}`;
  const operations = operationsOf(resource, schemas);
  const parameters = resource.namespaced ? [pathParameter('namespace')] : [];
  return [
    [collection, { get: operations.list, post: operations.post, delete: operations.deletecollection, parameters }],
    [
      `${collection}/{name}`,
      {
        get: operations.get,
        put: operations.put,
        patch: operations.patch,
        delete: operations.delete,
        parameters: [pathParameter('name'), ...parameters],
      },
    ],
  ];
}

function operationsOf(resource: Resource, schemas: object) {
  const { group, version, kind } = resource;
  const schema = schemaReference(resource, schemas);
  const content = { 'application/json': { schema } };
  const make = (action: string, parameters: object[] = [], body?: object) => ({
    operationId: `${action}${version}${kind}`,
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind },
    parameters,
    ...(body && { requestBody: { required: true, content: body } }),
    responses: { 200: { description: 'OK', content } },
  });
  const write = ['dryRun', 'fieldManager', 'fieldValidation'].map(queryParameter);
  const patchBody = Object.fromEntries(patchTypes.map((type) => [type, { schema: { type: 'object' } }]));
  return {
    list: make('list', listParameters.map(queryParameter)),
    get: make('get'),
    post: make('post', write, content),
    put: make('put', write, content),
    patch: make('patch', [...write, queryParameter('force')], patchBody),
    delete: make('delete', ['dryRun', 'gracePeriodSeconds', 'propagationPolicy'].map(queryParameter)),
    deletecollection: make('deletecollection', ['dryRun', ...listParameters].map(queryParameter)),
  };
}

const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

const listParameters = ['allowWatchBookmarks', 'continue', 'fieldSelector', 'labelSelector', 'limit'].concat([
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'timeoutSeconds',
  'watch',
]);

const queryParameter = (name: string) => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } });
const pathParameter = (name: string) => ({ ...queryParameter(name), in: 'path', required: true });

/** The component that says it is this kind. */
function schemaReference({ group, version, kind }: Resource, schemas: object): object {
  const found = Object.entries(schemas).find(([, schema]) =>
    (schema['x-kubernetes-group-version-kind'] as Partial<Resource>[] | undefined)?.some(
      (type) => type.group === group && type.version === version && type.kind === kind,
    ),
  );
  return found ? { $ref: `#/components/schemas/${found[0]}` } : { type: 'object' };
}
