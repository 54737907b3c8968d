import { headerBytes, headerFlags, maxMessageBytes, recordTypes, responseCodes } from './constants.ts';
import { type ExtendedError, type Notes, optLength, readExtendedError, writeOpt } from './edns.ts';
import { nameKey } from './name.ts';
import { type Query, uint16 } from './query.ts';
import { mapMessage, type RecordPlace } from './records.ts';
import { answerLimit, fittingNotes, optFor, type Transport } from './response.ts';

/** A question on its way to another resolver. */
export interface UpstreamQuery {
  /** Name, type and class as in the message. */
  readonly question: Uint8Array;
  /** RD, AD and CD as the client set them; other bits are ignored. */
  readonly flags: number;
  readonly dnssecOk: boolean;
}

/** `withEdns` false is for resolvers so old that they choke on an OPT record (RFC 6891 section 7). */
export function encodeUpstreamQuery(
  query: UpstreamQuery,
  id: number,
  options: { withEdns: boolean; payloadBytes: number },
): Buffer {
  const end = headerBytes + query.question.length;
  const out = Buffer.alloc(end + (options.withEdns ? optLength(undefined) : 0));
  const kept = headerFlags.recursionDesired | headerFlags.authenticData | headerFlags.checkingDisabled;
  out.writeUInt16BE(id, 0);
  out.writeUInt16BE(query.flags & kept, 2);
  out.writeUInt16BE(1, 4);
  out.set(query.question, headerBytes);
  if (!options.withEdns) return out;
  out.writeUInt16BE(1, 10);
  const { payloadBytes } = options;
  writeOpt(out, end, { payloadBytes, rcode: responseCodes.NoError, dnssecOk: query.dnssecOk });
  return out;
}

/** What a resolver answered: its message without the OPT record, which is between us and it alone (RFC 6891 6.2.6). */
export interface UpstreamAnswer {
  /** Header, question and whole records, as they came. */
  readonly message: Uint8Array;
  readonly rcode: number;
  readonly truncated: boolean;
  readonly hadEdns: boolean;
  /** Why it is what it is, by its own words (RFC 8914). */
  readonly error?: ExtendedError;
  /** `address:port` of the resolver that said so. */
  readonly resolver?: string;
}

/** Whether `message` answers this very question with this id: else it is somebody else's, or somebody's forgery. */
export function answersQuestion(message: Uint8Array, id: number, question: Uint8Array): boolean {
  const end = headerBytes + question.length;
  if (message.length < headerBytes || uint16(message, 0) !== id) return false;
  if (!(message[2]! & 0x80) || (message[2]! & 0x78) !== 0) return false;
  // Servers that cannot read the question (FORMERR) or will not (NOTIMP) may leave it out.
  if (uint16(message, 4) === 0) return (message[3]! & 0xf) !== 0 && message.length === headerBytes;
  if (uint16(message, 4) !== 1 || message.length < end) return false;
  const nameEnd = question.length - 4;
  return (
    nameKey(message, headerBytes, headerBytes + nameEnd) === nameKey(question, 0, nameEnd) &&
    uint16(message, end - 4) === uint16(question, nameEnd) &&
    uint16(message, end - 2) === uint16(question, nameEnd + 2)
  );
}

/** Throws MalformedMessageError. `message` must answer the question (`answersQuestion`). */
export function readUpstreamAnswer(message: Uint8Array): UpstreamAnswer {
  const flags = uint16(message, 2);
  const truncated = (flags & headerFlags.truncated) !== 0;
  if (uint16(message, 4) === 0) return { message, rcode: flags & 0xf, truncated, hadEdns: false };
  const map = mapMessage(message);
  const optIndex = map.additionals.findIndex(({ type }) => type === recordTypes.OPT);
  const opt = map.additionals[optIndex];
  // Additional records may be dropped at will, but none may move: others point at their names.
  const kept = opt ? map.additionals.slice(0, optIndex) : map.additionals;
  const stripped = Buffer.from(message.subarray(0, endOf(map, kept)));
  stripped.writeUInt16BE(kept.length, 10);
  const extended = opt ? message[opt.dataStart - 6]! << 4 : 0;
  const error = opt && readExtendedError(message, opt.dataStart, opt.end);
  return {
    message: stripped,
    rcode: extended | (flags & 0xf),
    truncated,
    hadEdns: opt !== undefined,
    ...(error && { error }),
  };
}

