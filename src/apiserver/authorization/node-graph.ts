import type { Pod } from '../../kube/mod.ts';
import type { ResourceCache } from '../cache/resource-cache.ts';
import type { Version } from '../cache/version.ts';
import { referenceKey, referencesOf } from './pod-references.ts';

/** What belongs to which node by way of its Pods; it follows every change of a Pod. */
export class NodeGraph {
  /** By node: how many of its Pods refer to what. */
  readonly #counts = new Map<string, Map<string, number>>();

  constructor(pods: ResourceCache) {
    pods.onChange((before, after) => {
      if (before && after && isSame(before, after)) return;
      if (after) this.#count(after, 1);
      if (before) this.#count(before, -1);
    });
  }

  refersTo(node: string, plural: string, namespace: string, name: string): boolean {
    return this.#counts.get(node)?.has(referenceKey(plural, namespace, name)) ?? false;
  }

  #count({ object }: Version, step: 1 | -1): void {
    const pod = object as Pod;
    const { nodeName } = pod.spec;
    if (!nodeName) return;
    const counts = this.#counts.get(nodeName) ?? new Map<string, number>();
    this.#counts.set(nodeName, counts);
    for (const key of referencesOf(pod)) {
      const count = (counts.get(key) ?? 0) + step;
      if (count > 0) counts.set(key, count);
      else counts.delete(key);
    }
    if (counts.size === 0) this.#counts.delete(nodeName);
  }
}

/** Most changes of a Pod are of its status; the spec's generation, and its node, tell the others. */
const isSame = (before: Version, after: Version): boolean =>
  before.object.metadata.uid === after.object.metadata.uid &&
  before.object.metadata.generation === after.object.metadata.generation &&
  (before.object as Pod).spec.nodeName === (after.object as Pod).spec.nodeName;
