import type { Cancel, Clock } from '../../base/clock.ts';
import { matchesFilter } from '../../wire/conntrack/mod.ts';
import type { PortPlan, StaleFlow } from '../plan/mod.ts';
import { unservedFlows, withPortsOf } from './compile-census.ts';
import { compileFilters, unansweredFlows } from './compile-filters.ts';
import { type FlowTable, type OnDeleted, removeListed } from './flow-table.ts';

export interface UnansweredOptions {
  readonly table: FlowTable;
  readonly clock: Clock;
  readonly onDeleted: OnDeleted;
  /** Is told of a failure, and after how long it would be tried again. */
  readonly onFailure: (error: unknown, retryMs: number) => void;
}

/** Before a client repeats its SYN for the first time (1 s, RFC 6298), and after any endpoint that lives has answered. */
const delayMs = 500;
/** How long Linux repeats a SYN (net.ipv4.tcp_syn_retries), and how long conntrack remembers one. */
const patienceMs = 120_000;
/** A walk through a long table takes tens of milliseconds: it may take a twentieth of our time. */
const restFactor = 20;

/**
 * Removes flows of TCP and SCTP that lead to an endpoint which has gone and that nobody has answered: conntrack would send the
 * client's repetitions to the same place until the client gives up, two minutes later; with the entry gone the next one is
 * given a living endpoint. Answered flows are nobody's business: the endpoint may be finishing its work.
 */
export class UnansweredFlows {
  readonly #options: UnansweredOptions;
  #stale: StaleFlow[] = [];
  #census: readonly PortPlan[] = [];
  #restUntilMs = 0;
  #failures = 0;
  #dueMs = 0;
  #cancel: Cancel | undefined;

  constructor(options: UnansweredOptions) {
    this.#options = options;
  }

  /** Soon, together with what comes until then. */
  add(flows: readonly StaleFlow[]): void {
    if (flows.length === 0) return;
    this.#stale.push(...flows);
    // Nobody is there to answer those that were never redirected, and their repetitions may be refused as things stand.
    this.#soon(flows.some(({ endpoint }) => endpoint === 'none') ? 0 : delayMs);
  }

  /** As soon, of all flows to these ports those that no endpoint of theirs serves. */
  addAllBut(ports: readonly PortPlan[]): void {
    if (ports.length === 0) return;
    this.#census = withPortsOf(this.#census, ports);
    this.#soon(delayMs);
  }

  #soon(inMs: number): void {
    // After a failure its retry is waited for.
    if (this.#failures > 0) return;
    const nowMs = this.#options.clock.monotonicMs();
    this.#schedule(Math.max(inMs, this.#restUntilMs - nowMs));
  }

  close(): void {
    this.#cancel?.();
  }

  #schedule(inMs: number): void {
    const { clock } = this.#options;
    const dueMs = clock.monotonicMs() + inMs;
    if (this.#cancel && this.#dueMs <= dueMs) return;
    this.#cancel?.();
    this.#dueMs = dueMs;
    this.#cancel = clock.schedule(inMs, () => {
      this.#cancel = undefined;
      this.#remove();
    });
  }

  #remove(): void {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    try {
      for (const flows of Map.groupBy(this.#stale, keyOf).values()) this.#removeOf(flows);
      this.#stale = [];
      for (const ports of Map.groupBy(this.#census, ({ family, name }) => `${family} ${name.protocol}`).values()) {
        this.#removeUnserved(ports);
      }
      this.#census = [];
      this.#failures = 0;
    } catch (error) {
      this.#retry(error);
    }
    const endedMs = clock.monotonicMs();
    this.#restUntilMs = endedMs + restFactor * (endedMs - startedMs);
  }

  /** Until whoever waited has given up. */
  #retry(error: unknown): void {
    this.#failures += 1;
    const retryMs = delayMs * 2 ** this.#failures;
    this.#options.onFailure(error, retryMs);
    if (retryMs <= patienceMs) this.#schedule(retryMs);
    else {
      this.#stale = [];
      this.#census = [];
      this.#failures = 0;
    }
  }

  /** Of one family and protocol: one walk through the table, from which the kernel hands over the unanswered only. */
  #removeOf(flows: readonly StaleFlow[]): void {
    const { table, onDeleted } = this.#options;
    const { family, protocol } = flows[0]!;
    const redirected = flows.every(({ endpoint }) => endpoint !== 'none');
    removeListed(table, unansweredFlows(family, protocol, { redirected }), compileFilters(flows), onDeleted);
  }

  /** What the ports serve is looked at only when somebody waits. */
  #removeUnserved(ports: readonly PortPlan[]): void {
    const { table, onDeleted } = this.#options;
    const { family, name } = ports[0]!;
    const filter = unansweredFlows(family, name.protocol, { redirected: true });
    const waiting = table.list(filter).filter((flow) => matchesFilter(filter, flow));
    if (waiting.length === 0) return;
    const count = table.delete(waiting.filter(unservedFlows(ports, name.protocol)));
    if (count > 0) onDeleted(family, count);
  }
}

const keyOf = ({ family, protocol }: StaleFlow): string => `${family} ${protocol}`;