function endOf(map: ReturnType<typeof mapMessage>, additionals: readonly RecordPlace[]): number {
  const last = additionals.at(-1) ?? map.authorities.at(-1) ?? map.answers.at(-1);
  return last?.end ?? map.questionEnd;
}

/**
 * An upstream's answer for the client that asked: its id, its spelling of the name, its size limit, its EDNS with our own
 * notes in it.
 */
export function encodeRelayed(
  packet: Uint8Array,
  query: Query,
  answer: UpstreamAnswer,
  transport: Transport,
  wanted: Notes = {},
): Buffer {
  const hasQuestion = uint16(answer.message, 4) === 1;
  const source = hasQuestion ? answer.message : bareAnswer(packet, query, answer);
  const limit = Math.min(answerLimit(query, transport), maxMessageBytes);
  const notes = query.edns && fittingNotes(wanted, source.length, limit);
  const opt = query.edns ? optLength(notes) : 0;
  const fits = source.length + opt <= limit;
  const end = fits ? source.length : lastFitting(source, limit - opt);
  const out = Buffer.allocUnsafe(end + opt);
  out.set(source.subarray(0, end));
  out.set(packet.subarray(0, 2));
  out.set(packet.subarray(headerBytes, query.questionEnd), headerBytes);
  out.writeUInt16BE(relayedFlags(query, answer, !fits), 2);
  if (!fits) writeFittingCounts(out, source, end);
  if (query.edns) {
    out.writeUInt16BE(out.readUInt16BE(10) + 1, 10);
    writeOpt(out, end, optFor(query, Math.min(answer.rcode, 0xfff), transport, notes));
  }
  return out;
}

/** AA is not ours to claim; AD only tells those who asked for it (RFC 6840 section 5.8). */
function relayedFlags(query: Query, answer: UpstreamAnswer, cut: boolean): number {
  const wantsAuthentication = query.edns?.dnssecOk === true || (query.flags & headerFlags.authenticData) !== 0;
  let flags = headerFlags.response | headerFlags.recursionAvailable;
  flags |= query.flags & (headerFlags.recursionDesired | headerFlags.checkingDisabled);
  if (wantsAuthentication) flags |= uint16(answer.message, 2) & headerFlags.authenticData;
  if (cut || answer.truncated) flags |= headerFlags.truncated;
  const rcode = answer.rcode > 0xf && !query.edns ? responseCodes.ServFail : answer.rcode;
  return flags | (rcode & 0xf);
}

function bareAnswer(packet: Uint8Array, query: Query, answer: UpstreamAnswer): Buffer {
  const message = Buffer.from(packet.subarray(0, query.questionEnd));
  message.set(answer.message.subarray(0, headerBytes));
  message.fill(0, 4, headerBytes);
  message.writeUInt16BE(1, 4);
  return message;
}

/** The end of the last whole record of the answer section within `limit`; a cut message keeps no other section. */
function lastFitting(source: Uint8Array, limit: number): number {
  const { answers, questionEnd } = mapMessage(source);
  return answers.findLast(({ end }) => end <= limit)?.end ?? questionEnd;
}

function writeFittingCounts(out: Buffer, source: Uint8Array, end: number): void {
  const { answers } = mapMessage(source);
  out.writeUInt16BE(answers.filter((place) => place.end <= end).length, 6);
  out.writeUInt16BE(0, 8);
  out.writeUInt16BE(0, 10);
}
