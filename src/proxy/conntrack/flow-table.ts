import { KernelError } from '../../kernel/errors.ts';
import type { NetlinkSocket } from '../../kernel/port.ts';
import {
  decodeFlow,
  encodeDeleteFlow,
  encodeDeleteFlows,
  encodeDumpFlows,
  type Flow,
  type FlowFilter,
} from '../../wire/conntrack/mod.ts';
import { type Answer, type AnswerError, decodeAnswer, MessageBatch } from '../../wire/netlink/mod.ts';

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
    return this.#dump(filter).map(decodeFlow);
  }

  /** How many the kernel finds. */
  count(filter: FlowFilter): number {
    return this.#dump(filter).length;
  }

  #dump(filter: FlowFilter): Answer['messages'] {
    const { answer } = this.#exchange((batch) => encodeDumpFlows(batch, filter));
    if (answer.errors[0]) throw refused('List flows', answer.errors[0]);
    return answer.messages;
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

  /** In one send, one request each. Returns false where the kernel cannot: Linux before 6.8 deletes single flows only. */
  deleteMatching(filters: readonly FlowFilter[]): boolean {
    const { answer } = this.#exchange((batch) => {
      for (const filter of filters) encodeDeleteFlows(batch, filter);
    });
    // It has taken the filter for the tuple of a single flow, which is not complete.
    if (answer.errors.some(({ code }) => code === 'EINVAL')) return false;
    if (answer.errors[0]) throw refused('Delete flows', answer.errors[0]);
    return true;
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

const refused = (operation: string, { code, errno, message }: AnswerError): KernelError =>
  new KernelError(operation, { code, number: errno }, message ? { kernelMessage: message } : {});
