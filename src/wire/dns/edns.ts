import { recordTypes } from './constants.ts';

/** Why an answer is what it is (RFC 8914): a code of its registry and a sentence for people. */
export interface ExtendedError {
  readonly code: number;
  readonly text: string;
}

export interface OptRecord {
  /** What the sender of this record can receive. */
  readonly payloadBytes: number;
  /** Whole response code; its upper eight bits travel in the record. */
  readonly rcode: number;
  readonly dnssecOk: boolean;
  readonly notes?: Notes | undefined;
}

/** What an answer says about itself besides its records, to those who speak EDNS. */
export interface Notes {
  readonly error?: ExtendedError | undefined;
  /** For those who ask with `originOption`: which plugin has answered, then from what. */
  readonly origin?: string | undefined;
}

/** RFC 8914 */
export const extendedErrorOption = 15;
/**
 * Of the range for local use (RFC 6891 section 9): empty in a query, it asks where the answer comes from, which stands in
 * the answer's as UTF-8. `signalbox dns why` sends it; a server that does not know it passes it over.
 */
export const originOption = 65_053;

const optBytes = 11;
const optionHeaderBytes = 4;

/** Appends an OPT record (RFC 6891 section 6.1.2) to `out` at `at`; the version is 0. Returns where it ends. */
export function writeOpt(out: Buffer, at: number, opt: OptRecord): number {
  out[at] = 0;
  out.writeUInt16BE(recordTypes.OPT, at + 1);
  out.writeUInt16BE(opt.payloadBytes, at + 3);
  out[at + 5] = opt.rcode >> 4;
  out[at + 6] = 0;
  out.writeUInt16BE(opt.dnssecOk ? 0x8000 : 0, at + 7);
  const length = optLength(opt.notes);
  out.writeUInt16BE(length - optBytes, at + 9);
  const { error, origin } = opt.notes ?? {};
  let end = at + optBytes;
  if (error) {
    end = writeOption(out, end, extendedErrorOption, 2, error.text);
    out.writeUInt16BE(error.code, at + optBytes + optionHeaderBytes);
  }
  if (origin !== undefined) end = writeOption(out, end, originOption, 0, origin);
  return end;
}

/** `before` bytes ahead of the text are left to the caller. */
function writeOption(out: Buffer, at: number, code: number, before: number, text: string): number {
  const written = out.write(text, at + optionHeaderBytes + before, 'utf8');
  out.writeUInt16BE(code, at);
  out.writeUInt16BE(before + written, at + 2);
  return at + optionHeaderBytes + before + written;
}

/** Bytes that `writeOpt` will take. */
export const optLength = (notes: Notes | undefined): number =>
  optBytes +
  (notes?.error ? optionHeaderBytes + 2 + Buffer.byteLength(notes.error.text, 'utf8') : 0) +
  (notes?.origin === undefined ? 0 : optionHeaderBytes + Buffer.byteLength(notes.origin, 'utf8'));

/** The extended error among the options of an OPT record, which stand from `start` to `end`. */
export function readExtendedError(message: Uint8Array, start: number, end: number): ExtendedError | undefined {
  const view = Buffer.from(message.buffer, message.byteOffset, message.length);
  for (let at = start; at + optionHeaderBytes <= end; at += optionHeaderBytes + view.readUInt16BE(at + 2)) {
    const length = view.readUInt16BE(at + 2);
    const from = at + optionHeaderBytes;
    if (view.readUInt16BE(at) !== extendedErrorOption || length < 2 || from + length > end) continue;
    // Some servers end the text with a NUL, which RFC 8914 section 2 tells readers to expect.
    return { code: view.readUInt16BE(from), text: view.toString('utf8', from + 2, from + length).replace(/\0+$/, '') };
  }
  return undefined;
}
