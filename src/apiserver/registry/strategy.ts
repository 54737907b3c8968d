import type { KubeObject } from '../../kube/mod.ts';
import type { Operation } from '../../store/port.ts';

/**
 * What is particular to a kind on its way into the store. Every hook works on a draft of its own; defaults have been
 * filled in before `prepareCreate` and `prepareUpdate`, validation comes after them, claims come last.
 */
// biome-ignore lint/suspicious/noExplicitAny: a registry of any kind holds the strategy of that kind
export interface Strategy<S extends KubeObject = any> {
  /** Resets what a writer may not begin with (status) and sets what every new object has. */
  prepareCreate?(draft: S): void;
  /** Carries over what the writer left out or may not change. */
  prepareUpdate?(draft: S, before: S): void;
  /** Takes and gives back what must be unique in the cluster, in the same commit; `draft` is absent on deletion. */
  claim?(draft: S | undefined, before: S | undefined): Claim;
  /** Whether a changed spec raises metadata.generation. */
  readonly countsGenerations?: boolean;
  /** Whether a PUT to a name that is not there creates the object. */
  readonly createsOnUpdate?: boolean;
  /** Whether who replaces an object must say which version of it. */
  readonly needsVersion?: boolean;
  /** Refuses the deletion of what must stay. */
  checkDelete?(object: S): void;
  /** Seconds between being asked to go and being gone, when the request does not say; absent: deleted at once. */
  gracePeriodSeconds?(object: S, asked: number | undefined): number;
  /** Something other than metadata.finalizers that still holds a deleted object back. */
  isHeld?(object: S): boolean;
  /** Shows that the object is on its way out. */
  markDeleted?(draft: S): void;
}

export interface Claim {
  readonly operations: readonly Operation[];
  /** Somebody else got `key` first: refuses the request when its writer insisted on it, else it is tried anew. */
  checkLost(key: string): void;
  /** After the commit, whatever came of it. */
  release(): void;
}

export const noClaim: Claim = { operations: [], checkLost: () => {}, release: () => {} };
