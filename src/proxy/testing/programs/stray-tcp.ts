import type { RawProtocol } from './raw.ts';

/**
 * TCP segments that belong to no connection and carry no right checksum: conntrack calls them INVALID, and so does the
 * kernel that gets them; raw sockets see them all the same.
 */
export const strayTcp: RawProtocol = {
  number: 6,
  encodeQuestion: (from, to) => encode(from, to, question),
  isQuestion: (packet, to) => packet.readUInt16BE(2) === to && textOf(packet) === question,
  encodeAnswer: (asked, text) => encode(asked.readUInt16BE(2), asked.readUInt16BE(0), text),
  readAnswer: (packet, from, to) =>
    packet.readUInt16BE(0) === from && packet.readUInt16BE(2) === to ? textOf(packet) : undefined,
};

const question = 'who has seen this';
const headerLength = 20;
const flags = { acknowledge: 0x10, push: 0x08 } as const;
const wrongChecksum = 0xdead;

function encode(from: number, to: number, text: string): Buffer {
  const header = Buffer.alloc(headerLength);
  header.writeUInt16BE(from, 0);
  header.writeUInt16BE(to, 2);
  header[12] = (headerLength / 4) << 4;
  header[13] = flags.acknowledge | flags.push;
  header.writeUInt16BE(wrongChecksum, 16);
  return Buffer.concat([header, Buffer.from(text, 'latin1')]);
}

const textOf = (packet: Buffer): string => packet.toString('latin1', headerLength);
