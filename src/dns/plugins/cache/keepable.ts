import {
  isWithin,
  keyOf,
  mapMessage,
  nameKey,
  type ResourceRecord,
  readRecord,
  recordTypes,
  responseCodes,
  type UpstreamAnswer,
} from '../../../wire/dns/mod.ts';

/** What of an answer decides whether, and for how long, it may be kept. */
export interface Keepable {
  readonly kind: 'success' | 'denial' | 'servfail';
  /** As its records say, before any limit of ours. */
  readonly ttlSeconds: number;
  /** Where the TTLs of its records stand in the message. */
  readonly ttlPlaces: readonly number[];
}

/** RFC 2181 section 8: a TTL with the top bit set is to be taken for zero. */
const soundTtl = (seconds: number): number => (seconds >= 2 ** 31 ? 0 : seconds);

const rrsig = 46;
const dname = 39;
const root = keyOf('.');

/**
 * Undefined for what must not be kept: cut messages, referrals, codes that say nothing of the name, denials without SOA
 * (RFC 2308 section 5), and answers with records that the question does not lead to.
 */
export function keepableOf(questionKey: string, answer: UpstreamAnswer): Keepable | undefined {
  const { message, rcode, truncated } = answer;
  if (truncated || ((message[4]! << 8) | message[5]!) !== 1) return undefined;
  const map = mapMessage(message);
  const places = [...map.answers, ...map.authorities, ...map.additionals];
  const ttlPlaces = places.map(({ dataStart }) => dataStart - 6);
  // CoreDNS takes NOTIMP for the same: the resolver cannot, and will say so again.
  if (rcode === responseCodes.ServFail || rcode === responseCodes.NotImp)
    return { kind: 'servfail', ttlSeconds: 0, ttlPlaces };
  const answers = map.answers.map((place) => readRecord(message, place));
  const end = chainEnd(questionKey, answers);
  if (end === undefined) return undefined;
  const authorities = map.authorities.map((place) => readRecord(message, place));
  const isDenial = rcode === responseCodes.NXDomain || !answers.some(({ name }) => nameKey(name) === end);
  if (!isDenial && rcode === responseCodes.NoError) {
    const ttlSeconds = Math.min(...places.map((place) => soundTtl(readRecord(message, place).ttlSeconds)));
    return { kind: 'success', ttlSeconds, ttlPlaces };
  }
  if (rcode !== responseCodes.NoError && rcode !== responseCodes.NXDomain) return undefined;
  const soa = authorities.find(({ type }) => type === recordTypes.SOA);
  if (!soa || !isWithin(end, nameKey(soa.name))) return undefined;
  const ttls = [...answers, ...authorities].map((record) => soundTtl(record.ttlSeconds));
  return { kind: 'denial', ttlSeconds: Math.min(...ttls, soundTtl(minimumOf(soa))), ttlPlaces };
}

/** The last field of an SOA record: RFC 2308 made it the time for which a denial holds. */
const minimumOf = ({ data }: ResourceRecord): number =>
  new DataView(data.buffer, data.byteOffset, data.length).getUint32(data.length - 4);

/** The name to which aliases lead from the question; undefined when a record belongs to no name on the way. */
function chainEnd(questionKey: string, answers: readonly ResourceRecord[]): string | undefined {
  const aliases = new Map<string, string>();
  for (const { name, type, data } of answers) {
    if (type === recordTypes.CNAME) aliases.set(nameKey(name), nameKey(data));
  }
  const onTheWay = new Set([questionKey]);
  let end = questionKey;
  for (let next = aliases.get(end); next !== undefined && !onTheWay.has(next); next = aliases.get(end)) {
    onTheWay.add(next);
    end = next;
  }
  const belongs = ({ name, type }: ResourceRecord): boolean => {
    const owner = nameKey(name);
    if (onTheWay.has(owner)) return true;
    const mayBeAbove = type === dname || type === rrsig;
    return mayBeAbove && owner !== root && [...onTheWay].some((key) => isWithin(key, owner));
  };
  return answers.every(belongs) ? end : undefined;
}
