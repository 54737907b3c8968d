import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../base/clock.ts';
import {
  alreadyExists,
  apiVersionOf,
  applyDefaults,
  badRequest,
  conflict,
  formatTime,
  invalid,
  type KubeObject,
  notFound,
  ownershipAfterUpdate,
  type Resource,
  type StatusReason,
  serviceUnavailable,
  validateObject,
  validateUpdate,
  type Writer,
} from '../../kube/mod.ts';
import { isStoreError } from '../../store/errors.ts';
import type { Operation, Store } from '../../store/port.ts';
import type { Feed } from '../cache/feed.ts';
import type { ResourceCache } from '../cache/resource-cache.ts';
import { decodeEntry, draftOf, encodeStored, managedFieldsOf, unwritten, type Version } from '../cache/version.ts';
import type { DeleteOptions } from '../request/options.ts';
import { isStatusError, refuse } from '../status-error.ts';
import { storeRefusal } from '../store-refusal.ts';
import { isDueForRemoval, planDeletion } from './deletion.ts';
import { generateName, keepServerOwned, raiseGeneration, stampNew } from './metadata.ts';
import { noClaim, type Strategy } from './strategy.ts';
import { Turns } from './turns.ts';

export interface RegistryParts {
  readonly resource: Resource;
  readonly strategy: Strategy;
  readonly cache: ResourceCache;
  readonly feed: Feed;
  readonly store: Store;
  readonly clock: Clock;
  /** Refuses new objects in a namespace that is missing or on its way out. */
  readonly checkNamespace: (resource: Resource, name: string, namespace: string) => void;
}

export interface ObjectRef {
  readonly namespace: string | undefined;
  readonly name: string;
}

export interface Written {
  readonly version: Version;
  readonly created?: boolean;
}

export interface Deleted {
  readonly version: Version;
  /** False: it is marked, and goes later. */
  readonly isGone: boolean;
}

/** `before` becomes `after`: `draft` is a copy of it to change or to drop. */
// biome-ignore lint/suspicious/noExplicitAny: the route has chosen the kind, and each edit knows its own
export type Edit = (draft: any, before: Version) => KubeObject;

/** Refuses what the writer may not write, as soon as it is known what that would be. */
export type Admit = (after: KubeObject | undefined, before: KubeObject | undefined) => void;

/**
 * Who owns the fields that a write changes: the writer, or as metadata.managedFields of the object says (an apply has
 * decided that already). Absent: whoever owned them before.
 */
export type Ownership = Writer | 'given';

/** What the server writes by itself. */
export const serverWriter: Writer = { manager: 'signalbox-server' };

interface CreateOptions {
  readonly dryRun: boolean;
  readonly admit?: Admit | undefined;
  readonly owner?: Ownership;
}

type ManagedFields = KubeObject['metadata']['managedFields'];

interface EditOptions extends CreateOptions {
  /** What the edit may touch; whatever else it changed is put back. */
  readonly scope: 'object' | 'status' | 'as-is';
}

/** Somebody else wrote in between: this often the work is done again before the caller is told. */
const maxAttempts = 64;

/** All objects of one kind: reads from memory, writes through the store, waits until memory shows what it wrote. */
export class Registry {
  readonly resource: Resource;
  readonly cache: ResourceCache;
  readonly #parts: RegistryParts;
  /** Edits of one object follow one another: only other servers can come between them. */
  readonly #turns = new Turns();
  readonly #strategy: Strategy;

  constructor(parts: RegistryParts) {
    this.resource = parts.resource;
    this.cache = parts.cache;
    this.#strategy = parts.strategy;
    this.#parts = parts;
  }

  get apiVersion(): string {
    return apiVersionOf(this.resource);
  }

  /** Where the objects of a namespace, or all of them, are kept. */
  prefixOf(namespace: string | undefined): string {
    return namespace === undefined ? this.cache.prefix : `${this.cache.prefix}${namespace}/`;
  }

