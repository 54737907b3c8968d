import { isIPv6 } from 'node:net';
import { checked, libc } from '../../../kernel/libc.ts';
import { errnoName } from '../../../wire/netlink/mod.ts';
import { formatIp, parseIp } from '../../../wire/rtnetlink/mod.ts';

/**
 * As much of SCTP (RFC 9260) as it takes to see where NAT sends an association: an INIT, and an INIT ACK whose cookie tells
 * who has answered and whom he has seen. Over raw sockets, because a kernel without SCTP knows the protocol in conntrack and
 * NAT all the same; the checksums are real, since conntrack takes no packet with a wrong one.
 */

const protocol = 132;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_RAW = 3;
const MSG_DONTWAIT = 0x40;
const EAGAIN = 11;
const chunk = { init: 1, initAck: 2 } as const;
const stateCookie = 7;
/** Common header, chunk header, and the fixed part of INIT and INIT ACK. */
const fixedLength = 12 + 4 + 16;
const pollMs = 2;

/** Answers INITs to that port in both families, for as long as the process lives. */
export async function serveSctp(port: number, name: string): Promise<string> {
  for (const family of [AF_INET, AF_INET6]) {
    const socket = openRaw(family);
    const poll = () => {
      for (let got = receive(socket, family); typeof got === 'object'; got = receive(socket, family)) {
        const { packet, from, sender } = got;
        if (packet.length < fixedLength || packet.readUInt16BE(2) !== port || packet[12] !== chunk.init) continue;
        const reply = encode(port, packet.readUInt16BE(0), packet.readUInt32BE(16), chunk.initAck, `${name} ${from}`);
        const answering = openRaw(family);
        libc().connect(answering, sender);
        libc().send(answering, reply, 0);
        libc().close(answering);
      }
    };
    setInterval(poll, pollMs);
  }
  return 'listening';
}

/** The cookie of the INIT ACK that comes back, an error's code, or `timeout`. */
export async function askSctp(address: string, port: number, timeoutMs: number): Promise<string> {
  const family = isIPv6(address) ? AF_INET6 : AF_INET;
  const socket = openRaw(family);
  const ownPort = 20_000 + Math.floor(Math.random() * 40_000);
  try {
    checked('Connect', libc().connect(socket, socketAddress(address)));
    libc().send(socket, encode(ownPort, port, 0, chunk.init, ''), 0);
    for (const end = performance.now() + timeoutMs; performance.now() < end; ) {
      const got = receive(socket, family);
      if (typeof got === 'string') return got;
      if (got === undefined) await new Promise((resolve) => setTimeout(resolve, pollMs));
      else if (isAnswer(got.packet, port, ownPort)) return cookieOf(got.packet);
    }
    return 'timeout';
  } finally {
    libc().close(socket);
  }
}

const openRaw = (family: number): number => checked('Open a raw socket', libc().socket(family, SOCK_RAW, protocol));

const isAnswer = (packet: Buffer, from: number, to: number): boolean =>
  packet.length > fixedLength + 4 &&
  packet.readUInt16BE(0) === from &&
  packet.readUInt16BE(2) === to &&
  packet[12] === chunk.initAck;

interface Received {
  readonly packet: Buffer;
  readonly from: string;
  /** struct sockaddr, to answer. */
  readonly sender: Buffer;
}

/** Undefined: nothing has come; a text: the code of an error that ICMP has brought. */
function receive(socket: number, family: number): Received | string | undefined {
  const into = Buffer.alloc(2048);
  const sender = Buffer.alloc(family === AF_INET ? 16 : 28);
  const length = libc().recvfrom(socket, into, MSG_DONTWAIT, sender);
  if (length === -EAGAIN) return undefined;
  if (length < 0) return errnoName(-length);
  // A raw socket of IPv4 shows the IP header, one of IPv6 does not.
  const start = family === AF_INET ? (into[0]! & 15) * 4 : 0;
  return { packet: into.subarray(start, length), from: addressText(sender, family), sender };
}

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

/** struct sockaddr_in or sockaddr_in6. */
function socketAddress(address: string): Buffer {
  const { bytes } = parseIp(address);
  const isV6 = bytes.length === 16;
  const into = Buffer.alloc(isV6 ? 28 : 16);
  into.writeUInt16LE(isV6 ? AF_INET6 : AF_INET, 0);
  into.set(bytes, isV6 ? 8 : 4);
  return into;
}

const addressText = (sender: Buffer, family: number): string =>
  formatIp(family === AF_INET ? sender.subarray(4, 8) : sender.subarray(8, 24));
