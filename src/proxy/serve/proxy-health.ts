import type { Clock } from '../../base/clock.ts';
import type { Informer } from '../../client/port.ts';
import type { Node } from '../../kube/mod.ts';
import type { Family } from '../plan/mod.ts';

/** Cluster autoscaler puts it on a node that it is about to remove: load balancers are to leave it before. */
const toBeDeletedTaint = 'ToBeDeletedByClusterAutoscaler';

export interface HealthState {
  readonly healthy: boolean;
  /** Milliseconds since the epoch; 0: never. */
  readonly lastUpdatedMs: number;
}

/**
 * Whether the proxy keeps up: no family has news waiting for longer than the timeout. A family that was never written is
 * starting up, and healthy (pkg/proxy/healthcheck/proxy_health.go).
 */
export class ProxyHealth {
  /** A node that is going away is to get no more traffic, however well the proxy works (KEP-3836). */
  nodeEligible = true;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #lastUpdatedMs = new Map<Family, number>();
  /** On the monotonic clock. */
  readonly #waitingSinceMs = new Map<Family, number>();

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** News for a family have come in, or what it wrote has been lost. */
  queued(family: Family): void {
    if (!this.#waitingSinceMs.has(family)) this.#waitingSinceMs.set(family, this.#clock.monotonicMs());
  }

  synced(family: Family): void {
    this.#waitingSinceMs.delete(family);
    this.#lastUpdatedMs.set(family, this.#clock.now());
  }

  state(): HealthState {
    const late = this.#clock.monotonicMs() - this.#timeoutMs;
    for (const [family, lastUpdatedMs] of this.#lastUpdatedMs) {
      const sinceMs = this.#waitingSinceMs.get(family);
      if (sinceMs !== undefined && sinceMs <= late) return { healthy: false, lastUpdatedMs };
    }
    return { healthy: true, lastUpdatedMs: Math.max(0, ...this.#lastUpdatedMs.values()) };
  }

  /** Follows the node's own object; one that is deleted, for a moment perhaps, says nothing. */
  watchNode(nodes: Informer<Node>, name: string): void {
    nodes.onChange(({ key, after }) => {
      if (key === name && after) this.nodeEligible = isEligible(after);
    });
  }
}

const isEligible = ({ metadata, spec }: Node): boolean =>
  !metadata.deletionTimestamp && !(spec.taints ?? []).some(({ key }) => key === toBeDeletedTaint);
