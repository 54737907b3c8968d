import { isAlreadyExists } from '../../client/mod.ts';
import { ControllerRevision, isControlledBy, type Resource } from '../../kube/mod.ts';
import { claim } from './adoption.ts';
import type { ControllerContext } from './context.ts';
import { deleteObject } from './delete-object.ts';
import type { ControllerLoop } from './loop.ts';
import { isSameData, type NewRevision, planRevision, type Revised, staleRevisions } from './revisions.ts';

/** All templates that an owner has had, the present one among them. */
export interface History {
  readonly present: ControllerRevision;
  readonly all: readonly ControllerRevision[];
}

/** Keeps the revisions of StatefulSets or DaemonSets. */
export class HistoryKeeper<S extends Revised> {
  readonly #context: ControllerContext;
  readonly #loop: ControllerLoop;
  readonly #resource: Resource<S>;

  constructor(context: ControllerContext, loop: ControllerLoop, resource: Resource<S>) {
    this.#context = context;
    this.#loop = loop;
    this.#resource = resource;
  }

  get #revisions() {
    return this.#context.informers.of(ControllerRevision);
  }

  /** Undefined: the name of the present one is another's; the owner has been written, and its next turn finds another name. */
  async sync(key: string, owner: S): Promise<History | undefined> {
    const known = await this.#claim(key, owner);
    const step = planRevision(this.#resource, owner, known);
    if (step.type === 'keep') return { present: step.revision, all: known };
    if (step.type === 'create') {
      const present = await this.#create(key, owner, step.revision);
      return present && { present, all: [...known, present] };
    }
    const present = this.#wrote(key, await this.#context.client.update(ControllerRevision, step.revision));
    return { present, all: known.map((each) => (each.metadata.uid === present.metadata.uid ? present : each)) };
  }

  /** Removes what nothing uses, beyond the owner's limit. */
  async prune(owner: S, { all }: History, isUsed: (revision: ControllerRevision) => boolean): Promise<void> {
    for (const revision of staleRevisions(all, isUsed, owner.spec.revisionHistoryLimit))
      await deleteObject(this.#context.client, ControllerRevision, revision);
  }

  async #claim(key: string, owner: S): Promise<ControllerRevision[]> {
    const { namespace, uid } = owner.metadata;
    const candidates = [...this.#revisions.byIndex('owner', uid), ...this.#revisions.byIndex('orphan', namespace!)];
    const { owned, adopt, release } = claim(this.#resource, owner, candidates);
    const update = async (revision: ControllerRevision) =>
      this.#wrote(key, await this.#context.client.update(ControllerRevision, revision));
    await Promise.all(release.map(update));
    return [...owned, ...(await Promise.all(adopt.map(update)))];
  }

  async #create(key: string, owner: S, revision: NewRevision): Promise<ControllerRevision | undefined> {
    const { client } = this.#context;
    try {
      return this.#wrote(key, await client.create(ControllerRevision, revision));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const { name, namespace } = revision.metadata;
      const found = this.#wrote(key, await client.get(ControllerRevision, name, { namespace }));
      if (isControlledBy(found, owner) && isSameData(found.data, revision.data)) return found;
      await this.#countCollision(key, owner);
      return undefined;
    }
  }

  /** Upstream counts up too: the next hash is another. */
  async #countCollision(key: string, owner: S): Promise<void> {
    const status = { ...owner.status, collisionCount: (owner.status?.collisionCount ?? 0) + 1 };
    const written = await this.#context.client.updateStatus(this.#resource, { ...owner, status });
    this.#loop.wrote(key, this.#context.informers.of(this.#resource), written);
  }

  #wrote = (key: string, revision: ControllerRevision) => this.#loop.wrote(key, this.#revisions, revision);
}
