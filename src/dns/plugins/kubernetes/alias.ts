import {
  type ExtendedError,
  extendedErrors,
  mapMessage,
  nameKey,
  nameText,
  type ResourceRecord,
  readRecord,
  recordTypes,
  responseCodes,
} from '../../../wire/dns/mod.ts';
import { errorOf, innerQuestion, messageOf, rcodeOf } from '../../chain/mod.ts';
import type { Handler, Question } from '../../chain/port.ts';
import type { ClusterZone, Found, ZoneName } from '../../zone/mod.ts';

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

/** From an ExternalName Service to the records that the client wants; `beyond` knows the names outside the cluster. */
export async function followAlias(
  question: Question,
  start: Found,
  zone: ClusterZone,
  beyond: Handler,
): Promise<Chased> {
  const { type } = question.query;
  const records: ResourceRecord[] = [];
  let name: ZoneName | undefined = start.name;
  while (name?.isAlias && records.length < longestChain) {
    const alias = name.records(recordTypes.CNAME).answers[0]!;
    records.push(alias);
    const found = zone.lookup(nameKey(alias.data));
    if (!found) return askBeyond(innerQuestion(question, alias.data, type), records, alias.data, beyond);
    name = found.name;
  }
  if (name?.isAlias) return { rcode: responseCodes.ServFail, records: [], ended: false, error: tooLong };
  const wanted = name?.records(type).answers ?? [];
  const rcode = name ? responseCodes.NoError : responseCodes.NXDomain;
  const ended = wanted.length === 0;
  const text = ended && question.query.edns && zone.explain(nameKey(records.at(-1)!.data), type);
  return {
    rcode,
    records: [...records, ...wanted],
    ended,
    ...(text && { error: { code: extendedErrors.Other, text } }),
  };
}

async function askBeyond(
  question: Question,
  aliases: readonly ResourceRecord[],
  target: Uint8Array,
  beyond: Handler,
): Promise<Chased> {
  const answer = await beyond(question);
  const rcode = rcodeOf(answer);
  const error = errorOf(answer);
  const explained = error && { error: { code: error.code, text: `${nameText(target)}: ${error.text}` } };
  if (rcode !== responseCodes.NoError) return { rcode, records: aliases, ended: false, ...explained };
  try {
    const message = messageOf(question, answer);
    const found = mapMessage(message).answers.map((place) => readRecord(message, place));
    return { rcode, records: [...aliases, ...found], ended: false };
  } catch (failure) {
    if ((failure as { code?: string }).code !== 'malformed') throw failure;
    const text = `${nameText(target)}: a malformed answer`;
    return {
      rcode: responseCodes.ServFail,
      records: aliases,
      ended: false,
      error: { code: extendedErrors.InvalidData, text },
    };
  }
}

const tooLong: ExtendedError = {
  code: extendedErrors.Other,
  text: `A chain of more than ${longestChain} aliases`,
};
