import type { Change } from '../../client/mod.ts';
import { type KubeObject, keyOf } from '../../kube/mod.ts';
import type { ChangeSource } from '../cluster-source.ts';

/** Changes as a test makes them, after the objects that it begins with; synced when the test says so. */
export class FakeInformer<S extends KubeObject> implements ChangeSource<S> {
  readonly synced: Promise<void>;
  readonly finishSync: () => void;
  readonly #objects = new Map<string, S>();
  readonly #handlers: ((change: Change<S>) => void)[] = [];

  constructor(objects: readonly S[] = []) {
    for (const object of objects) this.#objects.set(keyOf(object), object);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.synced = promise;
    this.finishSync = resolve;
  }

  onChange(handler: (change: Change<S>) => void): void {
    this.#handlers.push(handler);
    for (const [key, after] of this.#objects) handler({ key, after });
  }

  get(key: string): S | undefined {
    return this.#objects.get(key);
  }

  put(after: S): void {
    const key = keyOf(after);
    const before = this.#objects.get(key);
    this.#objects.set(key, after);
    for (const handler of this.#handlers) handler({ key, after, ...(before && { before }) });
  }

  remove(key: string): void {
    const before = this.#objects.get(key);
    if (!before) return;
    this.#objects.delete(key);
    for (const handler of this.#handlers) handler({ key, before });
  }
}
