import type { Informer } from '../../client/mod.ts';
import type { KubeObject } from '../../kube/mod.ts';

/** What is asked of an informer here. */
type View = Pick<Informer<KubeObject>, 'isCurrent'>;

/**
 * What a controller has written and not yet seen. Deciding before that would repeat the decision: create the Pod that
 * was just created. Upstream counts expected creations (UIDTrackingControllerExpectations); a version is simpler and
 * covers updates too, since an informer that has seen a version has seen all before it (KEP-5504).
 *
 * The event of the write itself calls for the key again. Only when the object was deleted at once and the informer
 * listed in between is there no such event; hence the loop's slow retry.
 */
export class OwnWrites {
  readonly #unseen = new Map<string, Map<View, string>>();

  note(key: string, informer: View, resourceVersion: string): void {
    const versions = this.#unseen.get(key) ?? new Map<View, string>();
    const known = versions.get(informer);
    if (known === undefined || BigInt(known) < BigInt(resourceVersion)) versions.set(informer, resourceVersion);
    this.#unseen.set(key, versions);
  }

  areVisible(key: string): boolean {
    const versions = this.#unseen.get(key);
    if (!versions) return true;
    for (const [informer, version] of versions) if (!informer.isCurrent(version)) return false;
    this.#unseen.delete(key);
    return true;
  }
}
