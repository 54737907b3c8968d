import type { ApiRequest } from '../../base/exchange.ts';
import {
  apiVersionOf,
  badRequest,
  checkConfiguration,
  duplicateKeys,
  type KubeObject,
  type Resource,
} from '../../kube/mod.ts';
import { refuse } from '../status-error.ts';
import { isObject, parseWith } from './decode.ts';
import type { WriteOptions } from './options.ts';

export interface Configuration {
  readonly object: KubeObject;
  readonly warnings: readonly string[];
}

/** Reads the body of a server-side apply: YAML, of which JSON is a part. */
export async function readConfiguration(
  { body = '' }: ApiRequest,
  { fieldValidation }: Pick<WriteOptions, 'fieldValidation'>,
): Promise<{ readonly value: Record<string, unknown>; readonly warnings: readonly string[] }> {
  const { value, duplicates } = await parse(body);
  if (!isObject(value)) return refuse(badRequest('error decoding YAML: the body of the request is not an object'));
  if (duplicates.length > 0 && fieldValidation === 'Strict')
    refuse(badRequest(`error strict decoding YAML: ${duplicates.join(', ')}`));
  return { value, warnings: fieldValidation === 'Warn' ? duplicates : [] };
}

async function parse(text: string): Promise<{ value: unknown; duplicates: readonly string[] }> {
  // kubectl and most libraries send JSON under YAML's name.
  if (/^\s*\{/.test(text) && isJson(text))
    return { value: parseWith(JSON.parse, text), duplicates: duplicateKeys(text) };
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { uniqueKeys: true });
  const isTwice = ({ code }: { code: string }) => code === 'DUPLICATE_KEY';
  const broken = document.errors.find((error) => !isTwice(error));
  if (broken) refuse(badRequest(`error decoding YAML: ${broken.message}`));
  const duplicates = document.errors.filter(isTwice).map(({ message }) => message);
  return { value: parseWith(() => document.toJS({ maxAliasCount: 100 }), text), duplicates };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whatever the configuration leaves out is not its business; what it has must be fields of the kind. */
export function configurationOf(
  value: Record<string, unknown>,
  resource: Resource,
  { namespace, name }: { readonly namespace: string | undefined; readonly name: string },
): KubeObject {
  const { metadata = {}, apiVersion, kind } = value;
  checkType(apiVersion, kind, resource);
  if (!isObject(metadata)) return refuse(badRequest('metadata: Invalid value: must be an object'));
  if (metadata.managedFields !== undefined) refuse(badRequest('metadata.managedFields must be nil'));
  checkPlace(metadata, name, namespace);
  const config = { ...value, metadata: { name, ...(namespace !== undefined && { namespace }), ...metadata } };
  const problems = checkConfiguration(resource, config);
  if (problems.length > 0) {
    const which = `${namespace ? `${namespace}/` : '/'}${name}; ${apiVersion}, Kind=${kind}`;
    refuse(badRequest(`failed to create typed patch object (${which}): ${listed(problems)}`));
  }
  return config as unknown as KubeObject;
}

/** The object must be the one that the URL speaks of. */
function checkPlace(metadata: Record<string, unknown>, name: string, namespace: string | undefined): void {
  if (metadata.namespace && metadata.namespace !== namespace)
    refuse(badRequest('the namespace of the provided object does not match the namespace sent on the request'));
  if (metadata.name && metadata.name !== name)
    refuse(badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`));
}

function checkType(apiVersion: unknown, kind: unknown, resource: Resource): void {
  const wanted = apiVersionOf(resource);
  if (!apiVersion || !kind) refuse(badRequest('apiVersion and kind must be set in an applied configuration'));
  if (apiVersion !== wanted)
    refuse(
      badRequest(
        `Incorrect version specified in apply patch. Specified patch version: ${apiVersion}, expected: ${wanted}`,
      ),
    );
  if (kind !== resource.kind)
    refuse(badRequest(`the kind in the applied configuration (${kind}) does not match the URL's (${resource.kind})`));
}

const listed = (problems: readonly string[]) =>
  problems.length === 1 ? problems[0] : `errors:\n${problems.map((problem) => `  ${problem}`).join('\n')}`;
