import {
  anyRefusal,
  type ExtendedError,
  encodeReadyAnswer,
  encodeRejection,
  encodeRelayed,
  encodeResponse,
  extendedErrors,
  parseQuery,
  type Query,
  type ReadyAnswer,
  type ReadyRecords,
  recordClasses,
  recordTypes,
  responseCodes,
  type Transport,
  wireOf,
} from '../../wire/dns/mod.ts';
import type { Forwarder } from '../forward/mod.ts';
import { ForwardError } from '../forward/mod.ts';
import type { ClusterZone, Found } from '../zone/mod.ts';
import { AliasChase } from './alias.ts';

export interface ResponderOptions {
  /** Without it every question is forwarded. */
  readonly cluster?: { readonly zone: ClusterZone; readonly isSynced: () => boolean };
  readonly forwarder: Forwarder;
  /** How long ANY's answer may be kept. */
  readonly ttlSeconds: number;
}

/** An answer to send, or undefined when the sender gets none. */
export type Reply = Buffer | undefined;

const transferTypes: readonly number[] = [recordTypes.AXFR, recordTypes.IXFR];
/** Types that are no data: nobody can have records of them (RFC 6895 section 3.1). */
const metaTypes: readonly number[] = [recordTypes.TKEY, recordTypes.TSIG, recordTypes.MAILA, recordTypes.MAILB];

/** Questions in, answers out. What the cluster's zone knows is answered at once, the rest when a resolver has answered. */
export class Responder {
  readonly #options: ResponderOptions;
  readonly #chase: AliasChase;

  constructor(options: ResponderOptions) {
    this.#options = options;
    this.#chase = new AliasChase(options.forwarder, options.cluster?.zone);
  }

  /** `packet` must not be changed before the answer is there. Never throws for anything that `packet` may hold. */
  respond(packet: Uint8Array, transport: Transport): Reply | Promise<Reply> {
    const query = parseQuery(packet);
    if (!query) return undefined;
    if (query.rcode !== responseCodes.NoError) return encodeRejection(query);
    return this.#refuse(packet, query, transport) ?? this.#answer(packet, query, transport);
  }

  /** RFC 8906: whatever is not served is said so, never passed over in silence. */
  #refuse(packet: Uint8Array, query: Query, transport: Transport): Buffer | undefined {
    if (query.edns && query.edns.version > 0) return this.#fail(packet, query, transport, responseCodes.BadVers);
    if (query.class !== recordClasses.IN) {
      return this.#fail(packet, query, transport, responseCodes.Refused, notSupported('Only class IN is served'));
    }
    if (query.type < recordTypes.TKEY && query.type !== recordTypes.OPT && query.type !== 0) return undefined;
    if (query.type === recordTypes.OPT || query.type === 0) {
      return this.#fail(packet, query, transport, responseCodes.FormErr);
    }
    if (transferTypes.includes(query.type)) {
      const error = { code: extendedErrors.Prohibited, text: 'Zone transfers are not allowed' };
      return this.#fail(packet, query, transport, responseCodes.Refused, error);
    }
    if (metaTypes.includes(query.type)) return this.#fail(packet, query, transport, responseCodes.NotImp);
    return undefined;
  }

  #answer(packet: Uint8Array, query: Query, transport: Transport): Buffer | Promise<Buffer> {
    const { cluster } = this.#options;
    if (cluster && !cluster.isSynced() && cluster.zone.covers(query.key)) {
      const error = { code: extendedErrors.NotReady, text: 'The cluster has not been listed yet' };
      return this.#fail(packet, query, transport, responseCodes.ServFail, error);
    }
    const found = cluster?.zone.lookup(query.key);
    if (found) return this.#fromZone(packet, query, transport, found);
    if (query.type === recordTypes.ANY) return this.#refuseAny(packet, query, transport, false);
    return this.#forward(packet, query, transport);
  }

  #fromZone(packet: Uint8Array, query: Query, transport: Transport, found: Found): Buffer | Promise<Buffer> {
    if (!found.name) return this.#negative(packet, query, transport, found, responseCodes.NXDomain);
    const answer = found.name.answer(query.type);
    if (answer) return this.#positive(packet, query, transport, answer);
    if (query.type === recordTypes.ANY) return this.#refuseAny(packet, query, transport, true);
    if (found.name.isAlias) return this.#followAlias(packet, query, transport, found);
    return this.#negative(packet, query, transport, found, responseCodes.NoError);
  }

  #positive(packet: Uint8Array, query: Query, transport: Transport, answer: ReadyAnswer): Buffer {
    return encodeResponse(
      packet,
      query,
      { rcode: responseCodes.NoError, authoritative: true, recursionAvailable: true, answer },
      transport,
    );
  }

  #negative(packet: Uint8Array, query: Query, transport: Transport, found: Found, rcode: number): Buffer {
    // Only who speaks EDNS can be told why; for the others the sentence need not be made.
    const error = query.edns && { code: extendedErrors.Other, text: this.#options.cluster!.zone.explain(query.key) };
    return encodeResponse(
      packet,
      query,
      {
        rcode,
        authoritative: true,
        recursionAvailable: true,
        authorities: this.#startOfAuthority(query, found),
        ...(error && { error }),
      },
      transport,
    );
  }

  #startOfAuthority(query: Query, found: Found): ReadyRecords {
    return found.apex.negative(query.key.length, this.#options.cluster!.zone.serial);
  }

  /** RFC 8482: one small record instead of all there is, which was only ever of use to those who flood others. */
  #refuseAny(packet: Uint8Array, query: Query, transport: Transport, authoritative: boolean): Buffer {
    const name = wireOf(query.key);
    const answer = encodeReadyAnswer(name, [anyRefusal(name, this.#options.ttlSeconds)]);
    const rcode = responseCodes.NoError;
    return encodeResponse(packet, query, { rcode, authoritative, recursionAvailable: true, answer }, transport);
  }

  async #followAlias(packet: Uint8Array, query: Query, transport: Transport, found: Found): Promise<Buffer> {
    const chased = await this.#chase.follow(query, found);
    return encodeResponse(
      packet,
      query,
      {
        rcode: chased.rcode,
        authoritative: true,
        recursionAvailable: true,
        answer: encodeReadyAnswer(wireOf(query.key), chased.records),
        ...(chased.ended && { authorities: this.#startOfAuthority(query, found) }),
        ...(chased.error && { error: chased.error }),
      },
      transport,
    );
  }

  async #forward(packet: Uint8Array, query: Query, transport: Transport): Promise<Buffer> {
    try {
      const question = packet.subarray(12, query.questionEnd);
      const dnssecOk = query.edns?.dnssecOk ?? false;
      const answer = await this.#options.forwarder.ask({ question, flags: query.flags, dnssecOk });
      return encodeRelayed(packet, query, answer, transport);
    } catch (error) {
      if (!(error instanceof ForwardError)) throw error;
      return this.#fail(packet, query, transport, responseCodes.ServFail, error.extended);
    }
  }

  #fail(packet: Uint8Array, query: Query, transport: Transport, rcode: number, error?: ExtendedError): Buffer {
    const response = { rcode, authoritative: false, recursionAvailable: true, ...(error && { error }) };
    return encodeResponse(packet, query, response, transport);
  }
}

const notSupported = (text: string): ExtendedError => ({ code: extendedErrors.NotSupported, text });
