import type { Change, Informer } from '../client/mod.ts';
import type { KubeObject, Namespace } from '../kube/mod.ts';

/** Which namespaces are to be seen: those of these names, or those that an informer has at the moment. */
export type Exposure =
  | { readonly names: ReadonlySet<string> }
  | { readonly namespaces: Pick<Informer<Namespace>, 'onChange' | 'synced' | 'get'> };

/**
 * An informer's objects as far as their namespaces are exposed. A namespace that comes to be exposed, or no longer is,
 * brings its objects with it or takes them along.
 */
export class ExposedChanges<S extends KubeObject> {
  readonly synced: Promise<void>;
  readonly #informer: Pick<Informer<S>, 'onChange' | 'synced' | 'list'>;
  readonly #exposure: Exposure;

  constructor(informer: Pick<Informer<S>, 'onChange' | 'synced' | 'list'>, exposure: Exposure) {
    this.#informer = informer;
    this.#exposure = exposure;
    this.synced = Promise.all([
      informer.synced,
      ...('namespaces' in exposure ? [exposure.namespaces.synced] : []),
    ]).then(() => {});
  }

  onChange(handler: (change: Change<S>) => void): void {
    /** Keys that the handler knows of: what it was not told of, it need not be told is gone. */
    const told = new Set<string>();
    const tell = (change: Change<S>) => {
      if (change.after) told.add(change.key);
      else if (!told.delete(change.key)) return;
      handler(change);
    };
    this.#informer.onChange((change) => {
      if (this.#isExposed(change.after ?? change.before)) tell(change);
    });
    if (!('namespaces' in this.#exposure)) return;
    this.#exposure.namespaces.onChange(({ key: namespace, before, after }) => {
      if (before && after) return;
      for (const object of this.#informer.list()) {
        const { metadata } = object;
        if (metadata.namespace !== namespace) continue;
        const key = `${namespace}/${metadata.name}`;
        if (after && !told.has(key)) tell({ key, after: object });
        if (before) tell({ key, before: object });
      }
    });
  }

  #isExposed(object: S | undefined): boolean {
    const namespace = object?.metadata.namespace ?? object?.metadata.name ?? '';
    return 'names' in this.#exposure
      ? this.#exposure.names.has(namespace)
      : this.#exposure.namespaces.get(namespace) !== undefined;
  }
}
