import { type Client, type DeleteOptions, isConflict, isNotFound } from '../../client/mod.ts';
import type { KubeObject, Resource } from '../../kube/mod.ts';

/** Deletes this very object and no later one of its name; true unless it was gone already. */
export async function deleteObject<S extends KubeObject>(
  client: Client,
  resource: Resource<S>,
  { metadata: { name, namespace, uid } }: S,
  options: Pick<DeleteOptions, 'gracePeriodSeconds' | 'propagationPolicy'> = {},
): Promise<boolean> {
  const place = namespace === undefined ? {} : { namespace };
  try {
    await client.delete(resource, name, { ...place, ...options, preconditions: { uid } });
    return true;
  } catch (error) {
    // Conflict: the name belongs to another object by now.
    if (isNotFound(error) || isConflict(error)) return false;
    throw error;
  }
}
