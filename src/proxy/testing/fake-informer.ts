import type { Change, Informer } from '../../client/port.ts';
import type { KubeObject } from '../../kube/mod.ts';

/** An informer whose objects the test puts there itself. */
export class FakeInformer<S extends KubeObject> implements Informer<S> {
  readonly #objects = new Map<string, S>();
  readonly #handlers: ((change: Change<S>) => void)[] = [];
  readonly #synced = Promise.withResolvers<void>();
  readonly synced = this.#synced.promise;
  hasSynced = false;
  readonly lastHeardMs = 0;

  start(): void {}
  async stop(): Promise<void> {}

  sync(): this {
    this.hasSynced = true;
    this.#synced.resolve();
    return this;
  }

  get(key: string): S | undefined {
    return this.#objects.get(key);
  }

  list(): IterableIterator<S> {
    return this.#objects.values();
  }

  byIndex(): Iterable<S> {
    return [];
  }

  isCurrent(): boolean {
    return true;
  }

  get size(): number {
    return this.#objects.size;
  }

  onChange(handler: (change: Change<S>) => void): void {
    this.#handlers.push(handler);
    for (const [key, after] of this.#objects) handler({ key, after });
  }

  put(...objects: S[]): void {
    for (const after of objects) {
      const { namespace, name } = after.metadata;
      const key = namespace === undefined ? name : `${namespace}/${name}`;
      const before = this.#objects.get(key);
      this.#objects.set(key, after);
      for (const handler of this.#handlers) handler({ key, after, ...(before && { before }) });
    }
  }

  delete(key: string): void {
    const before = this.#objects.get(key);
    this.#objects.delete(key);
    if (before) for (const handler of this.#handlers) handler({ key, before });
  }
}
