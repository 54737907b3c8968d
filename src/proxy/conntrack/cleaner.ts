import type { Cancel, Clock } from '../../base/clock.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Kernel } from '../../kernel/port.ts';
import type { Flow } from '../../wire/conntrack/mod.ts';
import type { Family, PortPlan, StaleFlow } from '../plan/mod.ts';
import type { FlowCleaner } from '../ports.ts';
import { compileCensus } from './compile-census.ts';
import { compileFilters, everyUdpFlow, type StaleFilter } from './compile-filters.ts';
import { FlowTable, type TableTraffic } from './flow-table.ts';

export interface CleanerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Path of the network namespace; default: the process's own. */
  readonly netns?: string;
  /** Is told how many flows have been removed. */
  readonly onDeleted?: (family: Family, count: number) => void;
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
  #deletesByFilter = true;
  /** What a failure has left over, to be tried again together. */
  #stale: StaleFlow[] = [];
  #census: readonly PortPlan[] | undefined;
  #failures = 0;
  #cancelRetry: Cancel | undefined;

  constructor(table: FlowTable, options: CleanerOptions) {
    this.#table = table;
    this.#options = options;
  }

  removeStale(flows: readonly StaleFlow[]): void {
    if (flows.length === 0) return;
    this.#stale.push(...flows);
    this.#clean();
  }

  removeAllBut(ports: Iterable<PortPlan>): void {
    this.#census = [...ports].filter(({ name }) => name.protocol === 'UDP');
    // Whatever has turned stale until now, the look at everything finds it, frontends that are gone aside.
    this.#stale = this.#stale.filter(({ endpoint }) => endpoint === 'any');
    this.#clean();
  }

  takeTraffic(): TableTraffic {
    return this.#table.takeTraffic();
  }

  close(): void {
    this.#cancelRetry?.();
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
    const { clock, log } = this.#options;
    const retryMs = Math.min(firstRetryMs * 2 ** this.#failures, longestRetryMs);
    this.#failures += 1;
    log.warn('Cannot remove stale UDP flows', { code: codeOf(error), error: messageOf(error), retryMs });
    this.#cancelRetry = clock.schedule(retryMs, () => {
      this.#cancelRetry = undefined;
      this.#clean();
    });
  }

  #removeStale(filters: readonly StaleFilter[]): void {
    if (filters.length > filtersLimit) {
      for (const family of familiesOf(filters)) this.#removeListed(family, everyUdpFlow(family), filters);
      return;
    }
    const rest = filters.filter((one) => !(one.isExact && this.#removeMatching(one)));
    for (const filter of rest) this.#removeListed(filter.family, filter.kernelFilter, [filter]);
  }

  /** The kernel does not say how many it deletes, so they are counted before. False: it cannot delete by filter. */
  #removeMatching({ family, kernelFilter }: StaleFilter): boolean {
    if (!this.#deletesByFilter) return false;
    const count = this.#table.count(kernelFilter);
    if (count === 0) return true;
    this.#deletesByFilter = this.#table.deleteMatching([kernelFilter]);
    if (this.#deletesByFilter) this.#deleted(family, count);
    return this.#deletesByFilter;
  }

  #delete(family: Family, flows: readonly Flow[]): void {
    this.#deleted(family, this.#table.delete(flows));
  }

  #deleted(family: Family, count: number): void {
    if (count > 0) this.#options.onDeleted?.(family, count);
  }

  #removeListed(family: Family, kernelFilter: StaleFilter['kernelFilter'], filters: readonly StaleFilter[]): void {
    const byPort = Map.groupBy(filters, ({ port }) => port);
    const isStale = (flow: Flow) =>
      byPort.get(flow.original.destinationPort ?? 0)?.some((one) => one.isStale(flow)) ?? false;
    this.#delete(family, this.#table.list(kernelFilter).filter(isStale));
  }

  #removeAllBut(ports: readonly PortPlan[]): void {
    for (const [family, own] of Map.groupBy(ports, ({ family }) => family)) {
      const { kernelFilters, isStale } = compileCensus(family, own);
      for (const filter of kernelFilters) this.#delete(family, this.#table.list(filter).filter(isStale));
    }
  }
}

const familiesOf = (filters: readonly StaleFilter[]): Set<Family> => new Set(filters.map(({ family }) => family));
