import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { KubeObject, Resource } from '../kube/port.ts';
import type { Indexes } from './cache.ts';
import { createInformer } from './informer.ts';
import type { Client, Informer } from './port.ts';

export interface SharedInformersOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random?: () => number;
  /** Index functions by plural, besides `namespace` and `owner`, which every kind has. */
  readonly indexes?: Readonly<Record<string, Indexes<never>>>;
}

/** One informer a kind, whoever asks for it: all controllers of a process read the same copies. */
export class SharedInformers {
  readonly #options: SharedInformersOptions;
  readonly #informers = new Map<string, Informer<KubeObject>>();

  constructor(options: SharedInformersOptions) {
    this.#options = options;
  }

  /** Made on the first call. Indexes: `namespace` by its name, `owner` by the uids of its owner references. */
  of<S extends KubeObject>(resource: Resource<S>): Informer<S> {
    const key = `${resource.group}/${resource.plural}`;
    const known = this.#informers.get(key);
    // Under the key of a kind is only ever an informer of that kind.
    if (known) return known as unknown as Informer<S>;
    const indexes: Indexes<S> = { ...commonIndexes, ...(this.#options.indexes?.[resource.plural] as Indexes<S>) };
    const informer = createInformer<S>({ ...this.#options, resource, indexes });
    this.#informers.set(key, informer as unknown as Informer<KubeObject>);
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
