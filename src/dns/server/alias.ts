import {
  type ExtendedError,
  mapMessage,
  nameKey,
  nameText,
  type Query,
  type ResourceRecord,
  readRecord,
  recordClasses,
  recordTypes,
  responseCodes,
} from '../../wire/dns/mod.ts';
import { ForwardError, type Forwarder } from '../forward/mod.ts';
import type { ClusterZone, Found, ZoneName } from '../zone/mod.ts';

export interface Chased {
  readonly rcode: number;
  /** The alias, what it leads to, and so on, in that order. */
  readonly records: readonly ResourceRecord[];
  /** The way ended within the cluster's zone without a record of the wanted type. */
  readonly ended: boolean;
  readonly error?: ExtendedError;
}

/** Longer chains are mistakes or circles; CoreDNS stops after as many. */
const longestChain = 8;

/** Follows an ExternalName Service to the records that the client wants, within the cluster and beyond. */
export class AliasChase {
  readonly #forwarder: Forwarder;
  readonly #zone: ClusterZone | undefined;

  constructor(forwarder: Forwarder, zone: ClusterZone | undefined) {
    this.#forwarder = forwarder;
    this.#zone = zone;
  }

  async follow(query: Query, start: Found): Promise<Chased> {
    const records: ResourceRecord[] = [];
    let name: ZoneName | undefined = start.name;
    while (name?.isAlias && records.length < longestChain) {
      const alias = name.records(recordTypes.CNAME).answers[0]!;
      records.push(alias);
      const found = this.#zone?.lookup(nameKey(alias.data));
      if (!found) return this.#beyond(query, records, alias.data);
      name = found.name;
    }
    if (name?.isAlias) return { rcode: responseCodes.ServFail, records: [], ended: false, error: tooLong };
    const wanted = name?.records(query.type).answers ?? [];
    const rcode = name ? responseCodes.NoError : responseCodes.NXDomain;
    return { rcode, records: [...records, ...wanted], ended: wanted.length === 0 };
  }

  async #beyond(query: Query, aliases: ResourceRecord[], target: Uint8Array): Promise<Chased> {
    const question = Buffer.concat([target, Uint8Array.of(query.type >> 8, query.type & 0xff, 0, recordClasses.IN)]);
    try {
      const answer = await this.#forwarder.ask({ question, flags: query.flags, dnssecOk: false });
      const { message, rcode } = answer;
      const found = rcode === responseCodes.NoError ? mapMessage(message).answers : [];
      return { rcode, records: [...aliases, ...found.map((place) => readRecord(message, place))], ended: false };
    } catch (error) {
      const extended = error instanceof ForwardError ? error.extended : undefined;
      if (!extended && (error as { code?: string }).code !== 'malformed') throw error;
      const text = `${nameText(target)}: ${extended?.text ?? 'a malformed answer'}`;
      return {
        rcode: responseCodes.ServFail,
        records: aliases,
        ended: false,
        error: { code: extended?.code ?? 24, text },
      };
    }
  }
}

const tooLong: ExtendedError = { code: 0, text: `A chain of more than ${longestChain} aliases` };
