import { controllerOf, keyOf, type Pod } from '../kube/mod.ts';

interface Seat {
  readonly node: string;
  readonly owner: string;
}

/**
 * How many Pods sit on each node, and of which controller, kept current Pod by Pod. A Pod that was bound just now is
 * assumed to sit there before the watch says so: else the next ones would all go to the same node.
 */
export class Occupancy {
  readonly #seats = new Map<string, Seat>();
  readonly #counts = new Map<string, { pods: number; readonly byOwner: Map<string, number> }>();

  /** What the watch says of a Pod; `pod` is absent when it is gone. */
  see(key: string, pod: Pod | undefined): void {
    const isSeated = pod?.spec.nodeName && pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed';
    this.#leave(key);
    if (isSeated) this.#sit(key, { node: pod.spec.nodeName!, owner: ownerOf(pod) });
  }

  assume(pod: Pod, node: string): void {
    this.#leave(keyOf(pod));
    this.#sit(keyOf(pod), { node, owner: ownerOf(pod) });
  }

  on(node: string, pod: Pod): { pods: number; siblings: number } {
    const counts = this.#counts.get(node);
    const owner = ownerOf(pod);
    return { pods: counts?.pods ?? 0, siblings: owner === '' ? 0 : (counts?.byOwner.get(owner) ?? 0) };
  }

  #sit(key: string, seat: Seat): void {
    this.#seats.set(key, seat);
    this.#count(seat, 1);
  }

  #leave(key: string): void {
    const seat = this.#seats.get(key);
    if (!seat) return;
    this.#seats.delete(key);
    this.#count(seat, -1);
  }

  #count({ node, owner }: Seat, by: 1 | -1): void {
    const counts = this.#counts.get(node) ?? { pods: 0, byOwner: new Map() };
    counts.pods += by;
    const ofOwner = (counts.byOwner.get(owner) ?? 0) + by;
    if (ofOwner === 0) counts.byOwner.delete(owner);
    else counts.byOwner.set(owner, ofOwner);
    if (counts.pods === 0) this.#counts.delete(node);
    else this.#counts.set(node, counts);
  }
}

const ownerOf = (pod: Pod): string => controllerOf(pod)?.uid ?? '';
