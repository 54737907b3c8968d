import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { KubeObject, Resource } from '../kube/mod.ts';
import type { Indexes } from './cache.ts';
import { createInformer } from './informer.ts';
import type { Client, Informer } from './port.ts';

export interface SharedInformersOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random?: () => number;
  /** Index functions by plural, besides `namespace` and `owner`, which every kind has. */
  readonly indexes?: Readonly<Record<string, Indexes<any>>>;
}

/** One informer a kind, whoever asks for it: all controllers of a process read the same copies. */
export class SharedInformers {
  readonly #options: SharedInformersOptions;
  readonly #informers = new Map<string, Informer<any>>();

  constructor(options: SharedInformersOptions) {
    this.#options = options;
  }

  /** Made on the first call. Indexes: `namespace` by its name, `owner` by the uids of its owner references. */
  of<S extends KubeObject>(resource: Resource<S, any>): Informer<S> {
    const key = `${resource.group}/${resource.plural}`;
    let informer = this.#informers.get(key);
    if (!informer) {
      const indexes = { ...commonIndexes, ...this.#options.indexes?.[resource.plural] };
      informer = createInformer<S>({ ...this.#options, resource, indexes });
      this.#informers.set(key, informer);
    }
    return informer;
  }

  /** Starts those that were asked for; resolves when all have synced. */
  async start(): Promise<void> {
    const informers = [...this.#informers.values()];
    for (const informer of informers) informer.start();
    await Promise.all(informers.map((informer) => informer.synced));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.stop()));
  }
}

const commonIndexes: Indexes<KubeObject> = {
  namespace: ({ metadata }) => (metadata.namespace === undefined ? [] : [metadata.namespace]),
  owner: ({ metadata }) => metadata.ownerReferences?.map(({ uid }) => uid) ?? [],
};
