import { messageOf } from '../../base/errors.ts';
import type { ApiRequest } from '../../base/exchange.ts';
import {
  apiVersionOf,
  badRequest,
  duplicateKeys,
  type FieldError,
  invalid,
  type KubeObject,
  type Resource,
  undecodable,
  unsupportedMediaType,
  validateSchema,
} from '../../kube/mod.ts';
import { refuse } from '../status-error.ts';
import type { WriteOptions } from './options.ts';

/** An object as somebody sent it, with what to tell them about fields that will be left out. */
export interface Decoded {
  readonly object: KubeObject;
  readonly warnings: readonly string[];
}

const objectTypes = ['application/json', 'application/yaml'];

/** The media type without its parameters. */
export const mediaTypeOf = (request: ApiRequest): string =>
  (request.headers['content-type'] ?? 'application/json').split(';')[0]!.trim().toLowerCase();

/** Reads the body as one object of the kind which the URL names. */
export async function decodeObject(
  request: ApiRequest,
  resource: Resource,
  options: Pick<WriteOptions, 'fieldValidation'>,
): Promise<Decoded> {
  const text = request.body ?? '';
  const value = await parseBody(mediaTypeOf(request), text);
  const duplicates = mediaTypeOf(request) === 'application/json' ? duplicateKeys(text) : [];
  return checkObject(value, resource, options, duplicates);
}

/** Reads a body whose kind has no schema here: DeleteOptions, Binding, Scale. Nothing is an empty object. */
export async function decodeLoose(request: ApiRequest): Promise<Record<string, unknown>> {
  if ((request.body ?? '') === '') return {};
  const value = await parseBody(mediaTypeOf(request), request.body!);
  return isObject(value) ? value : refuse(badRequest('the body of the request is not an object'));
}

/** The checks that hold for whatever somebody wrote, sent whole or made by their patch. */
export function checkObject(
  value: unknown,
  resource: Resource,
  { fieldValidation }: Pick<WriteOptions, 'fieldValidation'>,
  duplicates: readonly string[] = [],
): Decoded {
  const object = withType(value, resource);
  const findings = validateSchema(resource.schema, object);
  refuseErrors(findings.errors, object, resource);
  const doubts = [...findings.unknown, ...duplicates];
  if (doubts.length > 0 && fieldValidation === 'Strict')
    refuse(undecodable({ kind: resource.kind, version: resource.version }, resource.kind, strictly(doubts)));
  return { object, warnings: fieldValidation === 'Warn' ? doubts : [] };
}

/**
 * Upstream's two answers: what its decoder cannot read into the kind (a word for a number, an amount that is none) is a
 * bad request; what it reads and then finds missing or unsupported makes the object invalid.
 */
function refuseErrors(errors: readonly FieldError[], { metadata }: KubeObject, resource: Resource): void {
  const unreadable = errors.filter(({ type }) => !readable.has(type));
  if (unreadable.length > 0) {
    const why = unreadable.map(({ path, message }) => `${path}: ${message}`).join(', ');
    refuse(undecodable({ kind: resource.kind, version: resource.version }, resource.kind, why));
  }
  if (errors.length > 0) refuse(invalid(resource, metadata.name ?? '', errors));
}

const readable = new Set<FieldError['type']>(['FieldValueRequired', 'FieldValueNotSupported']);

const strictly = (doubts: readonly string[]) => `strict decoding error: ${doubts.join(', ')}`;

/** apiVersion and kind may be left out, since the URL says them; others than the URL's are refused. */
function withType(value: unknown, resource: Resource): KubeObject {
  if (!isObject(value)) return refuse(badRequest('the body of the request is not an object'));
  const apiVersion = apiVersionOf(resource);
  const given = { apiVersion: value.apiVersion || apiVersion, kind: value.kind || resource.kind };
  if (given.apiVersion !== apiVersion)
    refuse(
      badRequest(
        `the API version in the data (${given.apiVersion}) does not match the expected API version (${apiVersion})`,
      ),
    );
  if (given.kind !== resource.kind)
    refuse(undecodable({ kind: String(given.kind), version: apiVersion }, resource.kind, 'converting is not possible'));
  const { metadata, ...rest } = value;
  if (metadata !== undefined && metadata !== null && !isObject(metadata))
    refuse(badRequest('metadata: Invalid value: must be an object'));
  return { ...rest, apiVersion, kind: resource.kind, metadata: metadata ?? {} } as unknown as KubeObject;
}

async function parseBody(mediaType: string, text: string): Promise<unknown> {
  if (!objectTypes.includes(mediaType)) refuse(unsupportedMediaType(objectTypes));
  try {
    if (mediaType === 'application/json') return JSON.parse(text);
    const { parse } = await import('yaml');
    return parse(text, { maxAliasCount: 100 });
  } catch (error) {
    return refuse(badRequest(`the body of the request does not parse: ${messageOf(error)}`));
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
