import ipaddr from 'ipaddr.js';
import { UsageError } from '../../base/errors.ts';
import {
  type ExtendedError,
  encodeReadyAnswer,
  encodeResponse,
  extendedErrors,
  mapMessage,
  type ResourceRecord,
  readRecord,
  recordTypes,
  responseCodes,
  wireOf,
} from '../../wire/dns/mod.ts';
import type { Question } from '../chain/port.ts';

export interface TransferOptions {
  /** What there is to transfer: the SOA record first and last. Undefined: no zone of ours begins at this name. */
  readonly recordsOf: (key: string) => Iterable<ResourceRecord> | undefined;
  /** Addresses and ranges of them that may have a zone; `*` is all of them. */
  readonly to: readonly string[];
  /** Whether nothing else forbids it, such as an access list. */
  readonly permits?: (question: Question) => boolean;
  /** False: the zone is not complete yet. */
  readonly isReady?: () => boolean;
}

/** Several messages that answer one question, made one by one as the client takes them. */
export interface MessageStream {
  readonly messages: Iterator<Buffer>;
}

/** About how much of a zone stands in one message: names further behind could not be pointed at (RFC 1035 section 4.1.4). */
const messageBytes = 16_000;

/** Zone transfers over TCP (RFC 5936). An incremental one (RFC 1995) is answered with "no news" or the whole zone. */
export class Transfers {
  readonly #recordsOf: TransferOptions['recordsOf'];
  readonly #isReady: () => boolean;
  readonly #permits: (question: Question) => boolean;
  readonly #allows: readonly ((address: string) => boolean)[];

  /** Throws UsageError for an address that is none. */
  constructor({ recordsOf, to, permits = () => true, isReady = () => true }: TransferOptions) {
    this.#recordsOf = recordsOf;
    this.#isReady = isReady;
    this.#permits = permits;
    this.#allows = to.map(parseReceiver);
  }

  answer(question: Question): Buffer | MessageStream {
    const { packet, query, client } = question;
    const address = normal(client.address);
    const isAllowed = this.#allows.some((allows) => allows(address)) && this.#permits(question);
    if (!isAllowed) return refusal(question, 'Zone transfers are not allowed for this address');
    const records = this.#recordsOf(query.key);
    if (!records) return codeOnly(question, responseCodes.NotAuth, 'No zone of this server begins at this name');
    if (!this.#isReady()) return codeOnly(question, responseCodes.ServFail, notListed, extendedErrors.NotReady);
    const iterator = records[Symbol.iterator]();
    const soa = iterator.next().value as ResourceRecord;
    if (query.type === recordTypes.IXFR && serialOf(soa) === knownSerial(packet)) {
      return encodeRecords(question, [soa]);
    }
    return { messages: messagesOf(question, soa, iterator) };
  }
}

const notListed = 'The cluster has not been listed yet';

function* messagesOf(question: Question, first: ResourceRecord, others: Iterator<ResourceRecord>): Generator<Buffer> {
  let chunk = [first];
  let bytes = 0;
  for (let next = others.next(); !next.done; next = others.next()) {
    chunk.push(next.value);
    bytes += next.value.name.length + next.value.data.length + 10;
    if (bytes < messageBytes) continue;
    yield encodeRecords(question, chunk);
    chunk = [];
    bytes = 0;
  }
  if (chunk.length > 0) yield encodeRecords(question, chunk);
}

function encodeRecords({ packet, query, transport }: Question, records: readonly ResourceRecord[]): Buffer {
  const answer = encodeReadyAnswer(wireOf(query.key), records);
  // Copied in the order in which they stand: the SOA record is what tells a client that it has all.
  const inOrder = { ...answer, turnBytes: 0 };
  const response = { rcode: responseCodes.NoError, authoritative: true, recursionAvailable: true, answer: inOrder };
  return encodeResponse(packet, query, response, transport);
}

const refusal = (question: Question, text: string): Buffer =>
  codeOnly(question, responseCodes.Refused, text, extendedErrors.Prohibited);

function codeOnly({ packet, query, transport }: Question, rcode: number, text: string, code?: number): Buffer {
  const error: ExtendedError = { code: code ?? extendedErrors.Other, text };
  return encodeResponse(packet, query, { rcode, authoritative: false, recursionAvailable: true, error }, transport);
}

/** The serial number stands before the last four numbers of the SOA record. */
const serialOf = ({ data }: ResourceRecord): number => Buffer.from(data).readUInt32BE(data.length - 20);

/** That of the SOA record in an incremental query's authority section; undefined without one. */
function knownSerial(packet: Uint8Array): number | undefined {
  try {
    const [place] = mapMessage(packet).authorities;
    const record = place?.type === recordTypes.SOA ? readRecord(packet, place) : undefined;
    return record && record.data.length > 20 ? serialOf(record) : undefined;
  } catch (error) {
    if ((error as { code?: string }).code === 'malformed') return undefined;
    throw error;
  }
}

/**
 * `*`, a range such as `10.0.0.0/8`, or an address, with or without a port, which notifications would go to. Throws
 * UsageError.
 */
export function parseReceiver(text: string): (address: string) => boolean {
  if (text === '*') return () => true;
  if (ipaddr.isValidCIDR(text)) {
    const [network, bits] = ipaddr.parseCIDR(text);
    return (address) => {
      const given = ipaddr.parse(address);
      return given.kind() === network.kind() && given.match(network, bits);
    };
  }
  const bare = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  if (!ipaddr.isValid(bare)) {
    throw new UsageError('Read transfer to', `${JSON.stringify(text)} is not an address, a range or *`);
  }
  const allowed = normal(bare);
  return (address) => address === allowed;
}

/** One spelling for each address; an IPv4 client of an IPv6 socket is itself. */
const normal = (address: string): string => ipaddr.process(address.split('%', 1)[0]!).toString();
