import type { Cancel, Clock } from '../base/clock.ts';
import { codeOf, messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Dataplane, Written } from './dataplane/port.ts';
import { diff, operationCount } from './diff/mod.ts';
import {
  frontendText,
  Ledger,
  mergePairs,
  type NodeFacts,
  type PortPair,
  type PortPlan,
  planService,
  portNameText,
} from './plan/mod.ts';
import type { Tracker } from './track/mod.ts';

/** What the proxy has done since it started. */
export interface ProxyCounters {
  /** Transactions after events, and times that the whole plan was compared with the kernel. */
  syncs: number;
  convergences: number;
  servicesTouched: number;
  operations: number;
  messages: number;
  bytes: number;
  failures: number;
  /** Times that the kernel did not hold what we had written. */
  repairs: number;
}

export interface SynchronizerOptions {
  readonly tracker: Tracker;
  readonly dataplane: Dataplane;
  readonly node: NodeFacts;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between two looks for changes that others made. */
  readonly syncPeriodMs: number;
  /** The kernel is in step for the first time. */
  readonly onSynced: () => void;
}

const firstRetryMs = 50;
const longestRetryMs = 30_000;

/**
 * Carries what the tracker reports into the kernel. A change is one transaction; at the start, and whenever a
 * transaction fails, the whole plan is compared with what the kernel holds, and only the difference is written.
 */
export class Synchronizer {
  readonly counters: ProxyCounters = {
    syncs: 0,
    convergences: 0,
    servicesTouched: 0,
    operations: 0,
    messages: 0,
    bytes: 0,
    failures: 0,
    repairs: 0,
  };
  readonly #options: SynchronizerOptions;
  readonly #ledger = new Ledger();
  /** False until the ids and slots of an earlier run have been taken over. */
  #adopted = false;
  /** The kernel is known to hold what the last write meant it to. */
  #inStep = false;
  /** A failed attempt is to be repeated, and not before its time. */
  #waiting = false;
  #failuresInARow = 0;
  #cancelTimer: Cancel = () => {};
  #stopped = false;

  constructor(options: SynchronizerOptions) {
    this.#options = options;
  }

  ports(): IterableIterator<PortPlan> {
    return this.#ledger.ports();
  }

  /** Brings what the tracker reports into the kernel, unless a failure is being waited out. */
  sync(): void {
    if (this.#stopped || this.#waiting) return;
    if (this.#inStep) this.#applyTouched();
    else this.#converge();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer();
  }

  #applyTouched(): void {
    const { clock, dataplane, log, tracker } = this.#options;
    const startedMs = clock.monotonicMs();
    const touched = tracker.take();
    const changes = diff(this.#plan(touched));
    const operations = changes.reduce((sum, change) => sum + operationCount(change), 0);
    this.counters.syncs += 1;
    this.counters.servicesTouched += touched.size;
    this.counters.operations += operations;
    if (changes.length === 0) return;
    try {
      const written = this.#count(dataplane.apply(changes));
      // On the machine's own clock, for whoever compares it with a capture or with another process.
      const committedMs = clock.monotonicMs();
      const microseconds = microsecondsBetween(startedMs, committedMs);
      log.debug('Synced services', { services: touched.size, operations, ...written, microseconds, committedMs });
    } catch (error) {
      this.#inStep = false;
      this.#noteFailure('Cannot apply changes, comparing the whole plan with the kernel', error);
      this.#converge();
    }
  }

  /** Compares everything; a failure is retried after a while that doubles. */
  #converge(): void {
    this.#inStep = false;
    try {
      this.#convergeOnce();
      this.#failuresInARow = 0;
      this.#schedule(this.#options.syncPeriodMs, () => this.#lookForDrift());
    } catch (error) {
      const delayMs = Math.min(firstRetryMs * 2 ** this.#failuresInARow, longestRetryMs);
      this.#noteFailure('Cannot bring the kernel in step', error, { retryMs: delayMs });
      this.#failuresInARow += 1;
      this.#waiting = true;
      this.#schedule(delayMs, () => {
        this.#waiting = false;
        this.#converge();
      });
    }
  }

  #convergeOnce(): void {
    const { clock, dataplane, log, tracker, onSynced } = this.#options;
    const startedMs = clock.monotonicMs();
    const found = dataplane.read();
    if (!this.#adopted) this.#ledger.beginAdoption(found.groups);
    this.#plan(this.#adopted ? tracker.take() : this.#bySeniority(tracker.take()));
    this.#ledger.endAdoption();
    const isFirst = !this.#adopted;
    this.#adopted = true;
    const written = this.#count(dataplane.converge(found, this.#ledger.ports()));
    this.#inStep = true;
    this.counters.convergences += 1;
    const microseconds = microsecondsBetween(startedMs, clock.monotonicMs());
    log.info('Brought the kernel in step', {
      ports: this.#ledger.size,
      adopted: isFirst && found.exists,
      ...written,
      microseconds,
    });
    onSynced();
  }

  #lookForDrift(): void {
    const { dataplane, log, syncPeriodMs } = this.#options;
    try {
      if (!dataplane.mayHaveDrifted()) {
        this.#schedule(syncPeriodMs, () => this.#lookForDrift());
        return;
      }
    } catch (error) {
      this.#noteFailure('Cannot look for drift', error);
    }
    const { messages } = this.counters;
    this.#converge();
    if (!this.#inStep || this.counters.messages === messages) return;
    this.counters.repairs += 1;
    log.warn('Somebody had changed our rules: repaired them', { messages: this.counters.messages - messages });
  }

  /** The older first, as frontends go: a younger Service must not take over the ids of one that wins them from it. */
  #bySeniority(services: ReadonlySet<string>): string[] {
    const { tracker } = this.#options;
    const rank = (key: string) => `${tracker.service(key)?.metadata.creationTimestamp ?? ''} ${key}:`;
    const ranked = [...services].map((key) => ({ key, rank: rank(key) }));
    return ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ key }) => key);
  }

  #plan(services: ReadonlySet<string> | readonly string[]): PortPair[] {
    const { node, tracker } = this.#options;
    const updates: PortPair[] = [];
    for (const key of services) {
      const service = tracker.service(key);
      const drafts = service ? planService(service, tracker.slicesOf(key), node).ports : [];
      updates.push(...this.#ledger.update(key, drafts));
    }
    const pairs = mergePairs(updates);
    for (const pair of pairs) this.#warnOfRefused(pair);
    return pairs;
  }

  #warnOfRefused({ before, after }: PortPair): void {
    if (!after || after.refused.length === 0 || before?.refused.length === after.refused.length) return;
    const frontends = after.refused.map((frontend) => frontendText(frontend, after.name.protocol));
    this.#options.log.warn('Another Service has the same frontend', { port: portNameText(after.name), frontends });
  }

  #count(written: Written): Written {
    this.counters.messages += written.messages;
    this.counters.bytes += written.bytes;
    return written;
  }

  #noteFailure(message: string, error: unknown, fields: object = {}): void {
    this.counters.failures += 1;
    this.#options.log.warn(message, { code: codeOf(error), error: messageOf(error), ...fields });
  }

  #schedule(delayMs: number, action: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.schedule(delayMs, () => {
      if (!this.#stopped) action();
    });
  }
}

const microsecondsBetween = (startedMs: number, endedMs: number): number => Math.round((endedMs - startedMs) * 1000);
