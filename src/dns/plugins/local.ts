import {
  addressRecord,
  encodeName,
  encodeReadyAnswer,
  isWithin,
  keyOf,
  labelsOf,
  nsRecord,
  ptrRecord,
  type ResourceRecord,
  recordTypes,
  responseCodes,
  soaRecord,
  wireOf,
} from '../../wire/dns/mod.ts';
import type { Answer, Plugin } from '../chain/port.ts';

/** A week, as CoreDNS has it: what these names are never changes. */
const ttlSeconds = 604_800;
const localhost = encodeName('localhost');
const addresses = [Uint8Array.of(127, 0, 0, 1), Uint8Array.from({ length: 16 }, (_, index) => Number(index === 15))];
const zones = ['localhost', '0.in-addr.arpa', '127.in-addr.arpa', '255.in-addr.arpa'].map(keyOf);
const pointer = keyOf('1.0.0.127.in-addr.arpa');

/**
 * Answers names of this host and of no network, which nobody else is to be asked for (RFC 6303, RFC 6761), and
 * `localhost.some.domain`, which a search list makes of one (plugin/local).
 */
export function createLocalPlugin(onLocalhost: () => void): Plugin {
  return (next) => (question) => {
    const { key, type } = question.query;
    const zone = zones.find((candidate) => isWithin(key, candidate));
    if (zone !== undefined) return answerIn(zone, key, type);
    if (labelsOf(key)[0] !== 'localhost') return next(question);
    onLocalhost();
    return answerOf(key, key, addressesOf(key), type);
  };
}

function answerIn(zone: string, key: string, type: number): Answer {
  if (key === zone) return answerOf(key, zone, [...(key === zones[0] ? addressesOf(key) : []), ...apexOf(zone)], type);
  const records = key === pointer ? [ptrRecord(wireOf(key), localhost, ttlSeconds)] : undefined;
  return answerOf(key, zone, records, type);
}

const addressesOf = (key: string): ResourceRecord[] =>
  addresses.map((address) => addressRecord(wireOf(key), address, ttlSeconds));

function apexOf(zone: string): ResourceRecord[] {
  const name = wireOf(zone);
  const times = { refreshSeconds: 0, retrySeconds: 0, expireSeconds: 0, negativeTtlSeconds: ttlSeconds };
  const soa = { primary: localhost, mailbox: encodeName('root.localhost'), serial: 1, ...times };
  return [soaRecord(name, soa, ttlSeconds), nsRecord(name, localhost, ttlSeconds)];
}

/** Without `records` there is no such name. */
function answerOf(key: string, zone: string, records: readonly ResourceRecord[] | undefined, type: number): Answer {
  const found = (records ?? []).filter((record) => record.type === type);
  const rcode = records ? responseCodes.NoError : responseCodes.NXDomain;
  const soa = apexOf(zone).filter((record) => record.type === recordTypes.SOA);
  const authorities = found.length > 0 ? {} : { authorities: encodeReadyAnswer(wireOf(key), soa).answers };
  const answer = encodeReadyAnswer(wireOf(key), found);
  const response = { rcode, authoritative: true, recursionAvailable: true, answer, ...authorities };
  return { kind: 'ready', from: 'local', response };
}
