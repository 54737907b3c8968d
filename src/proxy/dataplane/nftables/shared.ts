import type { PortPlan } from '../../plan/mod.ts';
import { endpointsOf } from './elements.ts';
import type { Counts } from './layout.ts';

/**
 * What several ports need and the kernel has once: a VIP, the address pair of a local endpoint, the rule that chooses
 * one of N. Counted by users; whoever is the first or the last makes it come or go.
 */
export class Shared {
  readonly clusterIps = new UseCounts<string>();
  readonly hairpins = new UseCounts<string>();
  /** Numbers of endpoints that VIP frontends have, and node ports. */
  readonly frontendCounts = new UseCounts<number>();
  readonly nodePortCounts = new UseCounts<number>();

  add(port: PortPlan): void {
    this.#use(port, 1);
  }

  remove(port: PortPlan): void {
    this.#use(port, -1);
  }

  /** Forgets what came and went: from here on it counts as known. */
  settle(): void {
    for (const counts of [this.clusterIps, this.hairpins, this.frontendCounts, this.nodePortCounts]) counts.settle();
  }

  get counts(): Counts {
    const ascending = (counts: UseCounts<number>) => [...counts.keys()].sort((a, b) => a - b);
    return { frontends: ascending(this.frontendCounts), nodePorts: ascending(this.nodePortCounts) };
  }

  #use(port: PortPlan, by: number): void {
    const endpoints = endpointsOf(port);
    for (const { kind, address } of port.frontends) {
      if (kind === 'cluster-ip') this.clusterIps.use(address!, by);
      const counts = kind === 'node-port' ? this.nodePortCounts : this.frontendCounts;
      if (endpoints.length > 0) counts.use(endpoints.length, by);
    }
    for (const { local, address } of endpoints) if (local) this.hairpins.use(address, by);
  }
}

export class UseCounts<Key> {
  readonly #counts = new Map<Key, number>();
  /** Keys that were touched since the last `settle`, with their count then. */
  readonly #before = new Map<Key, number>();

  use(key: Key, by: number): void {
    const count = this.#counts.get(key) ?? 0;
    if (!this.#before.has(key)) this.#before.set(key, count);
    if (count + by === 0) this.#counts.delete(key);
    else this.#counts.set(key, count + by);
  }

  keys(): IterableIterator<Key> {
    return this.#counts.keys();
  }

  /** What has come into use and gone out of it since the last call. */
  settle(): { appeared: Key[]; vanished: Key[] } {
    const appeared: Key[] = [];
    const vanished: Key[] = [];
    for (const [key, before] of this.#before) {
      const isUsed = this.#counts.has(key);
      if (isUsed && before === 0) appeared.push(key);
      if (!isUsed && before > 0) vanished.push(key);
    }
    this.#before.clear();
    return { appeared, vanished };
  }
}
