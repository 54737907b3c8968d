import type { RawProtocol } from './raw.ts';

/**
 * As much of SCTP (RFC 9260) as it takes to see where NAT sends an association: an INIT, and an INIT ACK whose cookie tells
 * who has answered and whom he has seen. Over raw sockets, because a kernel without SCTP knows the protocol in conntrack and
 * NAT all the same; the checksums are real, since conntrack takes no packet with a wrong one.
 */
export const sctp: RawProtocol = {
  number: 132,
  encodeQuestion: (from, to) => encode(from, to, 0, chunk.init, ''),
  isQuestion: (packet, to) =>
    packet.length >= fixedLength && packet.readUInt16BE(2) === to && packet[12] === chunk.init,
  encodeAnswer: (question, text) =>
    encode(question.readUInt16BE(2), question.readUInt16BE(0), question.readUInt32BE(16), chunk.initAck, text),
  readAnswer: (packet, from, to) =>
    packet.length > fixedLength + 4 &&
    packet.readUInt16BE(0) === from &&
    packet.readUInt16BE(2) === to &&
    packet[12] === chunk.initAck
      ? cookieOf(packet)
      : undefined,
};

const chunk = { init: 1, initAck: 2 } as const;
const stateCookie = 7;
/** Common header, chunk header, and the fixed part of INIT and INIT ACK. */
const fixedLength = 12 + 4 + 16;

/** A packet with one chunk, INIT or INIT ACK, the latter with a cookie. */
function encode(from: number, to: number, tag: number, type: number, cookie: string): Buffer {
  const parameter = cookie === '' ? Buffer.alloc(0) : Buffer.alloc((4 + cookie.length + 3) & ~3);
  if (cookie !== '') {
    parameter.writeUInt16BE(stateCookie, 0);
    parameter.writeUInt16BE(4 + cookie.length, 2);
    parameter.write(cookie, 4, 'latin1');
  }
  const packet = Buffer.concat([Buffer.alloc(fixedLength), parameter]);
  packet.writeUInt16BE(from, 0);
  packet.writeUInt16BE(to, 2);
  packet.writeUInt32BE(tag, 4);
  packet[12] = type;
  packet.writeUInt16BE(4 + 16 + (cookie === '' ? 0 : 4 + cookie.length), 14);
  // Initiate tag, receiver window, outbound and inbound streams, first transmission sequence number.
  packet.writeUInt32BE(0x5b5b5b5b, 16);
  packet.writeUInt32BE(65_536, 20);
  packet.writeUInt16BE(1, 24);
  packet.writeUInt16BE(1, 26);
  packet.writeUInt32BE(1, 28);
  packet.writeUInt32LE(crc32c(packet), 8);
  return packet;
}

const cookieOf = (packet: Buffer): string =>
  packet.toString('latin1', fixedLength + 4, fixedLength + packet.readUInt16BE(fixedLength + 2));

/** Castagnoli's, reflected (RFC 9260, appendix A); Node's zlib has the other one. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
