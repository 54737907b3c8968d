import { isDeepStrictEqual } from 'node:util';
import type { Cancel, Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import {
  type Dataplane,
  nothingWritten,
  type Relaying,
  type TrafficSettings,
  type Written,
} from '../dataplane/port.ts';
import { diff, operationCount } from '../diff/mod.ts';
import {
  Collector,
  Ledger,
  mergePairs,
  type NodeFacts,
  type PortPair,
  type PortPlan,
  planService,
  type ServiceDraft,
  type StaleFlow,
  staleFlows,
} from '../plan/mod.ts';
import type { FlowCleaner, ProxyObserver, SyncReport } from '../ports.ts';
import type { Tracker } from '../track/mod.ts';
import type { ProxyCounters } from './counters.ts';
import type { Notices } from './notices.ts';

export interface FamilyOptions {
  readonly tracker: Tracker;
  readonly dataplane: Dataplane;
  readonly clock: Clock;
  readonly log: Logger;
  readonly notices: Notices;
  readonly counters: ProxyCounters;
  /** Between two looks for changes that others made. */
  readonly syncPeriodMs: number;
  readonly flows?: FlowCleaner;
  readonly observer?: ProxyObserver;
  /** A Service has been planned; undefined: it is gone. */
  readonly onPlanned: (service: string, draft: ServiceDraft | undefined) => void;
  /** The kernel is in step. */
  readonly onConverged: () => void;
}

const firstRetryMs = 50;
const longestRetryMs = 30_000;

/**
 * Carries touched Services into the kernel, for one address family. A change is one transaction; at the start, and
 * whenever a transaction fails, the whole plan is compared with what the kernel holds, and only the difference is written.
 */
export class FamilySynchronizer {
  readonly #options: FamilyOptions;
  readonly #ledger = new Ledger();
  readonly #collector = new Collector();
  #node: NodeFacts;
  #settings: TrafficSettings;
  #touched = new Set<string>();
  #stale: StaleFlow[] = [];
  /** False until the ids and slots of an earlier run have been taken over. */
  #adopted = false;
  /** The kernel is known to hold what the last write meant it to. */
  #inStep = false;
  /** A failed attempt is to be repeated, and not before its time. */
  #waiting = false;
  #failuresInARow = 0;
  #cancelTimer: Cancel = () => {};
  #stopped = false;

  constructor(options: FamilyOptions, node: NodeFacts, settings: TrafficSettings) {
    this.#options = options;
    this.#node = node;
    this.#settings = settings;
    options.dataplane.configure(settings);
    options.dataplane.watch?.(() => {
      if (this.#inStep && !this.#stopped) this.#lookForDrift();
    });
  }

  get node(): NodeFacts {
    return this.#node;
  }

  ports(): IterableIterator<PortPlan> {
    return this.#ledger.ports();
  }

  touch(services: Iterable<string>): void {
    for (const service of services) this.#touched.add(service);
  }

  /** Services whose plan depends on the node have to be touched besides. */
  configure(node: NodeFacts, settings: TrafficSettings): void {
    this.#node = node;
    if (isDeepStrictEqual(settings, this.#settings)) return;
    this.#settings = settings;
    this.#options.dataplane.configure(settings);
    this.#inStep = false;
  }

  /** Brings what was touched into the kernel, unless a failure is being waited out. */
  sync(): void {
    if (this.#stopped || this.#waiting) return;
    if (this.#inStep) this.#applyTouched();
    else this.#converge();
  }

  /** Closes the dataplane, unless it relays: then it returns what goes on, for the caller to end. */
  stop(): Relaying | undefined {
    const { dataplane } = this.#options;
    this.#stopped = true;
    this.#cancelTimer();
    if (!dataplane.relaying) dataplane.close();
    return dataplane.relaying;
  }

  #applyTouched(): void {
    const { clock, counters, dataplane, log, notices } = this.#options;
    const startedMs = clock.monotonicMs();
    const services = this.#touched.size;
    if (services === 0) return;
    const changes = diff(this.#plan(this.#take()));
    const operations = changes.reduce((sum, change) => sum + operationCount(change), 0);
    counters.operations += operations;
    let written = nothingWritten;
    try {
      if (changes.length > 0) {
        written = this.#count(dataplane.apply(changes));
        // On the machine's own clock, for whoever compares it with a capture or with another process.
        const committedMs = clock.monotonicMs();
        const microseconds = microsecondsBetween(startedMs, committedMs);
        log.debug('Synced services', { services, operations, ...written, microseconds, committedMs });
      }
    } catch (error) {
      this.#inStep = false;
      this.#noteFailure(error, 'partial');
      notices.failed('Cannot apply changes, comparing the whole plan with the kernel', error);
      this.#converge();
      return;
    }
    this.#cleanFlows();
    this.#report('partial', written, startedMs);
  }

  /** Compares everything; a failure is retried after a while that doubles. */
  #converge(): void {
    const { notices, syncPeriodMs } = this.#options;
    this.#inStep = false;
    try {
      this.#convergeOnce();
      this.#failuresInARow = 0;
      this.#schedule(syncPeriodMs, () => this.#lookForDrift());
    } catch (error) {
      const retryMs = Math.min(firstRetryMs * 2 ** this.#failuresInARow, longestRetryMs);
      this.#noteFailure(error, 'full');
      notices.failed('Cannot bring the kernel in step', error, { eventful: this.#failuresInARow === 0, retryMs });
      this.#failuresInARow += 1;
      this.#waiting = true;
      this.#schedule(retryMs, () => {
        this.#waiting = false;
        this.#converge();
      });
    }
  }

  #convergeOnce(): void {
    const { clock, counters, dataplane, flows, log, onConverged } = this.#options;
    const startedMs = clock.monotonicMs();
    const found = dataplane.read();
    const isFirst = !this.#adopted;
    if (isFirst) this.#ledger.beginAdoption(found.groups);
    this.#plan(isFirst ? this.#bySeniority(this.#take()) : this.#take());
    this.#ledger.endAdoption();
    this.#adopted = true;
    const written = this.#count(dataplane.converge(found, this.#ledger.ports()));
    this.#inStep = true;
    counters.convergences += 1;
    if (isFirst || written.messages > 0) {
      // Flows may have begun while the rules were not ours, and ended nowhere.
      flows?.removeAllBut(this.#ledger.ports());
      this.#stale = this.#stale.filter(({ protocol }) => protocol !== 'UDP');
    }
    this.#cleanFlows();
    const microseconds = microsecondsBetween(startedMs, clock.monotonicMs());
    const { family } = this.#node;
    const adopted = isFirst && found.exists;
    log.info('Brought the kernel in step', { family, ports: this.#ledger.size, adopted, ...written, microseconds });
    this.#report('full', written, startedMs);
    onConverged();
  }

  #lookForDrift(): void {
    const { counters, dataplane, log, notices, syncPeriodMs } = this.#options;
    try {
      if (!dataplane.mayHaveDrifted()) {
        this.#schedule(syncPeriodMs, () => this.#lookForDrift());
        return;
      }
    } catch (error) {
      this.#noteFailure(error, 'full');
      notices.failed('Cannot look for drift', error);
    }
    const { messages } = counters;
    this.#converge();
    if (!this.#inStep || counters.messages === messages) return;
    counters.repairs += 1;
    log.warn('Somebody had changed our rules: repaired them', { messages: counters.messages - messages });
  }

  #take(): ReadonlySet<string> {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched;
  }

  /** The older first, as frontends go: a younger Service must not take over the ids of one that wins them from it. */
  #bySeniority(services: ReadonlySet<string>): string[] {
    const { tracker } = this.#options;
    const rank = (key: string) => `${tracker.service(key)?.metadata.creationTimestamp ?? ''} ${key}:`;
    const ranked = [...services].map((key) => ({ key, rank: rank(key) }));
    return ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ key }) => key);
  }

  #plan(services: ReadonlySet<string> | readonly string[]): PortPair[] {
    const { notices, onPlanned, tracker } = this.#options;
    const updates: PortPair[] = [];
    for (const key of services) {
      const service = tracker.service(key);
      const draft = service && planService(service, tracker.slicesOf(key), this.#node, this.#collector.collect);
      if (draft === undefined) this.#collector.forget(key);
      onPlanned(key, draft);
      updates.push(...this.#ledger.update(key, draft?.ports ?? []));
    }
    const pairs = mergePairs(updates);
    for (const pair of pairs) if (pair.after) notices.refused(pair, tracker.service(pair.after.name.service));
    // Of the first plan nobody can tell what was before: all flows are looked through then.
    if (this.#options.flows && this.#adopted) this.#stale.push(...staleFlows(pairs));
    return pairs;
  }

  /** Only what the kernel does not send anything to any more is worth removing: it would come back. */
  #cleanFlows(): void {
    const stale = this.#stale;
    if (stale.length === 0) return;
    this.#stale = [];
    this.#options.flows?.removeStale(stale);
  }

  #report(extent: SyncReport['extent'], written: Written, startedMs: number): void {
    const { clock, observer } = this.#options;
    const durationMs = clock.monotonicMs() - startedMs;
    observer?.synced({ family: this.#node.family, extent, durationMs, written });
  }

  #noteFailure(error: unknown, extent: SyncReport['extent']): void {
    const { counters, observer } = this.#options;
    counters.failures += 1;
    observer?.failed(this.#node.family, error, extent);
  }

  #count(written: Written): Written {
    const { counters } = this.#options;
    counters.messages += written.messages;
    counters.bytes += written.bytes;
    return written;
  }

  #schedule(delayMs: number, action: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.schedule(delayMs, () => {
      if (!this.#stopped) action();
    });
  }
}

const microsecondsBetween = (startedMs: number, endedMs: number): number => Math.round((endedMs - startedMs) * 1000);
