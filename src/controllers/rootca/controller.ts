import { isAlreadyExists, isNotFound } from '../../client/mod.ts';
import { ConfigMap, Namespace } from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { ControllerLoop } from '../shared/loop.ts';

const name = 'kube-root-ca.crt';

/** Keeps the authority's certificate in a ConfigMap of every namespace, for Pods to mount; keys are Namespaces. */
export function startRootCaPublisher(context: ControllerContext, caPem: string): StopController {
  const { client, informers } = context;
  const namespaces = informers.of(Namespace);
  const configMaps = informers.of(ConfigMap);
  const loop = new ControllerLoop(context, { name: 'root-ca-cert-publisher', sync });
  namespaces.onChange(({ key, after }) => {
    if (after) loop.add(key);
  });
  configMaps.onChange(({ before, after }) => {
    const { metadata } = (after ?? before)!;
    if (metadata.name === name) loop.add(metadata.namespace!);
  });

  async function sync(namespace: string): Promise<void> {
    const home = namespaces.get(namespace);
    if (!home || home.metadata.deletionTimestamp) return;
    const data = { 'ca.crt': caPem };
    const known = configMaps.get(`${namespace}/${name}`);
    if (known?.data?.['ca.crt'] === caPem) return;
    try {
      const written = known
        ? await client.update(ConfigMap, { ...known, data })
        : await client.create(ConfigMap, { metadata: { name, namespace }, data });
      loop.wrote(namespace, configMaps, written);
    } catch (error) {
      if (!isAlreadyExists(error) && !isNotFound(error)) throw error;
    }
  }

  return () => loop.stop();
}
