import { parseAllDocuments } from 'yaml';
import { UsageError } from '../base/errors.ts';
import { isAlreadyExists } from '../client/mod.ts';
import type { Client } from '../client/port.ts';
import { type KubeInput, type KubeObject, type Resource, resourceByKind } from '../kube/mod.ts';

export interface Manifest {
  readonly resource: Resource;
  readonly object: KubeInput & { metadata: { name?: string; namespace?: string } };
}

/**
 * The objects of a YAML or JSON text, checked as far as it takes to send them: the API server judges the rest.
 * @param source the file's name, for errors
 */
export function readManifests(text: string, source: string): Manifest[] {
  const manifests = parseAllDocuments(text).flatMap((document, index) => {
    const operation = `Read ${source}, document ${index + 1}`;
    const [error] = document.errors;
    if (error) throw new UsageError(operation, error.message.split('\n')[0] ?? '');
    const object: unknown = document.toJS();
    return object === null ? [] : [manifestOf(object, operation)];
  });
  if (manifests.length === 0) throw new UsageError(`Read ${source}`, 'it holds no object');
  return manifests;
}

function manifestOf(object: unknown, operation: string): Manifest {
  if (typeof object !== 'object' || object === null) throw new UsageError(operation, 'it is no object');
  const { apiVersion, kind, metadata } = object as Partial<KubeObject>;
  if (typeof apiVersion !== 'string') throw new UsageError(operation, 'apiVersion is missing');
  if (typeof kind !== 'string') throw new UsageError(operation, 'kind is missing');
  const resource = resourceByKind(apiVersion, kind);
  if (!resource) throw new UsageError(operation, `no kind ${JSON.stringify(kind)} in ${apiVersion} is served here`);
  if (typeof metadata?.name !== 'string') throw new UsageError(operation, `${kind} has no metadata.name`);
  return { resource, object: object as Manifest['object'] };
}

/** Creates every object, or merges it into the one that is there; in order, ending at the first that is refused. */
export async function applyManifests(client: Client, manifests: readonly Manifest[]): Promise<KubeObject[]> {
  const applied: KubeObject[] = [];
  for (const { resource, object } of manifests) {
    const namespace = resource.namespaced ? (object.metadata.namespace ?? 'default') : undefined;
    const placed = { ...object, metadata: { ...object.metadata, ...(namespace === undefined ? {} : { namespace }) } };
    try {
      applied.push(await client.create(resource, placed));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const patch = { type: 'strategic', body: placed } as const;
      applied.push(
        await client.patch(resource, object.metadata.name ?? '', patch, {
          ...(namespace === undefined ? {} : { namespace }),
        }),
      );
    }
  }
  return applied;
}
