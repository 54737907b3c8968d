import type { User } from '../../base/exchange.ts';
import type { KubeObject, Resource } from '../../kube/mod.ts';
import type { Authorizer } from '../authorization/authorizer.ts';

/** A write that the authorizers allow, with what it would make of the object. */
export interface Review {
  readonly user: User;
  readonly resource: Resource;
  readonly subresource: string | undefined;
  /** Absent on deletion. */
  readonly after: KubeObject | undefined;
  /** Absent on creation. */
  readonly before: KubeObject | undefined;
  readonly authorizer: Authorizer;
}

/** Refuses a write by what is in it; the authorizers judge by the address alone. */
export type Admission = (review: Review) => void;
