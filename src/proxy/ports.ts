import type { KubeObject } from '../kube/mod.ts';
import type { PortPlan, StaleFlow } from './plan/mod.ts';

/** What the synchronizer hands to its neighbours besides the dataplane. */

/** Removes conntrack's entries. Calls come after the dataplane has the change; a failure is the cleaner's to log and retry. */
export interface FlowCleaner {
  /** Costs what these flows cost. */
  removeStale(flows: readonly StaleFlow[]): void;
  /**
   * At the start and after failures, when nobody can tell what has turned stale meanwhile: of all UDP flows to these
   * ports' frontends only those to `servingEndpoints` of their port stay.
   */
  removeAllBut(ports: Iterable<PortPlan>): void;
}

/** One Service with externalTrafficPolicy Local behind load balancers that ask each node for its endpoints. */
export interface HealthCheck {
  /** `namespace/name`. */
  readonly service: string;
  readonly nodePort: number;
  /** Distinct ready endpoints on this node; of the families that have more, where they differ. */
  readonly localEndpoints: number;
}

/** Answers load balancers' health checks. */
export interface HealthCheckResponder {
  /** Only what is new or differs. */
  set(check: HealthCheck): void;
  /** The Service needs no health check any more. */
  delete(service: string): void;
}

/** As `Recorder` of the client. */
export interface EventRecorder {
  record(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
}
