import { type Clock, sleep } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { type Client, type Informer, isAlreadyExists } from '../client/mod.ts';
import { Pod } from '../kube/mod.ts';
import type { Manifest } from './apply.ts';

export interface SystemKeeperParts {
  readonly client: Pick<Client, 'create'>;
  readonly pods: Pick<Informer<Pod>, 'onChange'>;
  readonly manifests: readonly Manifest[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const retryMs = 1000;

/**
 * Makes the Pods of the cluster's own programs anew when somebody deletes them, as a DaemonSet would: without its proxy
 * or DNS server a node goes on with the Services of that moment, and says nothing.
 */
export function keepSystemPods({ client, pods, manifests, clock, log, signal }: SystemKeeperParts): void {
  const wanted = new Map(
    manifests
      .filter(({ resource }) => resource === Pod)
      .map((manifest) => [`${manifest.object.metadata.namespace}/${manifest.object.metadata.name}`, manifest]),
  );
  const recreate = async (pod: string, { resource, object }: Manifest) => {
    while (!signal.aborted) {
      try {
        await client.create(resource, object);
        return log.info('Made a system Pod anew', { pod });
      } catch (error) {
        if (isAlreadyExists(error)) return;
        log.warn('A system Pod is missing', { pod, because: messageOf(error) });
      }
      await sleep(clock, retryMs, signal);
    }
  };
  pods.onChange(({ key, after }) => {
    const manifest = wanted.get(key);
    if (manifest && !after) void recreate(key, manifest);
  });
}
