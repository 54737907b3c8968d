import { headerBytes, headerFlags, opcodes, plainUdpBytes, recordTypes, responseCodes } from './constants.ts';
import { originOption } from './edns.ts';
import { nameKey, plainNameEnd, skipName } from './name.ts';

/** What the client's OPT record says (RFC 6891). Options that we do not know are passed over. */
export interface Edns {
  readonly version: number;
  /** At least 512, as section 6.2.3 demands. */
  readonly payloadBytes: number;
  readonly dnssecOk: boolean;
  /** It asks where the answer comes from (`originOption`). */
  readonly wantsOrigin?: boolean;
}

/** One question as a client asked it; offsets are into the packet that it was read from. */
export interface Query {
  readonly id: number;
  /** The header's flag word as it came. */
  readonly flags: number;
  readonly opcode: number;
  /** Not NoError: the packet cannot be understood and this is the code to say so with; the fields below are empty. */
  readonly rcode: number;
  /** End of the question section: what an answer repeats, letter for letter, begins at byte 12 and ends here. */
  readonly questionEnd: number;
  readonly key: string;
  readonly type: number;
  readonly class: number;
  readonly edns: Edns | undefined;
}

/**
 * Reads a query. Undefined when no answer may be given at all: shorter than a header, or itself an answer (two servers
 * that answer answers would never stop, RFC 8906 section 3.2.3 notwithstanding).
 */
export function parseQuery(packet: Uint8Array): Query | undefined {
  if (packet.length < headerBytes) return undefined;
  const flags = uint16(packet, 2);
  if (flags & headerFlags.response) return undefined;
  const id = uint16(packet, 0);
  const opcode = (flags >> 11) & 0xf;
  if (opcode !== opcodes.Query) return rejected(id, flags, opcode, responseCodes.NotImp);
  // More than one question has no meaning (RFC 9619).
  if (uint16(packet, 4) !== 1) return rejected(id, flags, opcode, responseCodes.FormErr);
  const nameEnd = plainNameEnd(packet, headerBytes);
  if (nameEnd < 0 || nameEnd + 4 > packet.length) return rejected(id, flags, opcode, responseCodes.FormErr);
  const type = uint16(packet, nameEnd);
  const questionEnd = nameEnd + 4;
  const recordsBefore = uint16(packet, 6) + uint16(packet, 8);
  const edns = recordsBefore + uint16(packet, 10) === 0 ? undefined : readEdns(packet, questionEnd, recordsBefore);
  if (edns === 'malformed') return rejected(id, flags, opcode, responseCodes.FormErr);
  return {
    id,
    flags,
    opcode,
    rcode: responseCodes.NoError,
    questionEnd,
    key: nameKey(packet, headerBytes, nameEnd),
    type,
    class: uint16(packet, nameEnd + 2),
    edns,
  };
}

/** Looks for the OPT record among the additional ones; at most one is allowed, and only there, under the root's name. */
function readEdns(packet: Uint8Array, start: number, recordsBefore: number): Edns | undefined | 'malformed' {
  const records = recordsBefore + uint16(packet, 10);
  let at = start;
  let edns: Edns | undefined;
  for (let record = 0; record < records; record++) {
    const nameEnd = skipName(packet, at);
    if (nameEnd < 0 || nameEnd + 10 > packet.length) return 'malformed';
    const end = nameEnd + 10 + uint16(packet, nameEnd + 8);
    if (end > packet.length) return 'malformed';
    if (uint16(packet, nameEnd) === recordTypes.OPT) {
      const misplaced = record < recordsBefore || nameEnd !== at + 1;
      const wantsOrigin = readOptions(packet, nameEnd + 10, end);
      if (edns || misplaced || wantsOrigin === 'malformed') return 'malformed';
      edns = {
        version: packet[nameEnd + 5]!,
        payloadBytes: Math.max(plainUdpBytes, uint16(packet, nameEnd + 2)),
        dnssecOk: (packet[nameEnd + 6]! & 0x80) !== 0,
        wantsOrigin,
      };
    }
    at = end;
  }
  return edns;
}

/** Whether the one option that we know is among them. */
function readOptions(packet: Uint8Array, start: number, end: number): boolean | 'malformed' {
  let wantsOrigin = false;
  let at = start;
  while (at + 4 <= end) {
    if (uint16(packet, at) === originOption) wantsOrigin = true;
    at += 4 + uint16(packet, at + 2);
  }
  return at === end ? wantsOrigin : 'malformed';
}

const rejected = (id: number, flags: number, opcode: number, rcode: number): Query => ({
  id,
  flags,
  opcode,
  rcode,
  questionEnd: headerBytes,
  key: '',
  type: 0,
  class: 0,
  edns: undefined,
});

export const uint16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;
