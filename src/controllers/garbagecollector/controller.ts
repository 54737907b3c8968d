import { type Change, type Informer, isNotFound } from '../../client/mod.ts';
import {
  apiVersionOf,
  Event,
  type KubeObject,
  keyOf,
  type OwnerReference,
  type Resource,
  resourceByKind,
} from '../../kube/mod.ts';
import type { ControllerContext, StopController } from '../shared/context.ts';
import { deleteObject } from '../shared/delete-object.ts';
import { ControllerLoop } from '../shared/loop.ts';
import {
  blocks,
  foregroundFinalizer,
  hasFinalizer,
  judge,
  type OwnerState,
  orphanFinalizer,
  withOwners,
  withoutFinalizer,
} from './plan.ts';

/**
 * Deletes what its owners have left behind. The informers' `owner` index is the graph; keys are `KIND-KEY key`. Events
 * own nothing and are owned by nobody (upstream leaves them out too).
 * @param resources the kinds that may own or be owned
 */
export function startGarbageCollector(context: ControllerContext, resources: readonly Resource[]): StopController {
  const collector = new GarbageCollector(context, resources);
  return () => collector.loop.stop();
}

class GarbageCollector {
  readonly loop: ControllerLoop;
  readonly #context: ControllerContext;
  readonly #kinds: readonly { readonly resource: Resource; readonly informer: Informer<KubeObject> }[];

  constructor(context: ControllerContext, resources: readonly Resource[]) {
    this.#context = context;
    this.loop = new ControllerLoop(context, { name: 'garbagecollector', sync: (key) => this.#sync(key) });
    this.#kinds = resources
      .filter((resource) => resource !== (Event as Resource))
      .map((resource) => ({ resource, informer: context.informers.of(resource) }));
    for (const { resource, informer } of this.#kinds) {
      informer.onChange((change) => this.#onChange(resource, change));
    }
  }

  #onChange(resource: Resource, { before, after }: Change<KubeObject>): void {
    if (after && concernsUs(before, after)) this.#add(resource, after);
    const object = after ?? before!;
    // Gone, or on its way out in the foreground: its dependents have to go.
    if (!after || hasFinalizer(after, foregroundFinalizer)) {
      for (const [kind, dependent] of this.#dependentsOf(object)) this.#add(kind, dependent);
    }
    // A dependent that goes may be what its owners wait for.
    if (!after || (after.metadata.deletionTimestamp && !before?.metadata.deletionTimestamp)) {
      for (const owner of object.metadata.ownerReferences ?? []) this.#addOwner(owner, object.metadata.namespace);
    }
  }

  #add(resource: Resource, object: KubeObject): void {
    this.loop.add(`${apiVersionOf(resource)}/${resource.kind} ${keyOf(object)}`);
  }

  #addOwner(owner: OwnerReference, namespace: string | undefined): void {
    const found = this.#cached(owner, namespace);
    if (found && hasFinalizer(found.object, foregroundFinalizer)) this.#add(found.resource, found.object);
  }

  *#dependentsOf({ metadata }: KubeObject): Generator<[Resource, KubeObject]> {
    for (const { resource, informer } of this.#kinds) {
      for (const dependent of informer.byIndex('owner', metadata.uid)) yield [resource, dependent];
    }
  }

  async #sync(key: string): Promise<void> {
    const [kind, objectKey] = key.split(' ') as [string, string];
    const found = this.#kinds.find(({ resource }) => `${apiVersionOf(resource)}/${resource.kind}` === kind)!;
    const object = found.informer.get(objectKey);
    if (!object) return;
    if (hasFinalizer(object, orphanFinalizer)) await this.#orphanDependents(key, found.resource, object);
    else if (hasFinalizer(object, foregroundFinalizer)) await this.#finishForeground(key, found.resource, object);
    else await this.#judge(key, found.resource, object);
  }

  async #orphanDependents(key: string, resource: Resource, owner: KubeObject): Promise<void> {
    for (const [kind, dependent] of this.#dependentsOf(owner)) {
      const owners = dependent.metadata.ownerReferences!.filter(({ uid }) => uid !== owner.metadata.uid);
      await this.#update(key, kind, withOwners(dependent, owners));
    }
    await this.#update(key, resource, withoutFinalizer(owner, orphanFinalizer));
  }

  async #finishForeground(key: string, resource: Resource, owner: KubeObject): Promise<void> {
    for (const [, dependent] of this.#dependentsOf(owner)) if (blocks(dependent, owner.metadata.uid)) return;
    await this.#update(key, resource, withoutFinalizer(owner, foregroundFinalizer));
  }

  async #judge(key: string, resource: Resource, object: KubeObject): Promise<void> {
    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length === 0) return;
    const states = new Map<OwnerReference, OwnerState>();
    for (const owner of owners) states.set(owner, await this.#stateOf(owner, object.metadata.namespace));
    const hasBlocking = [...this.#dependentsOf(object)].some(([, dependent]) => blocks(dependent, object.metadata.uid));
    const verdict = judge(object, (owner) => states.get(owner)!, hasBlocking);
    if (verdict.type === 'keep') return;
    if (verdict.type === 'detach') {
      await this.#update(key, resource, withOwners(object, verdict.owners));
      return;
    }
    const { propagationPolicy } = verdict;
    await deleteObject(this.#context.client, resource, object, { propagationPolicy });
  }

  /** From our view where it knows the owner; where it does not, the view may be late, and the server is asked. */
  async #stateOf(owner: OwnerReference, namespace: string | undefined): Promise<OwnerState> {
    const cached = this.#cached(owner, namespace);
    if (cached) return stateOf(cached.object);
    const resource = resourceByKind(owner.apiVersion, owner.kind);
    // Somebody else's kind: nothing can be known of it.
    if (!resource) return 'present';
    if (resource.namespaced && namespace === undefined) return 'absent';
    const place = resource.namespaced ? { namespace: namespace! } : {};
    try {
      const found = await this.#context.client.get(resource, owner.name, place);
      return found.metadata.uid === owner.uid ? stateOf(found) : 'absent';
    } catch (error) {
      if (isNotFound(error)) return 'absent';
      throw error;
    }
  }

  #cached(owner: OwnerReference, namespace: string | undefined) {
    const kind = this.#kinds.find(
      ({ resource }) => resource.kind === owner.kind && apiVersionOf(resource) === owner.apiVersion,
    );
    if (!kind) return undefined;
    const object = kind.informer.get(kind.resource.namespaced ? `${namespace}/${owner.name}` : owner.name);
    return object?.metadata.uid === owner.uid ? { resource: kind.resource, object } : undefined;
  }

  async #update(key: string, resource: Resource, object: KubeObject): Promise<void> {
    const { client, informers } = this.#context;
    try {
      this.loop.wrote(key, informers.of(resource), await client.update(resource, object));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

const stateOf = (owner: KubeObject): OwnerState => (hasFinalizer(owner, foregroundFinalizer) ? 'leaving' : 'present');

/** What a verdict depends on; most changes are of specs and statuses. */
function concernsUs(before: KubeObject | undefined, after: KubeObject): boolean {
  if (!before) return after.metadata.ownerReferences !== undefined || after.metadata.deletionTimestamp !== undefined;
  return (
    JSON.stringify(before.metadata.ownerReferences) !== JSON.stringify(after.metadata.ownerReferences) ||
    before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp ||
    JSON.stringify(before.metadata.finalizers) !== JSON.stringify(after.metadata.finalizers)
  );
}
