import {
  type ExtendedError,
  encodeRejection,
  encodeRelayed,
  encodeResponse,
  extendedErrors,
  parseQuery,
  type Query,
  recordClasses,
  recordTypes,
  responseCodes,
  type Transport,
} from '../../wire/dns/mod.ts';
import type { Answer, Handler, Question } from '../chain/port.ts';
import type { MessageStream, Transfers } from './transfer.ts';

/** An answer to send, or undefined when the sender gets none. */
export type Reply = Buffer | undefined;
/** Over TCP an answer may have several messages. */
export type StreamReply = Reply | MessageStream;

/** Answers a packet of `client`, which must not be changed before the answer is there. */
export type Respond = (packet: Buffer, client: Question['client']) => Reply | Promise<Reply>;

/** Types that are no data: nobody can have records of them (RFC 6895 section 3.1). */
const metaTypes: readonly number[] = [recordTypes.TKEY, recordTypes.TSIG, recordTypes.MAILA, recordTypes.MAILB];

export interface ResponderOptions {
  /** Without it zone transfers are refused. */
  readonly transfers?: Transfers;
}

/** The rim of the chain: packets in, questions to the first handler, its answers out, each cut to what its client takes. */
export class Responder {
  readonly #head: Handler;
  readonly #transfers: Transfers | undefined;

  constructor(head: Handler, { transfers }: ResponderOptions = {}) {
    this.#head = head;
    this.#transfers = transfers;
  }

  /** `packet` must not be changed before the answer is there. Never throws for anything that `packet` may hold. */
  respond(packet: Uint8Array, transport: Transport, client: Question['client']): Reply | Promise<Reply> {
    const query = parseQuery(packet);
    if (!query) return undefined;
    if (query.rcode !== responseCodes.NoError) return encodeRejection(query);
    const question: Question = { packet, query, transport, client };
    if (!isPlain(query)) {
      const refused = refuse(question);
      if (refused) return refused;
    }
    const answer = this.#head(question);
    return answer instanceof Promise ? encodeLater(question, answer) : encodeAnswer(question, answer);
  }

  /** The same for a client that can be sent more than one message: it may ask for a whole zone. */
  respondInStream(packet: Uint8Array, transport: Transport, client: Question['client']): StreamReply | Promise<Reply> {
    if (this.#transfers && mayBeTransfer(packet)) {
      const query = parseQuery(packet);
      const question = query && { packet, query, transport, client };
      if (question && isTransfer(query) && query.class === recordClasses.IN && !query.edns?.version) {
        return this.#transfers.answer(question);
      }
    }
    return this.respond(packet, transport, client);
  }
}

const encodeLater = async (question: Question, answer: Promise<Answer>): Promise<Buffer> =>
  encodeAnswer(question, await answer);

const encodeAnswer = ({ packet, query, transport }: Question, answer: Answer): Buffer =>
  answer.kind === 'ready'
    ? encodeResponse(packet, query, answer.response, transport)
    : encodeRelayed(packet, query, answer.upstream, transport);

const isTransfer = ({ type }: Query): boolean => type === recordTypes.AXFR || type === recordTypes.IXFR;

/** Without the byte that both types end in it is none: saves reading every query twice. */
const mayBeTransfer = (packet: Uint8Array): boolean => packet.includes(0xfb, 12) || packet.includes(0xfc, 12);

/** What nearly every question is: nothing to look into further before it is answered. */
const isPlain = ({ type, class: inClass, edns }: Query): boolean =>
  type < recordTypes.OPT && type !== 0 && inClass === recordClasses.IN && !edns?.version;

/** RFC 8906: whatever is not served is said so, never passed over in silence. */
function refuse({ packet, query, transport }: Question): Buffer | undefined {
  const { type } = query;
  const fail = (rcode: number, error?: ExtendedError) => {
    const response = { rcode, authoritative: false, recursionAvailable: true, ...(error && { error }) };
    return encodeResponse(packet, query, response, transport);
  };
  if (query.edns && query.edns.version > 0) return fail(responseCodes.BadVers);
  if (query.class !== recordClasses.IN) {
    return fail(responseCodes.Refused, { code: extendedErrors.NotSupported, text: 'Only class IN is served' });
  }
  if (type === recordTypes.OPT || type === 0) return fail(responseCodes.FormErr);
  if (isTransfer(query)) {
    return fail(responseCodes.Refused, { code: extendedErrors.Prohibited, text: 'Zone transfers are not allowed' });
  }
  return metaTypes.includes(type) ? fail(responseCodes.NotImp) : undefined;
}
