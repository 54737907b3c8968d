import { KernelError } from '../../kernel/errors.ts';
import type { NetlinkSocket } from '../../kernel/port.ts';
import {
  decodeFlow,
  decodeFlowCount,
  encodeCountFlows,
  encodeDeleteFlow,
  encodeDeleteFlows,
  encodeDumpFlows,
  type Flow,
  type FlowFilter,
  isFlowCount,
  matchesFilter,
} from '../../wire/conntrack/mod.ts';
import { type Answer, type AnswerError, decodeAnswer, MessageBatch } from '../../wire/netlink/mod.ts';
import type { Family } from '../plan/mod.ts';
import type { StaleFilter } from './compile-filters.ts';

/** What went through netlink. */
export interface TableTraffic {
  /** Requests to the kernel. */
  readonly messages: number;
  readonly bytesWritten: number;
  readonly bytesRead: number;
}

/** Flows that are deleted by name in one send. */
const flowsPerSend = 512;

/** Connection tracking's table at the far end of a netlink socket. All methods throw KernelError. */
export class FlowTable {
  readonly #socket: NetlinkSocket;
  #sequence = 1;
  #traffic = { messages: 0, bytesWritten: 0, bytesRead: 0 };

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** Since the last call. */
  takeTraffic(): TableTraffic {
    const traffic = this.#traffic;
    this.#traffic = { messages: 0, bytesWritten: 0, bytesRead: 0 };
    return traffic;
  }

  list(filter: FlowFilter): Flow[] {
    const { answer } = this.#exchange((batch) => encodeDumpFlows(batch, filter));
    if (answer.errors[0]) throw refused('List flows', answer.errors[0]);
    return answer.messages.map(decodeFlow);
  }

  /** Those that have gone meanwhile are no failure. Returns how many there were. */
  delete(flows: readonly Flow[]): number {
    let deleted = 0;
    for (let start = 0; start < flows.length; start += flowsPerSend) {
      const { answer } = this.#exchange((batch) => {
        for (const flow of flows.slice(start, start + flowsPerSend)) encodeDeleteFlow(batch, flow);
      });
      const error = answer.errors.find(({ code }) => code !== 'ENOENT');
      if (error) throw refused('Delete flows', error);
      deleted += Math.min(flowsPerSend, flows.length - start) - answer.errors.length;
    }
    return deleted;
  }

  /**
   * In one send, one request each. Returns by how many the table has become shorter meanwhile, since the kernel does not say
   * how many it deletes, and to count them first would be another walk through the table; undefined where it cannot: Linux
   * before 6.8 deletes single flows only.
   */
  deleteMatching(filters: readonly FlowFilter[]): number | undefined {
    const { answer } = this.#exchange((batch) => {
      encodeCountFlows(batch);
      for (const filter of filters) encodeDeleteFlows(batch, filter);
      encodeCountFlows(batch);
    });
    // It has taken the filter for the tuple of a single flow, which is not complete.
    if (answer.errors.some(({ code }) => code === 'EINVAL')) return undefined;
    if (answer.errors[0]) throw refused('Delete flows', answer.errors[0]);
    const [before = 0, after = 0] = answer.messages.filter(isFlowCount).map(decodeFlowCount);
    return Math.max(0, before - after);
  }

  close(): void {
    this.#socket.close();
  }

  #exchange(encode: (batch: MessageBatch) => void): { answer: Answer } {
    const batch = new MessageBatch(this.#sequence, 512);
    encode(batch);
    batch.acknowledgeLast();
    this.#sequence = batch.nextSequence;
    const request = batch.finish();
    const datagrams = this.#socket.exchange(request);
    this.#traffic.messages += batch.count;
    this.#traffic.bytesWritten += request.length;
    this.#traffic.bytesRead += datagrams.reduce((sum, { length }) => sum + length, 0);
    return { answer: decodeAnswer(datagrams) };
  }
}

export type OnDeleted = (family: Family, count: number) => void;

/** Lists what passes the kernel's filter, and deletes what is stale of it. All filters are of one family and protocol. */
export function removeListed(
  table: FlowTable,
  kernelFilter: FlowFilter,
  filters: readonly StaleFilter[],
  onDeleted: OnDeleted,
): void {
  const byPort = Map.groupBy(filters, ({ port }) => port);
  const isStale = (flow: Flow) =>
    byPort.get(flow.original.destinationPort ?? 0)?.some((one) => one.isStale(flow)) ?? false;
  // A kernel that does not know all of the filter hands over more.
  const found = table.list(kernelFilter).filter((flow) => matchesFilter(kernelFilter, flow));
  const count = table.delete(found.filter(isStale));
  if (count > 0) onDeleted(filters[0]!.family, count);
}

const refused = (operation: string, { code, errno, message }: AnswerError): KernelError =>
  new KernelError(operation, { code, number: errno }, message ? { kernelMessage: message } : {});