  peek({ namespace, name }: ObjectRef): Version | undefined {
    return this.cache.get(this.prefixOf(namespace) + name);
  }

  /** The newest version. */
  async get(ref: ObjectRef): Promise<Version> {
    await this.#parts.feed.catchUp();
    this.#checkFeed();
    return this.peek(ref) ?? refuse(notFound(this.resource, ref.name));
  }

  async create(namespace: string | undefined, given: KubeObject, options: CreateOptions): Promise<Written> {
    const { resource } = this;
    const { dryRun, admit, owner } = options;
    this.#checkTarget(given, namespace, undefined);
    if (given.metadata.resourceVersion)
      refuse(badRequest('resourceVersion should not be set on objects to be created'));
    const base = given.metadata.generateName;
    const generates = !given.metadata.name && base !== undefined && base !== '';
    for (let attempt = 1; ; attempt++) {
      // What is deeper than this is copied before it is changed.
      const object = { ...given, metadata: { ...given.metadata } };
      if (generates) object.metadata.name = generateName(base);
      const draft = this.#prepareNew(object, namespace, owner);
      admit?.(draft, undefined);
      if (namespace !== undefined) this.#parts.checkNamespace(resource, draft.metadata.name, namespace);
      const key = this.prefixOf(namespace) + draft.metadata.name;
      if (this.cache.get(key) && !(generates && attempt < maxAttempts))
        refuse(alreadyExists(resource, draft.metadata.name));
      const version = await this.#attempt(draft, undefined, key, dryRun, attempt);
      if (version) return { version, created: true };
    }
  }

