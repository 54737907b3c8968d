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
import { codeOnly, errorOf, originOf, otherClass } from '../chain/mod.ts';
import type { Answer, Handler, Question } from '../chain/port.ts';
import type { MessageStream, Transfers } from './transfer.ts';

/** An answer to send, or undefined when the sender gets none. */
export type Reply = Buffer | undefined;
/** Over TCP an answer may have several messages. */
export type StreamReply = Reply | MessageStream;

/** Answers a packet of `client`, which must not be changed before the answer is there. */
export type Respond = (packet: Buffer, client: Question['client']) => Reply | Promise<Reply>;

/** Told of every answer as it is sent. */
export interface Observer {
  /** When the question came, in milliseconds of a clock of its own; undefined: not measured. */
  begin(): number;
  /** `plugin` is the `from` of the answer; empty when the rim itself has answered. */
  answered(question: Question, reply: Buffer, rcode: number, plugin: string, beganMs: number, error?: string): void;
  /** A mistake in a plugin: the client got SERVFAIL. */
  failed(question: Question, error: unknown): void;
}

/** Who answers the names of one server block. */
export interface Service {
  readonly head: Handler;
  readonly observer?: Observer;
  /** The handler sees questions of other classes than IN too. */
  readonly anyClass?: boolean;
  /** By the key of a zone's name: who may have it. Undefined: nobody. */
  readonly transfers?: (key: string) => Transfers | undefined;
}

/** By the key of the name. Undefined: nobody here answers for it. */
export type Route = (key: string) => Service | undefined;

/** Types that are no data: nobody can have records of them (RFC 6895 section 3.1). */
const metaTypes: readonly number[] = [recordTypes.TKEY, recordTypes.TSIG, recordTypes.MAILA, recordTypes.MAILB];

/** The rim of the chain: packets in, questions to the first handler, its answers out, each cut to what its client takes. */
export class Responder {
  readonly #route: Route;

  /** One handler for all names, or a route to one of several. */
  constructor(head: Handler | { readonly route: Route }) {
    const service = typeof head === 'function' ? { head } : undefined;
    this.#route = typeof head === 'function' ? () => service : head.route;
  }

  /** `packet` must not be changed before the answer is there. Never throws for anything that `packet` may hold. */
  respond(packet: Uint8Array, transport: Transport, client: Question['client']): Reply | Promise<Reply> {
    const query = parseQuery(packet);
    if (!query) return undefined;
    if (query.rcode !== responseCodes.NoError) return encodeRejection(query);
    const service = this.#route(query.key);
    const question: Question = { packet, query, transport, client };
    const beganMs = service?.observer?.begin() ?? 0;
    const refused = (isPlain(query) ? undefined : refuse(query, service)) ?? (service ? undefined : notServed);
    if (refused) return finish(service, question, refused, beganMs);
    return answer(service!, question, beganMs);
  }

  /** The same for a client that can be sent more than one message: it may ask for a whole zone. */
  respondInStream(packet: Uint8Array, transport: Transport, client: Question['client']): StreamReply | Promise<Reply> {
    if (mayBeTransfer(packet)) {
      const query = parseQuery(packet);
      const question = query && { packet, query, transport, client };
      if (question && isTransfer(query) && query.class === recordClasses.IN && !query.edns?.version) {
        const service = this.#route(query.key);
        const transfers = service?.transfers?.(query.key);
        if (transfers) return transfer(transfers, question, service?.observer);
      }
    }
    return this.respond(packet, transport, client);
  }
}

/** Of several messages the first one is what the observer is told of. */
function transfer(transfers: Transfers, question: Question, observer: Observer | undefined): StreamReply {
  const beganMs = observer?.begin() ?? 0;
  const tell = (message: Buffer) => observer?.answered(question, message, message[3]! & 0xf, 'transfer', beganMs);
  const reply = transfers.answer(question);
  if ('messages' in reply) return { messages: telling(reply.messages, tell) };
  tell(reply);
  return reply;
}

function* telling(messages: Iterator<Buffer>, tell: (first: Buffer) => void): Generator<Buffer> {
  let isFirst = true;
  for (let next = messages.next(); !next.done; next = messages.next()) {
    if (isFirst) tell(next.value);
    isFirst = false;
    yield next.value;
  }
}

function answer(service: Service, question: Question, beganMs: number): Buffer | Promise<Buffer> {
  try {
    const answered = service.head(question);
    return answered instanceof Promise
      ? finishLater(service, question, answered, beganMs)
      : finish(service, question, answered, beganMs);
  } catch (error) {
    return fail(service, question, beganMs, error);
  }
}

async function finishLater(service: Service, question: Question, answered: Promise<Answer>, beganMs: number) {
  try {
    return finish(service, question, await answered, beganMs);
  } catch (error) {
    return fail(service, question, beganMs, error);
  }
}

function finish(service: Service | undefined, question: Question, answer: Answer, beganMs: number): Buffer {
  const { packet, query, transport } = question;
  const isReady = answer.kind === 'ready';
  const origin = query.edns?.wantsOrigin ? { origin: originOf(answer) } : undefined;
  const reply = isReady
    ? encodeResponse(packet, query, origin ? { ...answer.response, ...origin } : answer.response, transport)
    : encodeRelayed(packet, query, answer.upstream, transport, query.edns && { error: errorOf(answer), ...origin });
  if (service?.observer) {
    const rcode = isReady ? answer.response.rcode : answer.upstream.rcode;
    const error = rcode === responseCodes.ServFail ? errorOf(answer)?.text : undefined;
    service.observer.answered(question, reply, rcode, answer.from ?? '', beganMs, error);
  }
  return reply;
}

/** A mistake in a plugin costs one answer, and not the server. */
function fail(service: Service, question: Question, beganMs: number, error: unknown): Buffer {
  if (!service.observer) throw error;
  service.observer.failed(question, error);
  return finish(service, question, mistaken, beganMs);
}

const mistaken = codeOnly(responseCodes.ServFail, { code: extendedErrors.Other, text: 'A mistake in the server' });

const refusal = (rcode: number, error?: ExtendedError): Answer => codeOnly(rcode, error);
const notServed = refusal(responseCodes.Refused, { code: extendedErrors.Prohibited, text: 'No such zone is served' });
const badVersion = refusal(responseCodes.BadVers);
const malformed = refusal(responseCodes.FormErr);
const notImplemented = refusal(responseCodes.NotImp);
const noTransfer = refusal(responseCodes.Refused, {
  code: extendedErrors.Prohibited,
  text: 'Zone transfers are not allowed',
});

const isTransfer = ({ type }: Query): boolean => type === recordTypes.AXFR || type === recordTypes.IXFR;

/** Without the byte that both types end in it is none: saves reading every query twice. */
const mayBeTransfer = (packet: Uint8Array): boolean => packet.includes(0xfb, 12) || packet.includes(0xfc, 12);

/** What nearly every question is: nothing to look into further before it is answered. */
const isPlain = ({ type, class: inClass, edns }: Query): boolean =>
  type < recordTypes.OPT && type !== 0 && inClass === recordClasses.IN && !edns?.version;

/** RFC 8906: whatever is not served is said so, never passed over in silence. */
function refuse(query: Query, service: Service | undefined): Answer | undefined {
  const { type } = query;
  if (query.edns && query.edns.version > 0) return badVersion;
  if (query.class !== recordClasses.IN && !service?.anyClass) return otherClass;
  if (type === recordTypes.OPT || type === 0) return malformed;
  if (type < recordTypes.TKEY) return undefined;
  if (isTransfer(query)) return noTransfer;
  return metaTypes.includes(type) ? notImplemented : undefined;
}
