import { isIPv6 } from 'node:net';
import { checked, libc } from '../../../kernel/libc.ts';
import { errnoName } from '../../../wire/netlink/mod.ts';
import { formatIp, parseIp } from '../../../wire/rtnetlink/mod.ts';

/** Question and answer in packets of our own making, for what no socket of Node.js sends. */
export interface RawProtocol {
  /** IPPROTO_*. */
  readonly number: number;
  encodeQuestion(from: number, to: number): Buffer;
  isQuestion(packet: Buffer, to: number): boolean;
  /** `text` is who answers, and whom he has seen. */
  encodeAnswer(question: Buffer, text: string): Buffer;
  /** The text, where it is an answer to that question. */
  readAnswer(packet: Buffer, from: number, to: number): string | undefined;
}

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_RAW = 3;
const MSG_DONTWAIT = 0x40;
const EAGAIN = 11;
const pollMs = 2;

/** Answers questions to that port in both families, for as long as the process lives. */
export async function serveRaw(protocol: RawProtocol, port: number, name: string): Promise<string> {
  for (const family of [AF_INET, AF_INET6]) {
    const socket = openRaw(protocol, family);
    const poll = () => {
      for (let got = receive(socket, family); typeof got === 'object'; got = receive(socket, family)) {
        const { packet, from, sender } = got;
        if (!protocol.isQuestion(packet, port)) continue;
        const answering = openRaw(protocol, family);
        libc().connect(answering, sender);
        libc().send(answering, protocol.encodeAnswer(packet, `${name} ${from}`), 0);
        libc().close(answering);
      }
    };
    setInterval(poll, pollMs);
  }
  return 'listening';
}

/** The text of the answer, an error's code, or `timeout`. */
export async function askRaw(protocol: RawProtocol, address: string, port: number, timeoutMs: number): Promise<string> {
  const family = isIPv6(address) ? AF_INET6 : AF_INET;
  const socket = openRaw(protocol, family);
  const ownPort = 20_000 + Math.floor(Math.random() * 40_000);
  try {
    checked('Connect', libc().connect(socket, socketAddress(address)));
    libc().send(socket, protocol.encodeQuestion(ownPort, port), 0);
    for (const end = performance.now() + timeoutMs; performance.now() < end; ) {
      const got = receive(socket, family);
      if (typeof got === 'string') return got;
      const text = got && protocol.readAnswer(got.packet, port, ownPort);
      if (text !== undefined) return text;
      if (got === undefined) await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    return 'timeout';
  } finally {
    libc().close(socket);
  }
}

const openRaw = ({ number }: RawProtocol, family: number): number =>
  checked('Open a raw socket', libc().socket(family, SOCK_RAW, number));

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
