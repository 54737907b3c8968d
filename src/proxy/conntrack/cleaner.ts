import type { Cancel, Clock } from '../../base/clock.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Kernel } from '../../kernel/port.ts';
import type { PortPlan, StaleFlow } from '../plan/mod.ts';
import type { FlowCleaner } from '../ports.ts';
import { compileCensus, withPortsOf } from './compile-census.ts';
import { compileFilters, everyFlow, type StaleFilter } from './compile-filters.ts';
import { FlowTable, type OnDeleted, removeListed, type TableTraffic } from './flow-table.ts';
import { UnansweredFlows } from './unanswered.ts';

export interface CleanerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Path of the network namespace; default: the process's own. */
  readonly netns?: string;
  /** Is told how many flows have been removed. */
  readonly onDeleted?: OnDeleted;
}

export interface ConntrackCleaner extends FlowCleaner {
  /** What went through netlink since the last call. */
  takeTraffic(): TableTraffic;
  close(): void;
}

/** Throws KernelError when there is no netlink socket to be had. */
export function createConntrackCleaner(kernel: Kernel, options: CleanerOptions): ConntrackCleaner {
  const { netns } = options;
  return new Cleaner(new FlowTable(kernel.openNetlink('netfilter', netns === undefined ? {} : { netns })), options);
}

/** More requests than that are a list of all UDP flows instead: the kernel walks its whole table for each of them. */
const filtersLimit = 32;

const firstRetryMs = 100;
const longestRetryMs = 30_000;

class Cleaner implements ConntrackCleaner {
  readonly #table: FlowTable;
  readonly #options: CleanerOptions;
  readonly #unanswered: UnansweredFlows;
  #deletesByFilter = true;
  /** What a failure has left over, to be tried again together. */
  #stale: StaleFlow[] = [];
  #census: readonly PortPlan[] | undefined;
  #failures = 0;
  #cancelRetry: Cancel | undefined;

  constructor(table: FlowTable, options: CleanerOptions) {
    this.#table = table;
    this.#options = options;
    const { clock } = options;
    const onFailure = (error: unknown, retryMs: number) =>
      this.#failed('Cannot remove unanswered flows', error, retryMs);
    this.#unanswered = new UnansweredFlows({ table, clock, onDeleted: this.#onDeleted, onFailure });
  }

  removeStale(flows: readonly StaleFlow[]): void {
    this.#unanswered.add(flows.filter(({ protocol }) => protocol !== 'UDP'));
    const udp = flows.filter(({ protocol }) => protocol === 'UDP');
    if (udp.length === 0) return;
    this.#stale.push(...udp);
    this.#clean();
  }

  removeAllBut(ports: Iterable<PortPlan>): void {
    const all = [...ports];
    this.#unanswered.addAllBut(all.filter(({ name }) => name.protocol !== 'UDP'));
    this.#census = withPortsOf(
      this.#census ?? [],
      all.filter(({ name }) => name.protocol === 'UDP'),
    );
    // Whatever has turned stale until now, the look at everything finds it, frontends that are gone aside.
    this.#stale = this.#stale.filter(({ endpoint }) => endpoint === 'any');
    this.#clean();
  }

  takeTraffic(): TableTraffic {
    return this.#table.takeTraffic();
  }

  close(): void {
    this.#cancelRetry?.();
    this.#unanswered.close();
    this.#table.close();
  }

  /** While a retry is waited for, what comes is only added to it. */
  #clean(): void {
    if (this.#cancelRetry) return;
    try {
      if (this.#stale.length > 0) this.#removeStale(compileFilters(this.#stale));
      this.#stale = [];
      if (this.#census) this.#removeAllBut(this.#census);
      this.#census = undefined;
      this.#failures = 0;
    } catch (error) {
      this.#retry(error);
    }
  }

  #retry(error: unknown): void {
    const retryMs = Math.min(firstRetryMs * 2 ** this.#failures, longestRetryMs);
    this.#failures += 1;
    this.#failed('Cannot remove stale UDP flows', error, retryMs);
    this.#cancelRetry = this.#options.clock.schedule(retryMs, () => {
      this.#cancelRetry = undefined;
      this.#clean();
    });
  }

  #failed(message: string, error: unknown, retryMs: number): void {
    this.#options.log.warn(message, { code: codeOf(error), error: messageOf(error), retryMs });
  }

  readonly #onDeleted: OnDeleted = (family, count) => this.#options.onDeleted?.(family, count);

  #removeStale(filters: readonly StaleFilter[]): void {
    if (filters.length > filtersLimit) {
      for (const [family, own] of Map.groupBy(filters, ({ family }) => family)) {
        removeListed(this.#table, everyFlow(family, 'UDP'), own, this.#onDeleted);
      }
      return;
    }
    const exact = filters.filter(({ isExact }) => isExact);
    const rest = this.#removeMatching(exact) ? filters.filter(({ isExact }) => !isExact) : filters;
    for (const filter of rest) removeListed(this.#table, filter.kernelFilter, [filter], this.#onDeleted);
  }

  /** False: the kernel cannot delete by filter. */
  #removeMatching(filters: readonly StaleFilter[]): boolean {
    if (filters.length === 0) return true;
    if (!this.#deletesByFilter) return false;
    const count = this.#table.deleteMatching(filters.map(({ kernelFilter }) => kernelFilter));
    this.#deletesByFilter = count !== undefined;
    // IPv4 only: see `forKernel`.
    if (count) this.#onDeleted('IPv4', count);
    return this.#deletesByFilter;
  }

  #removeAllBut(ports: readonly PortPlan[]): void {
    for (const [family, own] of Map.groupBy(ports, ({ family }) => family)) {
      const { kernelFilters, isStale } = compileCensus(family, own);
      for (const filter of kernelFilters) {
        const count = this.#table.delete(this.#table.list(filter).filter(isStale));
        if (count > 0) this.#onDeleted(family, count);
      }
    }
  }
}
