import { closeSync } from 'node:fs';
import { parseIp } from '../wire/rtnetlink/mod.ts';
import { checked, libc, retried } from './libc.ts';
import { withNetns } from './namespace-switch.ts';

const AF_INET = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_ICMP = 1;

/** RFC 792 */
const echoRequest = 8;
const echoReply = 0;

/**
 * Sends one ICMP echo request from the network namespace of path `netns` and waits for the answer, blocking the
 * thread: true when `address` (IPv4) itself answers within the time, false when nobody does or there is no way to it.
 * Needs CAP_NET_RAW.
 */
export function ping(netns: string, address: string, timeoutMs: number): boolean {
  const system = libc();
  const operation = `Ping ${address} from ${netns}`;
  const descriptor = withNetns(netns, () =>
    checked(operation, system.socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP)),
  );
  try {
    // A connected raw socket receives only what comes from that address.
    if (system.connect(descriptor, socketAddress(address)) < 0) return false;
    const request = encodeEcho(process.pid & 0xffff);
    if (retried(() => system.send(descriptor, request, 0)) < 0) return false;
    return isAnswered(descriptor, process.pid & 0xffff, performance.now() + timeoutMs);
  } finally {
    closeSync(descriptor);
  }
}

function isAnswered(descriptor: number, identifier: number, deadlineMs: number): boolean {
  const system = libc();
  const packet = Buffer.alloc(1500);
  const sender = Buffer.alloc(16);
  for (;;) {
    const leftMs = Math.ceil(deadlineMs - performance.now());
    if (leftMs <= 0 || retried(() => system.pollReadable(descriptor, leftMs)) <= 0) return false;
    const length = system.recvfrom(descriptor, packet, 0, sender);
    if (length < 0) return false;
    // A raw socket delivers the IP header too; its length is in 32-bit words.
    const message = packet.subarray((packet.readUInt8(0) & 0x0f) * 4, length);
    if (message.length >= 8 && message[0] === echoReply && message.readUInt16BE(4) === identifier) return true;
  }
}

function encodeEcho(identifier: number): Buffer {
  const message = Buffer.alloc(16);
  message.writeUInt8(echoRequest, 0);
  message.writeUInt16BE(identifier, 4);
  message.writeUInt16BE(1, 6);
  message.writeUInt16BE(internetChecksum(message), 2);
  return message;
}

/** RFC 1071 */
function internetChecksum(bytes: Buffer): number {
  let sum = 0;
  for (let offset = 0; offset < bytes.length; offset += 2) sum += bytes.readUInt16BE(offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** struct sockaddr_in */
function socketAddress(address: string): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.set(parseIp(address).bytes, 4);
  return bytes;
}
