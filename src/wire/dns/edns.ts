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
  readonly error?: ExtendedError;
}

const extendedErrorOption = 15;
const optBytes = 11;
const errorOptionBytes = 6;

/** Appends an OPT record (RFC 6891 section 6.1.2) to `out` at `at`; the version is 0. Returns where it ends. */
export function writeOpt(out: Buffer, at: number, opt: OptRecord): number {
  out[at] = 0;
  out.writeUInt16BE(recordTypes.OPT, at + 1);
  out.writeUInt16BE(opt.payloadBytes, at + 3);
  out[at + 5] = opt.rcode >> 4;
  out[at + 6] = 0;
  out.writeUInt16BE(opt.dnssecOk ? 0x8000 : 0, at + 7);
  const text = opt.error ? Buffer.from(opt.error.text, 'utf8') : undefined;
  out.writeUInt16BE(text ? errorOptionBytes + text.length : 0, at + 9);
  if (!opt.error || !text) return at + optBytes;
  out.writeUInt16BE(extendedErrorOption, at + 11);
  out.writeUInt16BE(2 + text.length, at + 13);
  out.writeUInt16BE(opt.error.code, at + 15);
  return at + optBytes + errorOptionBytes + text.copy(out, at + 17);
}

/** Bytes that `writeOpt` will take. */
export const optLength = (error: ExtendedError | undefined): number =>
  optBytes + (error ? errorOptionBytes + Buffer.byteLength(error.text, 'utf8') : 0);
