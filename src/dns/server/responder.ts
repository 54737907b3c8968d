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

/** An answer to send, or undefined when the sender gets none. */
export type Reply = Buffer | undefined;

/** Answers a packet of `client`, which must not be changed before the answer is there. */
export type Respond = (packet: Buffer, client: Question['client']) => Reply | Promise<Reply>;

const transferTypes: readonly number[] = [recordTypes.AXFR, recordTypes.IXFR];
/** Types that are no data: nobody can have records of them (RFC 6895 section 3.1). */
const metaTypes: readonly number[] = [recordTypes.TKEY, recordTypes.TSIG, recordTypes.MAILA, recordTypes.MAILB];

/** The rim of the chain: packets in, questions to the first handler, its answers out, each cut to what its client takes. */
export class Responder {
  readonly #head: Handler;

  constructor(head: Handler) {
    this.#head = head;
  }

  /** `packet` must not be changed before the answer is there. Never throws for anything that `packet` may hold. */
  respond(packet: Uint8Array, transport: Transport, client: Question['client']): Reply | Promise<Reply> {
    const query = parseQuery(packet);
    if (!query) return undefined;
    if (query.rcode !== responseCodes.NoError) return encodeRejection(query);
    const refused = refuse(packet, query, transport);
    if (refused) return refused;
    const question: Question = { packet, query, transport, client };
    const answer = this.#head(question);
    return answer instanceof Promise ? encodeLater(question, answer) : encodeAnswer(question, answer);
  }
}

const encodeLater = async (question: Question, answer: Promise<Answer>): Promise<Buffer> =>
  encodeAnswer(question, await answer);

const encodeAnswer = ({ packet, query, transport }: Question, answer: Answer): Buffer =>
  answer.kind === 'ready'
    ? encodeResponse(packet, query, answer.response, transport)
    : encodeRelayed(packet, query, answer.upstream, transport);

/** RFC 8906: whatever is not served is said so, never passed over in silence. */
function refuse(packet: Uint8Array, query: Query, transport: Transport): Buffer | undefined {
  const { type } = query;
  const fail = (rcode: number, error?: ExtendedError) =>
    encodeResponse(
      packet,
      query,
      { rcode, authoritative: false, recursionAvailable: true, ...(error && { error }) },
      transport,
    );
  if (query.edns && query.edns.version > 0) return fail(responseCodes.BadVers);
  if (query.class !== recordClasses.IN) {
    return fail(responseCodes.Refused, { code: extendedErrors.NotSupported, text: 'Only class IN is served' });
  }
  if (type === recordTypes.OPT || type === 0) return fail(responseCodes.FormErr);
  if (type < recordTypes.TKEY) return undefined;
  if (transferTypes.includes(type)) {
    return fail(responseCodes.Refused, { code: extendedErrors.Prohibited, text: 'Zone transfers are not allowed' });
  }
  return metaTypes.includes(type) ? fail(responseCodes.NotImp) : undefined;
}