  /** Writes the whole object in the place of the one of its name, or, for a few kinds, where none is. */
  async replace(ref: ObjectRef, given: KubeObject, options: EditOptions): Promise<Written> {
    const { resourceVersion } = given.metadata;
    if (this.#strategy.needsVersion && !resourceVersion && this.peek(ref))
      refuse(versionMissing(this.resource, ref.name));
    // What is deeper than this is copied before it is changed.
    const change = () => this.edit(ref, () => ({ ...given }), options);
    if (!this.#strategy.createsOnUpdate || options.scope !== 'object' || resourceVersion) return change();
    const metadata = { ...given.metadata, name: ref.name };
    const create = () => this.create(ref.namespace, { ...given, metadata }, options);
    return changeOrCreate(change, create);
  }

  /**
   * Reads, edits and writes until nobody came between. An object that `edit` returns with another resourceVersion than
   * the one it was given is refused as a conflict.
   */
  edit(ref: ObjectRef, edit: Edit, options: EditOptions): Promise<Written> {
    const key = this.prefixOf(ref.namespace) + ref.name;
    return this.#turns.take(key, () => this.#editInTurn(key, ref, edit, options));
  }

  async #editInTurn(key: string, ref: ObjectRef, edit: Edit, options: EditOptions): Promise<Written> {
    for (let attempt = 1; ; attempt++) {
      const before = this.cache.get(key) ?? (await this.get(ref));
      const draft = edit(draftOf(before), before);
      this.#checkTarget(draft, ref.namespace, ref.name);
      this.#checkPreconditions(draft.metadata, before);
      const after = this.#prepareChanged(draft, before, options);
      options.admit?.(after, before.object);
      if (isUnchanged(after, before)) return { version: before };
      const version = isDueForRemoval(after, this.#strategy)
        ? await this.#attempt(undefined, before, key, options.dryRun, attempt)
        : await this.#attempt(after, before, key, options.dryRun, attempt);
      if (version) return { version };
    }
  }

  async delete(ref: ObjectRef, options: DeleteOptions, admit?: Admit): Promise<Deleted> {
    const key = this.prefixOf(ref.namespace) + ref.name;
    for (let attempt = 1; ; attempt++) {
      const before = this.cache.get(key) ?? (await this.get(ref));
      this.#checkPreconditions(options.preconditions, before);
      admit?.(undefined, before.object);
      this.#strategy.checkDelete?.(before.object);
      const step = planDeletion(draftOf(before), options, this.#strategy, this.#parts.clock.now());
      if (step.type === 'wait') return { version: before, isGone: false };
      const after = step.type === 'mark' ? step.object : undefined;
      const version = await this.#attempt(after, before, key, options.dryRun, attempt);
      if (version) return { version, isGone: step.type === 'remove' };
    }
  }

  /** For collections: that somebody else was quicker is as good. */
  async deleteIfThere(
    ref: { namespace?: string | undefined; name: string },
    options: DeleteOptions,
    admit?: Admit,
  ): Promise<void> {
    try {
      await this.delete({ namespace: ref.namespace, name: ref.name }, options, admit);
    } catch (error) {
      if (!isStatusError(error) || error.status.reason !== 'NotFound') throw error;
    }
  }

  #prepareNew(object: KubeObject, namespace: string | undefined, owner: Ownership | undefined): KubeObject {
    const { managedFields } = object.metadata;
    stampNew(object, this.resource, namespace, this.#parts.clock.now());
    const draft = applyDefaults(this.resource, object);
    this.#withOwners(draft, undefined, managedFields, owner);
    if (this.#strategy.countsGenerations) draft.metadata.generation = 1;
    this.#strategy.prepareCreate?.(draft);
    this.#refuseErrors(draft, validateObject(this.resource, draft));
    return draft;
  }

  #prepareChanged(given: KubeObject, before: Version, { scope, owner }: EditOptions): KubeObject {
    const { managedFields } = given.metadata;
    keepServerOwned(given, before.object);
    if (scope === 'as-is') return this.#withOwners(given, before, undefined, undefined);
    const draft = applyDefaults(this.resource, scope === 'status' ? onlyStatus(given, before) : given);
    this.#withOwners(draft, before, managedFields, owner);
    if (scope === 'object') {
      if (this.resource.subresources.includes('status')) keepStatus(draft, before);
      this.#strategy.prepareUpdate?.(draft, draftOf(before));
    }
    this.#refuseErrors(draft, validateUpdate(this.resource, before.object, draft));
    if (this.#strategy.countsGenerations && !isDeepStrictEqual(specOf(draft), specOf(before.object)))
      raiseGeneration(draft);
    return draft;
  }

  /** Before the strategy fills in what the writer knows nothing of: that is nobody's. */
  #withOwners(draft: KubeObject, before: Version | undefined, given: ManagedFields, owner: Ownership | undefined) {
    const managedFields = this.#ownersOf(draft, before, given, owner);
    if (managedFields) draft.metadata.managedFields = managedFields;
    return draft;
  }

  #ownersOf(draft: KubeObject, before: Version | undefined, given: ManagedFields, owner: Ownership | undefined) {
    if (owner === 'given') return given;
    const live = before && managedFieldsOf(before);
    if (owner === undefined) return live;
    const context = { resource: this.resource, writer: owner, time: formatTime(this.#parts.clock.now()) };
    const sent = isSameList(given, before) ? undefined : given;
    return ownershipAfterUpdate(context, before?.object, draft, { live, given: sent });
  }

  #refuseErrors(draft: KubeObject, errors: ReturnType<typeof validateObject>): void {
    if (errors.length > 0) refuse(invalid(this.resource, draft.metadata.name ?? '', errors));
  }

  /**
   * One commit: `after` in the place of `before` (either may be absent), with the claims that go with it. Undefined:
   * somebody was quicker, and memory now shows what they wrote.
   */
  async #attempt(
    after: KubeObject | undefined,
    before: Version | undefined,
    key: string,
    dryRun: boolean,
    attempt: number,
  ): Promise<Version | undefined> {
    const claim = this.#strategy.claim?.(after, before && draftOf(before)) ?? noClaim;
    const value = after && encodeStored(after);
    try {
      const shown = value ?? encodeStored(draftOf(before!));
      if (dryRun)
        return before ? decodeEntry({ key, value: shown, modRevision: before.revision }) : unwritten(key, shown);
      const revision = await this.#commit([operation(key, value, before), ...claim.operations]);
      return decodeEntry({ key, value: shown, modRevision: revision });
    } catch (error) {
      if (!isStoreError(error, 'exists', 'stale', 'missing')) throw storeRefusal(error);
      if (error.key !== undefined && error.key !== key) claim.checkLost(error.key);
      if (attempt >= maxAttempts) refuse(conflict(this.resource, key.slice(key.lastIndexOf('/') + 1)));
      await this.#parts.feed.catchUp();
      this.#checkFeed();
      return undefined;
    } finally {
      claim.release();
    }
  }

  async #commit(operations: readonly Operation[]): Promise<number> {
    const { revision } = await this.#parts.store.commit(operations);
    await this.#parts.feed.reach(revision);
    return revision;
  }

  #checkFeed(): void {
    if (this.#parts.feed.hasEnded) refuse(serviceUnavailable('the store is not available'));
  }

  /** The object must be the one that the URL speaks of. */
  #checkTarget({ metadata }: KubeObject, namespace: string | undefined, name: string | undefined): void {
    if (namespace !== undefined && metadata.namespace && metadata.namespace !== namespace)
      refuse(badRequest('the namespace of the provided object does not match the namespace sent on the request'));
    if (name !== undefined && metadata.name && metadata.name !== name)
      refuse(badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`));
  }

  #checkPreconditions(wanted: { uid?: string; resourceVersion?: string }, { object, revision }: Version): void {
    const { name, uid } = object.metadata;
    if (wanted.uid && wanted.uid !== uid) {
      const why = `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`;
      refuse(conflict(this.resource, name, why));
    }
    if (wanted.resourceVersion && wanted.resourceVersion !== String(revision)) refuse(conflict(this.resource, name));
  }
}

/** Does the one, or the other where there is nothing to change, until nobody comes between. */
export async function changeOrCreate(change: () => Promise<Written>, create: () => Promise<Written>): Promise<Written> {
  for (;;) {
    const changed = await unless('NotFound', change);
    if (changed) return changed;
    const created = await unless('AlreadyExists', create);
    if (created) return created;
  }
}

/** Undefined: it was refused for this reason, which somebody else's write may have brought about. */
async function unless<Result>(reason: StatusReason, work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isStatusError(error) && error.status.reason === reason) return undefined;
    throw error;
  }
}

/** Upstream's store says the plural where all others say the kind. */
const versionMissing = ({ group, plural }: Resource, name: string) =>
  invalid({ group, kind: plural, plural }, name, [
    {
      path: 'metadata.resourceVersion',
      type: 'FieldValueInvalid',
      message: 'Invalid value: 0x0: must be specified for an update',
    },
  ]);

function operation(key: string, value: string | undefined, before: Version | undefined): Operation {
  if (value === undefined) return { type: 'delete', key, expected: before!.revision };
  return before ? { type: 'update', key, value, expected: before.revision } : { type: 'create', key, value };
}

/** Most writers send back the managedFields that they have read. */
const isSameList = (managedFields: ManagedFields, before: Version | undefined): boolean =>
  (managedFields ? JSON.stringify(managedFields) : '') === (before?.managedJson ?? '');

function isUnchanged(after: KubeObject, before: Version): boolean {
  const { managedFields, ...metadata } = after.metadata;
  if (!isDeepStrictEqual({ ...after, metadata }, before.object)) return false;
  return isSameList(managedFields, before) || isDeepStrictEqual(managedFields, managedFieldsOf(before));
}

const specOf = (object: object): unknown => (object as { spec?: unknown }).spec;

function onlyStatus(given: KubeObject, before: Version): KubeObject {
  const draft: KubeObject & { status?: unknown } = draftOf(before);
  draft.status = (given as { status?: unknown }).status;
  return draft;
}

function keepStatus(draft: KubeObject, before: Version): void {
  const { status } = before.object as { status?: unknown };
  if (status === undefined) delete (draft as { status?: unknown }).status;
  else (draft as { status?: unknown }).status = structuredClone(status);
}
