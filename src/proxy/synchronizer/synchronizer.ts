import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Dataplane, Relaying, TrafficSettings } from '../dataplane/port.ts';
import { dependsOnNode, type Family, type NodeFacts, type PortPlan, type ServiceDraft } from '../plan/mod.ts';
import type { EventRecorder, FlowCleaner, HealthCheckResponder, ProxyObserver } from '../ports.ts';
import type { Tracker } from '../track/mod.ts';
import { newCounters, type ProxyCounters } from './counters.ts';
import { FamilySynchronizer } from './family-synchronizer.ts';
import { HealthChecks } from './health-checks.ts';
import { Notices } from './notices.ts';

export interface SynchronizerOptions {
  readonly tracker: Tracker;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between two looks for changes that others made. */
  readonly syncPeriodMs: number;
  readonly flows?: FlowCleaner;
  readonly healthChecks?: HealthCheckResponder;
  readonly recorder?: EventRecorder;
  readonly observer?: ProxyObserver;
  /** The kernel is in step, in all families. */
  readonly onSynced: () => void;
}

/** Drives one dataplane a family: what the tracker reports goes into all of them in one pass. */
export class Synchronizer {
  readonly counters: ProxyCounters = newCounters();
  readonly #options: SynchronizerOptions;
  readonly #families = new Map<Family, FamilySynchronizer>();
  readonly #outOfStep = new Set<Family>();
  readonly #notices: Notices;
  readonly #healthChecks: HealthChecks;

  constructor(options: SynchronizerOptions) {
    this.#options = options;
    this.#notices = new Notices(options);
    this.#healthChecks = new HealthChecks(options.healthChecks);
  }

  *ports(): Generator<PortPlan> {
    for (const family of this.#families.values()) yield* family.ports();
  }

  has(family: Family): boolean {
    return this.#families.has(family);
  }

  /** Serves one more family from the next `sync` on. The dataplane is closed with the synchronizer. */
  add(node: NodeFacts, settings: TrafficSettings, dataplane: Dataplane): void {
    const { clock, flows, log, observer, onSynced, syncPeriodMs, tracker } = this.#options;
    const { family } = node;
    const synchronizer = new FamilySynchronizer(
      {
        tracker,
        dataplane,
        clock,
        log,
        syncPeriodMs,
        ...(flows && { flows }),
        ...(observer && { observer }),
        notices: this.#notices,
        counters: this.counters,
        onPlanned: (service, draft) => this.#onPlanned(service, family, draft),
        onConverged: () => {
          this.#outOfStep.delete(family);
          if (this.#outOfStep.size === 0) onSynced();
        },
      },
      node,
      settings,
    );
    synchronizer.touch(tracker.keys());
    this.#families.set(family, synchronizer);
    this.#outOfStep.add(family);
  }

  /** The node, or what follows from it, has changed: from the next `sync` on only what depends on it is planned anew. */
  configure(node: NodeFacts, settings: TrafficSettings): void {
    const family = this.#families.get(node.family)!;
    const before = family.node;
    family.configure(node, settings);
    if (before.zone === node.zone && before.address === node.address) return;
    this.#options.tracker.touchWhere((service, slices) => dependsOnNode(service, slices, before, node));
  }

  /** Brings what the tracker reports into the kernel. */
  sync(): void {
    const touched = this.#options.tracker.take();
    if (this.#outOfStep.size === 0) {
      this.counters.syncs += 1;
      this.counters.servicesTouched += touched.size;
    }
    for (const family of this.#families.values()) {
      family.touch(touched);
      family.sync();
    }
  }

  /** Nothing is written any more. Returns what goes on without it, for the caller to end. */
  stop(): Relaying[] {
    return [...this.#families.values()].flatMap((family) => family.stop() ?? []);
  }

  #onPlanned(key: string, family: Family, draft: ServiceDraft | undefined): void {
    this.#healthChecks.planned(key, family, draft?.healthCheck);
    this.#notices.problems(key, this.#options.tracker.service(key), draft?.problems ?? []);
  }
}
