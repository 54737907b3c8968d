import { isIPv6 } from 'node:net';
import { errnoNumber } from '../wire/netlink/mod.ts';
import { formatIp } from '../wire/rtnetlink/mod.ts';
import { checked, type Libc, libc, multipleMessageLength, retried } from './libc.ts';
import { bindSharable, type ListenAddress } from './listen-address.ts';
import { socketAddress } from './streams.ts';

/** The other end of a datagram. */
export interface DatagramAddress {
  readonly address: string;
  readonly port: number;
}

type DatagramSystem = Pick<Libc, 'recvmmsg' | 'sendmmsg' | 'addressOf' | 'connect'>;

/** Datagrams of one system call. More share its cost a little better, and make everybody else wait longer. */
const batchSize = 64;
/** The answers to a batch, and a few more. */
const outgoingSize = batchSize + 8;
/** Of a longer datagram the rest is cut off. */
const receivedBytes = 4096;
/** Longer ones do not go by the batch. */
const sentBytes = 4096;
/** A struct sockaddr_in6; that of IPv4 is shorter. */
const addressLength = 28;
const AF_INET = 2;
/** Nobody answers there (RFC 863). */
const discardPort = 9;
const SOCK_DGRAM = 2;
/** O_NONBLOCK and O_CLOEXEC are also SOCK_* flags. */
const nonBlocking = 0o4000 | 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
/** Addresses whose text is remembered: more than there are Pods on a node. */
const mostTexts = 4096;

const congested: readonly number[] = [-errnoNumber('EAGAIN')!, -errnoNumber('ENOBUFS')!];
/** Tells of an earlier datagram to somebody else (ICMP): reading it is what clears it. */
const refused = -errnoNumber('ECONNREFUSED')!;

/**
 * A bound UDP socket whose datagrams are taken and sent many at a time (recvmmsg(2), sendmmsg(2)), through memory that is
 * laid out once. It does not own the descriptor, and does not wait: somebody else says when there is something to take.
 */
export class DatagramSocket {
  readonly descriptor: number;
  readonly port: number;
  readonly #system: DatagramSystem;
  readonly #incoming: Batch;
  readonly #outgoing: Batch;
  readonly #texts = new Map<string | number, string>();
  readonly #domain: number;
  #queued = 0;

  constructor(descriptor: number, { domain, port }: { domain: number; port: number }, system: DatagramSystem) {
    this.#domain = domain;
    this.descriptor = descriptor;
    this.port = port;
    this.#system = system;
    this.#incoming = new Batch(system, batchSize, receivedBytes);
    this.#outgoing = new Batch(system, outgoingSize, sentBytes);
  }

  /**
   * From now on nothing more comes in, and what has is still there to be taken and answered: the kernel gives datagrams of
   * strangers to no socket that is connected, but to the others of its address (net/ipv4/udp.c, `udp4_lib_lookup2`).
   */
  leave(): void {
    const isIPv4 = this.#domain === AF_INET;
    this.#system.connect(this.descriptor, socketAddress(isIPv4 ? '127.0.0.1' : '::1', discardPort));
  }

