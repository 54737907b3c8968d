import { isIPv6 } from 'node:net';
import { errnoNumber } from '../wire/netlink/mod.ts';
import { formatIp, parseIp } from '../wire/rtnetlink/mod.ts';
import { checked, kernelError, type Libc, libc, retried } from './libc.ts';

/**
 * TCP sockets as system calls, for whoever moves more bytes than Node.js's streams can: nothing blocks but `wait`, and
 * bytes go from socket to socket by splice(2) without passing through this process. Results are those of the C functions,
 * with the errno negated.
 */
export interface StreamSystem {
  accept(listener: number): number;
  /** Of the client that was accepted last. */
  clientAddress(): string;
  /** `address` as `socketAddress` makes it. The connection is made later: the descriptor turns writable, or an error shows. */
  connect(address: Uint8Array): number;
  /** Sends the end of the stream; the other direction goes on. */
  shutdownWrite(descriptor: number): number;
  close(descriptor: number): void;
  /** Closes at once, with a reset. */
  reset(descriptor: number): void;
  /** An unnamed pipe of about that size. */
  pipe(size: number): PipeEnds | number;
  splice(from: number, to: number, length: number): number;
  read(descriptor: number, into: Uint8Array): number;
  send(descriptor: number, bytes: Uint8Array): number;
  /** Reports each change from now on once (edge-triggered). */
  watch(descriptor: number): number;
  /**
   * Waits until something has changed and tells it, descriptor by descriptor; `timeoutMs` 0 does not wait. Returns false
   * when there may be more to tell.
   */
  wait(timeoutMs: number, onEvent: (descriptor: number, events: number) => void): boolean;
  /** Lets go of what `watch` and `wait` need. */
  end(): void;
}

export interface PipeEnds {
  readonly read: number;
  readonly write: number;
}

/** EPOLL* bits (include/uapi/linux/eventpoll.h). */
export const StreamEvent = { readable: 0x1, writable: 0x4, error: 0x8, hangUp: 0x10, endOfStream: 0x2000 } as const;

/** Negated errnos that are part of the game. */
export const StreamError = {
  tryAgain: -errnoNumber('EAGAIN')!,
  outOfDescriptors: -errnoNumber('EMFILE')!,
  outOfFiles: -errnoNumber('ENFILE')!,
} as const;

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
/** O_NONBLOCK and O_CLOEXEC are also SOCK_* flags. */
const nonBlocking = 0o4000 | 0o2000000;
const EINPROGRESS = 115;
const SHUT_WR = 1;
const SPLICE_F_MOVE_NONBLOCK = 3;
const MSG_NOSIGNAL_DONTWAIT = 0x4040;
const F_SETPIPE_SZ = 1031;
const EPOLL_CTL_ADD = 1;
const EPOLLET = 0x80000000;

/** Level, option, value: include/uapi/asm-generic/socket.h, tcp.h, in6.h. Accepted sockets inherit the listener's. */
const streamOptions = [
  [6, 1, 1], // TCP_NODELAY: small writes go out at once
  [1, 9, 1], // SO_KEEPALIVE: a peer that has vanished is noticed
  [6, 4, 15], // TCP_KEEPIDLE: after 15 s, as Go does
] as const;
const IPV6_V6ONLY = [41, 26, 1] as const;

/** Connections that wait to be accepted; the kernel cuts it to net.core.somaxconn. */
const backlog = 16_384;

const eventsPerWait = 512;

/** struct epoll_event is packed on x86-64 only. */
const [eventLength, eventDataOffset] = process.arch === 'x64' ? [12, 4] : [16, 8];

