import type { KubeObject } from '../kube/mod.ts';
import type { Written } from './dataplane/port.ts';
import type { Family, PortPlan, StaleFlow } from './plan/mod.ts';

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

/** One pass over what had been touched, in one family: events carried into the kernel, or everything compared with it. */
export interface SyncReport {
  readonly family: Family;
  /** `full`: the whole plan was compared with the kernel. */
  readonly extent: 'full' | 'partial';
  readonly durationMs: number;
  readonly written: Written;
}

/** Is told how the proxy's work goes; metrics and health are made of it. Calls are cheap and do not throw. */
export interface ProxyObserver {
  /** News of Services have come in and wait to be written, in every family. */
  queued(): void;
  /** The kernel holds all that had been queued; also when there was nothing to write. */
  synced(report: SyncReport): void;
  /** It does not, and will be tried again. */
  failed(family: Family, error: unknown, extent: SyncReport['extent']): void;
}