  /** Takes what has come in, at most a batch: how many datagrams, 0 for none, or a negated errno. */
  receive(): number {
    this.#incoming.resetLengths();
    const count = retried(() => this.#system.recvmmsg(this.descriptor, this.#incoming.messages));
    return count === refused || congested.includes(count) ? 0 : count;
  }

  /** Whether the last `receive` took all that it could hold: there may be more. */
  isFull(count: number): boolean {
    return count === batchSize;
  }

  /** The datagram of that place in the last batch; its bytes are overwritten by the next one unless they are kept. */
  packet(place: number): Buffer {
    return this.#incoming.bytes(place);
  }

  sender(place: number): DatagramAddress {
    return this.#addressIn(this.#incoming.addresses, place * addressLength);
  }

  /** Gives the datagram's bytes to whoever holds them now; returns the sender's address for `queueTo`. */
  keep(place: number): Uint8Array {
    this.#incoming.replace(place);
    // A copy: the next batch writes its own senders there, and a Buffer's slice would show them.
    return Uint8Array.from(this.#incoming.addresses.subarray(place * addressLength, (place + 1) * addressLength));
  }

  /** Queues an answer to the sender of that place, for `flush` to send; false when there is no room for it. */
  queue(bytes: Uint8Array, place: number): boolean {
    return this.#queue(bytes, this.#incoming.addresses, place * addressLength);
  }

  /** The same to an address that `keep` or `socketAddress` has returned. */
  queueTo(bytes: Uint8Array, to: Uint8Array): boolean {
    return this.#queue(bytes, to, 0);
  }

  /**
   * Sends what is queued. A datagram that the kernel refuses is lost, as any may be; those for which the send buffer has no
   * room are given to `onCongested`, with bytes that are only valid during the call.
   */
  flush(onCongested: (bytes: Uint8Array, to: DatagramAddress) => void): void {
    const queued = this.#queued;
    this.#queued = 0;
    const { messages } = this.#outgoing;
    let sent = 0;
    let mayHaveBeenOther = true;
    while (sent < queued) {
      const rest = messages.subarray(sent * multipleMessageLength, queued * multipleMessageLength);
      const result = retried(() => this.#system.sendmmsg(this.descriptor, rest));
      if (result > 0) sent += result;
      else if (congested.includes(result)) break;
      else if (result === refused && mayHaveBeenOther) mayHaveBeenOther = false;
      else sent++;
    }
    for (; sent < queued; sent++) {
      onCongested(this.#outgoing.queuedBytes(sent), this.#addressIn(this.#outgoing.addresses, sent * addressLength));
    }
  }

  #queue(bytes: Uint8Array, from: Uint8Array, at: number): boolean {
    if (bytes.length > sentBytes || this.#queued === outgoingSize) return false;
    this.#outgoing.put(this.#queued++, bytes, from, at);
    return true;
  }

  /** Clients are few and ask often: the text of an address is made once. */
  #addressIn(addresses: Uint8Array, at: number): DatagramAddress {
    const port = (addresses[at + 2]! << 8) | addresses[at + 3]!;
    const isIPv4 = addresses[at] === AF_INET;
    const start = at + (isIPv4 ? 4 : 8);
    const bytes = (length: number) => addresses.subarray(start, start + length);
    const key = isIPv4 ? uint32(addresses, start) : Buffer.from(bytes(16)).toString('latin1');
    let address = this.#texts.get(key);
    if (address === undefined) {
      if (this.#texts.size === mostTexts) this.#texts.clear();
      address = formatIp(bytes(isIPv4 ? 4 : 16));
      this.#texts.set(key, address);
    }
    return { address, port };
  }
}

const uint32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;

/**
 * A UDP socket bound to the address, whose descriptor is the caller's to close. Throws KernelError, UsageError for an
 * address that is none, OperatingError (code `unsupported`) where system calls cannot be had.
 * @param instead calls that stand in for the C library's, for tests of what happens when they fail
 */
export function openDatagrams(
  at: ListenAddress,
  receiveBufferBytes: number,
  instead: Partial<DatagramSystem> = {},
): DatagramSocket {
  const { address, port } = at;
  const system = libc();
  const operation = `Bind UDP ${isIPv6(address) ? `[${address}]` : address}:${port}`;
  const domain = socketAddress(address, port)[0]!;
  const descriptor = checked(operation, system.socket(domain, SOCK_DGRAM | nonBlocking, 0));
  try {
    setReceiveBuffer(system, descriptor, receiveBufferBytes);
    const bound = bindSharable(system, descriptor, at, operation);
    return new DatagramSocket(descriptor, bound, { ...system, ...instead });
  } catch (error) {
    system.close(descriptor);
    throw error;
  }
}

/** Beyond net.core.rmem_max where we may; a smaller one works too. */
function setReceiveBuffer(system: Libc, descriptor: number, size: number): void {
  const value = Buffer.alloc(4);
  value.writeInt32LE(size);
  const forced = system.setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, value);
  if (forced < 0) system.setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, value);
}

/** Offsets in struct mmsghdr (include/linux/socket.h) and struct iovec, of 64-bit machines. */
const offsets = { name: 0, nameLength: 8, vectors: 16, vectorCount: 24, flags: 48, length: 56 } as const;
const vectorLength = 16;

/** A batch's memory: headers that point at vectors, addresses and slots of bytes. */
class Batch {
  readonly messages: Buffer;
  readonly addresses: Buffer;
  readonly #vectors: Buffer;
  readonly #slots: Buffer[] = [];
  readonly #slotBytes: number;
  readonly #system: DatagramSystem;
  /** The headers and vectors as the words that change. */
  readonly #messageWords: Uint32Array;
  readonly #vectorWords: Uint32Array;

  constructor(system: DatagramSystem, size: number, slotBytes: number) {
    this.#system = system;
    this.#slotBytes = slotBytes;
    this.messages = Buffer.alloc(size * multipleMessageLength);
    this.addresses = Buffer.alloc(size * addressLength);
    this.#vectors = Buffer.alloc(size * vectorLength);
    this.#messageWords = wordsOf(this.messages);
    this.#vectorWords = wordsOf(this.#vectors);
    const [addresses, vectors] = [system.addressOf(this.addresses), system.addressOf(this.#vectors)];
    for (let place = 0; place < size; place++) {
      const at = place * multipleMessageLength;
      this.messages.writeBigUInt64LE(addresses + BigInt(place * addressLength), at + offsets.name);
      this.messages.writeUInt32LE(addressLength, at + offsets.nameLength);
      this.messages.writeBigUInt64LE(vectors + BigInt(place * vectorLength), at + offsets.vectors);
      this.messages.writeBigUInt64LE(1n, at + offsets.vectorCount);
      this.replace(place);
    }
  }

  /** Puts fresh memory in the place of bytes that somebody goes on using. */
  replace(place: number): void {
    const slot = Buffer.allocUnsafeSlow(this.#slotBytes);
    this.#slots[place] = slot;
    this.#vectors.writeBigUInt64LE(this.#system.addressOf(slot), place * vectorLength);
    this.#vectorWords[(place * vectorLength) / 4 + 2] = this.#slotBytes;
  }

  /** The kernel writes the length of each address where it reads how much room there is. */
  resetLengths(): void {
    for (let at = offsets.nameLength; at < this.messages.length; at += multipleMessageLength) {
      this.#messageWords[at / 4] = addressLength;
    }
  }

  bytes(place: number): Buffer {
    const length = this.#messageWords[(place * multipleMessageLength + offsets.length) / 4]!;
    return this.#slots[place]!.subarray(0, length);
  }

  queuedBytes(place: number): Buffer {
    return this.#slots[place]!.subarray(0, this.#vectorWords[(place * vectorLength) / 4 + 2]);
  }

  put(place: number, bytes: Uint8Array, from: Uint8Array, at: number): void {
    const length = from[at] === AF_INET ? 16 : addressLength;
    for (let byte = 0; byte < length; byte++) this.addresses[place * addressLength + byte] = from[at + byte]!;
    this.#messageWords[(place * multipleMessageLength + offsets.nameLength) / 4] = length;
    this.#vectorWords[(place * vectorLength) / 4 + 2] = bytes.length;
    const slot = this.#slots[place]!;
    if (bytes.length > 64) slot.set(bytes);
    // For a few dozen bytes a loop is faster than a call out of JavaScript.
    else for (let byte = 0; byte < bytes.length; byte++) slot[byte] = bytes[byte]!;
  }
}

const wordsOf = (bytes: Buffer): Uint32Array => new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
