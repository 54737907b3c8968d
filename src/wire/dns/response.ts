import { headerBytes, headerFlags, maxMessageBytes, plainUdpBytes, responseCodes } from './constants.ts';
import { type ExtendedError, type Notes, optLength, writeOpt } from './edns.ts';
import type { Query } from './query.ts';
import { noRecords, type ReadyAnswer, type ReadyRecords } from './sections.ts';

export interface Response {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly recursionAvailable: boolean;
  readonly answer?: ReadyAnswer;
  readonly authorities?: ReadyRecords;
  readonly error?: ExtendedError;
  /** Where it comes from; given only when the client asks for it. */
  readonly origin?: string;
}

export interface Transport {
  readonly kind: 'udp' | 'tcp';
  /** The largest answer that we send in one datagram, and the size we offer to receive. */
  readonly maxUdpBytes: number;
}

/** How large an answer this client may be sent. */
export function answerLimit(query: Query, transport: Transport): number {
  if (transport.kind === 'tcp') return maxMessageBytes;
  return query.edns ? Math.min(query.edns.payloadBytes, transport.maxUdpBytes) : plainUdpBytes;
}

/**
 * An answer to `query`, which was read from `packet`. Whole records only: additional ones are left out silently when
 * they do not fit (RFC 2181 section 9), answers with the TC bit set.
 */
export function encodeResponse(packet: Uint8Array, query: Query, response: Response, transport: Transport): Buffer {
  const limit = answerLimit(query, transport);
  const { questionEnd } = query;
  const notes = query.edns ? notesOf(response, limit - questionEnd) : undefined;
  const room = limit - questionEnd - (query.edns ? optLength(notes) : 0);

  const answers = response.answer?.answers ?? noRecords;
  const answerCount = recordsWithin(answers, room);
  const truncated = answerCount < answers.ends.length;
  const answerBytes = bytesOf(answers, answerCount);
  const authorities = truncated ? noRecords : (response.authorities ?? noRecords);
  const authorityCount = recordsWithin(authorities, room - answerBytes);
  const authorityBytes = bytesOf(authorities, authorityCount);
  const additionals = truncated ? noRecords : (response.answer?.additionals ?? noRecords);
  const additionalCount = recordsWithin(additionals, room - answerBytes - authorityBytes);
  const additionalBytes = bytesOf(additionals, additionalCount);

  const out = Buffer.allocUnsafe(limit - room + answerBytes + authorityBytes + additionalBytes);
  writeHeader(out, query, response, truncated);
  writeUint16(out, 4, 1);
  writeUint16(out, 6, answerCount);
  writeUint16(out, 8, authorityCount);
  writeUint16(out, 10, additionalCount + (query.edns ? 1 : 0));
  copyBytes(out, headerBytes, packet, headerBytes, questionEnd);
  let at = questionEnd;
  if (response.answer && answerCount > 0) at = copyInTurn(out, at, response.answer, answerBytes);
  at = copyBytes(out, at, authorities.bytes, 0, authorityBytes);
  at = copyBytes(out, at, additionals.bytes, 0, additionalBytes);
  if (query.edns) writeOpt(out, at, optFor(query, response.rcode, transport, notes));
  return out;
}

/** Twelve bytes that say only that, and why, there is no answer: for packets whose question cannot be trusted. */
export function encodeRejection(query: Query): Buffer {
  const out = Buffer.alloc(headerBytes);
  writeHeader(out, query, { rcode: query.rcode, authoritative: false, recursionAvailable: false }, false);
  return out;
}

export const optFor = (query: Query, rcode: number, transport: Transport, notes?: Notes) => ({
  payloadBytes: transport.maxUdpBytes,
  rcode,
  dnssecOk: query.edns?.dnssecOk ?? false,
  notes,
});

function notesOf(response: Response, room: number): Notes | undefined {
  const { answer, authorities } = response;
  if (!response.error && response.origin === undefined) return undefined;
  return fittingNotes(response, (answer?.answers.bytes.length ?? 0) + (authorities?.bytes.length ?? 0), room);
}

/** Sentences are left out when the records would not fit with them: they must not cost the client a second question. */
export function fittingNotes(notes: Notes, recordBytes: number, room: number): Notes | undefined {
  const { error, origin } = notes;
  if (!error && origin === undefined) return undefined;
  const fits = (candidate: Notes) => recordBytes + optLength(candidate) <= room;
  if (fits({ error, origin })) return { error, origin };
  if (!error) return undefined;
  return [{ error }, { error: { ...error, text: '' } }].find(fits);
}

function writeHeader(out: Buffer, query: Query, response: Response, truncated: boolean): void {
  writeUint16(out, 0, query.id);
  // Opcode, RD and CD come back as they were sent; Z and AD do not.
  let flags = headerFlags.response | (query.flags & (0x7800 | headerFlags.recursionDesired));
  flags |= query.flags & headerFlags.checkingDisabled;
  if (response.authoritative) flags |= headerFlags.authoritative;
  if (response.recursionAvailable) flags |= headerFlags.recursionAvailable;
  if (truncated) flags |= headerFlags.truncated;
  // A code of more than four bits cannot be said without EDNS; only a query with EDNS can meet one (BADVERS).
  const rcode = response.rcode > 0xf && !query.edns ? responseCodes.ServFail : response.rcode;
  writeUint16(out, 2, flags | (rcode & 0xf));
}

function recordsWithin(records: ReadyRecords, room: number): number {
  if (records.bytes.length <= room) return records.ends.length;
  return records.ends.findIndex((end) => end > room);
}

const bytesOf = (records: ReadyRecords, count: number): number => (count === 0 ? 0 : records.ends[count - 1]!);

/** The first answer of one response is the last of the next: clients that take the first one spread themselves. */
function copyInTurn(out: Buffer, at: number, answer: ReadyAnswer, length: number): number {
  const { bytes } = answer.answers;
  if (answer.turnBytes === 0) return copyBytes(out, at, bytes, 0, length);
  const start = answer.turn * answer.turnBytes;
  answer.turn = (answer.turn + 1) % answer.answers.ends.length;
  const untilEnd = Math.min(bytes.length - start, length);
  return copyBytes(out, copyBytes(out, at, bytes, start, start + untilEnd), bytes, 0, length - untilEnd);
}

/** For a few dozen bytes a loop is faster than a call out of JavaScript. */
function copyBytes(out: Buffer, at: number, from: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length > 64) out.set(from.subarray(start, end), at);
  else for (let byte = 0; byte < length; byte++) out[at + byte] = from[start + byte]!;
  return at + length;
}

function writeUint16(out: Buffer, at: number, value: number): void {
  out[at] = value >> 8;
  out[at + 1] = value & 0xff;
}
