import { isNotFound } from '../../client/mod.ts';
import { type KubeObject, Namespace, type Resource } from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { deleteObject } from '../shared/delete-object.ts';
import { ControllerLoop } from '../shared/loop.ts';

/** The finalizer in a Namespace's spec that stands for its contents. */
const contentFinalizer = 'kubernetes';
/** While something inside takes its time (a Pod's grace period), should its end not be noticed otherwise. */
const lookAgainMs = 2000;

/**
 * Empties namespaces that are being deleted and then lets them go; keys are Namespaces.
 * @param resources all kinds that live in namespaces
 */
export function startNamespaceController(context: ControllerContext, resources: readonly Resource[]): StopController {
  const { client, informers } = context;
  const namespaces = informers.of(Namespace);
  const loop = new ControllerLoop(context, { name: 'namespace', sync, workers: 4 });
  const kinds = resources.filter(({ namespaced }) => namespaced);

  namespaces.onChange(({ key, after }) => {
    if (after?.metadata.deletionTimestamp) loop.add(key);
  });
  for (const resource of kinds) {
    informers.of(resource).onChange(({ before, after }) => {
      const name = before?.metadata.namespace;
      if (!after && name !== undefined && namespaces.get(name)?.metadata.deletionTimestamp) loop.add(name);
    });
  }

  async function sync(name: string): Promise<void> {
    const namespace = namespaces.get(name);
    if (!namespace?.metadata.deletionTimestamp) return;
    const left = await Promise.all(kinds.map((resource) => empty(resource, name)));
    if (left.some((count) => count > 0)) loop.addAfter(name, lookAgainMs);
    else await letGo(name, namespace);
  }

  /** How many objects of the kind are still there; the server is asked, as a view may be late. */
  async function empty(resource: Resource, name: string): Promise<number> {
    const { items } = await client.list<KubeObject>(resource, { namespace: name });
    const untouched = items.filter(({ metadata }) => !metadata.deletionTimestamp);
    for (const object of untouched) await deleteObject(client, resource, object, { propagationPolicy: 'Background' });
    return items.length === 0 ? 0 : (await client.list(resource, { namespace: name })).items.length;
  }

  async function letGo(name: string, namespace: Namespace): Promise<void> {
    const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== contentFinalizer);
    try {
      const released = { ...namespace, spec: { ...namespace.spec, finalizers } };
      loop.wrote(name, namespaces, await client.update(Namespace, released, { subresource: 'finalize' }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  return () => loop.stop();
}