export function createStreamSystem(): StreamSystem {
  const system = libc();
  const epoll = checked('Create an epoll', system.epoll_create1(0o2000000));
  const event = Buffer.alloc(eventLength);
  const events = Buffer.alloc(eventLength * eventsPerWait);
  const client = Buffer.alloc(28);
  return {
    accept: (listener) => retried(() => system.accept4(listener, client, nonBlocking)),
    clientAddress: () => addressIn(client),
    connect: (address) => connect(system, address),
    shutdownWrite: (descriptor) => system.shutdown(descriptor, SHUT_WR),
    close: (descriptor) => void system.close(descriptor),
    reset(descriptor) {
      system.setsockopt(descriptor, 1, 13, lingerNot);
      system.close(descriptor);
    },
    pipe(size) {
      const ends = pipe(system);
      // Refused beyond a user's share of pipe pages; a smaller pipe carries the same bytes.
      if (typeof ends !== 'number') system.fcntl(ends.write, F_SETPIPE_SZ, size);
      return ends;
    },
    splice: (from, to, length) => retried(() => system.splice(from, to, length, SPLICE_F_MOVE_NONBLOCK)),
    read: (descriptor, into) => retried(() => system.read(descriptor, into)),
    send: (descriptor, bytes) => retried(() => system.send(descriptor, bytes, MSG_NOSIGNAL_DONTWAIT)),
    watch(descriptor) {
      const { readable, writable, endOfStream } = StreamEvent;
      event.writeUInt32LE((readable | writable | endOfStream | EPOLLET) >>> 0, 0);
      event.writeInt32LE(descriptor, eventDataOffset);
      return system.epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, event);
    },
    wait(timeoutMs, onEvent) {
      const count = system.epoll_wait(epoll, events, eventsPerWait, timeoutMs);
      for (let i = 0; i < count; i++) {
        const at = i * eventLength;
        onEvent(events.readInt32LE(at + eventDataOffset), events.readUInt32LE(at));
      }
      return count < eventsPerWait;
    },
    end: () => void system.close(epoll),
  };
}

/** struct sockaddr_in or sockaddr_in6. Throws UsageError for an address that is none. */
export function socketAddress(address: string, port: number): Uint8Array {
  const { bytes } = parseIp(address);
  const isIpv6 = isIPv6(address);
  const result = Buffer.alloc(isIpv6 ? 28 : 16);
  result.writeUInt16LE(isIpv6 ? AF_INET6 : AF_INET, 0);
  result.writeUInt16BE(port, 2);
  result.set(bytes, isIpv6 ? 8 : 4);
  return result;
}

/** A pipe that blocks on neither end. Throws KernelError. */
export function openPipe(): PipeEnds {
  const ends = pipe(libc());
  if (typeof ends === 'number') throw kernelError('Open a pipe', -ends);
  return ends;
}

const pipeEnds = Buffer.alloc(8);

function pipe(system: Libc): PipeEnds | number {
  const result = system.pipe2(pipeEnds, nonBlocking);
  return result < 0 ? result : { read: pipeEnds.readInt32LE(0), write: pipeEnds.readInt32LE(4) };
}

/** A listening socket on a random port of all addresses of the family. Throws KernelError. */
export function listenStream(family: 'IPv4' | 'IPv6'): { readonly descriptor: number; readonly port: number } {
  const operation = 'Listen on a random port';
  const system = libc();
  const isIpv6 = family === 'IPv6';
  const address = socketAddress(isIpv6 ? '::' : '0.0.0.0', 0);
  const descriptor = checked(operation, system.socket(isIpv6 ? AF_INET6 : AF_INET, SOCK_STREAM | nonBlocking, 0));
  try {
    if (isIpv6) setOption(system, descriptor, IPV6_V6ONLY);
    for (const option of streamOptions) setOption(system, descriptor, option);
    checked(operation, system.bind(descriptor, address));
    checked(operation, system.listen(descriptor, backlog));
    checked(operation, system.getsockname(descriptor, address));
  } catch (error) {
    system.close(descriptor);
    throw error;
  }
  return { descriptor, port: Buffer.from(address).readUInt16BE(2) };
}

function connect(system: Libc, address: Uint8Array): number {
  const descriptor = system.socket(address[0]!, SOCK_STREAM | nonBlocking, 0);
  if (descriptor < 0) return descriptor;
  for (const option of streamOptions) setOption(system, descriptor, option);
  const result = system.connect(descriptor, address);
  if (result === 0 || result === -EINPROGRESS) return descriptor;
  system.close(descriptor);
  return result;
}

const value = Buffer.alloc(4);

function setOption(system: Libc, descriptor: number, [level, option, number]: readonly [number, number, number]): void {
  value.writeInt32LE(number);
  system.setsockopt(descriptor, level, option, value);
}

/** struct linger: on, zero seconds. */
const lingerNot = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);

function addressIn(socketAddress: Buffer): string {
  return socketAddress[0] === AF_INET6
    ? formatIp(socketAddress.subarray(8, 24))
    : formatIp(socketAddress.subarray(4, 8));
}
