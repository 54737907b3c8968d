import { createRequire } from 'node:module';
import { OperatingError } from '../base/errors.ts';
import { errnoName } from '../wire/netlink/mod.ts';
import { KernelError } from './errors.ts';

/**
 * The C library's functions that Node.js does not offer. Each returns what the C function returns, or the negated
 * errno where that is -1; so an error is in hand before anything else can overwrite errno.
 */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(socket: number, address: Uint8Array): number;
  connect(socket: number, address: Uint8Array): number;
  getsockname(socket: number, address: Uint8Array): number;
  setsockopt(socket: number, level: number, option: number, value: Uint8Array): number;
  /** `value` goes in as well, and the answer must be as long. */
  getsockopt(socket: number, level: number, option: number, value: Uint8Array): number;
  /** SO_ATTACH_FILTER with a classic BPF program: whole `struct sock_filter`s, one after the other. */
  attachFilter(socket: number, program: Uint8Array): number;
  send(socket: number, bytes: Uint8Array, flags: number): number;
  /** `address` receives the sender's. */
  recvfrom(socket: number, into: Uint8Array, flags: number, address: Uint8Array): number;
  /** Waits until one descriptor is readable: 1, or 0 when `timeoutMs` has passed. */
  pollReadable(descriptor: number, timeoutMs: number): number;
  setns(descriptor: number, kind: number): number;
  unshare(kinds: number): number;
  mount(source: string, target: string, type: string, flags: number): number;
  umount2(target: string, flags: number): number;
  flock(descriptor: number, operation: number): number;
  getrlimit(resource: number, limit: Uint8Array): number;
  setrlimit(resource: number, limit: Uint8Array): number;
  /** `messages` are whole `struct mmsghdr`s; returns how many were received or sent. Waits for nothing. */
  recvmmsg(socket: number, messages: Uint8Array): number;
  sendmmsg(socket: number, messages: Uint8Array): number;
  /** Where the bytes are; valid for as long as the buffer is referred to. */
  addressOf(bytes: Uint8Array): bigint;
  listen(socket: number, backlog: number): number;
  /** `address` receives the client's. */
  accept4(socket: number, address: Uint8Array, flags: number): number;
  shutdown(socket: number, how: number): number;
  close(descriptor: number): number;
  read(descriptor: number, into: Uint8Array): number;
  /** Receives two descriptors: the end to read from, the end to write to. */
  pipe2(descriptors: Uint8Array, flags: number): number;
  fcntl(descriptor: number, command: number, value: number): number;
  madvise(address: bigint, length: bigint, advice: number): number;
  memfd_create(name: string, flags: number): number;
  splice(from: number, to: number, length: number, flags: number): number;
  epoll_create1(flags: number): number;
  epoll_ctl(epoll: number, operation: number, descriptor: number, event: Uint8Array): number;
  epoll_wait(epoll: number, events: Uint8Array, count: number, timeoutMs: number): number;
}

type Native = (...args: unknown[]) => number;

interface NativeLibrary {
  define(declaration: string): Native;
  /** Where the bytes are; valid for as long as the buffer is referred to. */
  addressOf(bytes: Uint8Array): bigint;
}

let loaded: Libc | undefined;

/**
 * The C library of this process, loaded at the first call: a server or a command that never touches the kernel starts
 * without koffi. Throws OperatingError (code `unsupported`) where it cannot be had.
 */
export function libc(): Libc {
  loaded ??= bindFunctions(loadNative());
  return loaded;
}

const operation = 'Load the system call interface';

/** Their constants (SO_*, CLONE_*, MSG_*) and byte order are those of the generic Linux ABI that this folder is written for. */
const supportedArchitectures = ['x64', 'arm64', 'riscv64', 'loong64'];

function loadNative(): NativeLibrary {
  if (process.platform !== 'linux') {
    throw new OperatingError(operation, 'unsupported', `needs Linux, and this is ${process.platform}`);
  }
  if (!supportedArchitectures.includes(process.arch)) {
    throw new OperatingError(operation, 'unsupported', `the ${process.arch} architecture is not supported`);
  }
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    // null is this process itself, which is linked to its C library whatever that is called (glibc, musl).
    const library = koffi.load(null);
    return {
      define(declaration) {
        const native = library.func(declaration);
        return (...args) => {
          const result = native(...args);
          return result === -1 ? -koffi.errno() : result;
        };
      },
      addressOf: (bytes) => koffi.address(bytes) as bigint,
    };
  } catch (cause) {
    const state = `koffi does not load here (${process.arch}, Node.js ${process.version}); run npm install again`;
    throw new OperatingError(operation, 'unsupported', state, cause);
  }
}

function bindFunctions({ define: native, addressOf }: NativeLibrary): Libc {
  const bind = native('int bind(int, const void *, unsigned int)');
  const connect = native('int connect(int, const void *, unsigned int)');
  const getsockname = native('int getsockname(int, void *, void *)');
  const setsockopt = native('int setsockopt(int, int, int, const void *, unsigned int)');
  const getsockopt = native('int getsockopt(int, int, int, void *, void *)');
  const send = native('long send(int, const void *, size_t, int)');
  const recvfrom = native('long recvfrom(int, void *, size_t, int, void *, void *)');
  const recvmmsg = native('int recvmmsg(int, void *, unsigned int, int, void *)');
  const sendmmsg = native('int sendmmsg(int, void *, unsigned int, int)');
  const poll = native('int poll(void *, unsigned long, int)');
  const mount = native('int mount(const char *, const char *, const char *, unsigned long, const void *)');
  const accept4 = native('int accept4(int, void *, void *, int)');
  const read = native('long read(int, void *, size_t)');
  const splice = native('long splice(int, void *, int, void *, size_t, unsigned int)');
  return {
    socket: native('int socket(int, int, int)'),
    bind: (socket, address) => bind(socket, address, address.length),
    connect: (socket, address) => connect(socket, address, address.length),
    getsockname: (socket, address) => getsockname(socket, address, lengthPointer(address)),
    setsockopt: (socket, level, option, value) => setsockopt(socket, level, option, value, value.length),
    getsockopt: (socket, level, option, value) => getsockopt(socket, level, option, value, lengthPointer(value)),
    attachFilter(socket, program) {
      const reference = Buffer.alloc(16);
      reference.writeUInt16LE(program.length / socketFilterLength);
      reference.writeBigUInt64LE(addressOf(program), 8);
      return setsockopt(socket, AttachFilter.level, AttachFilter.option, reference, reference.length);
    },
    send: (socket, bytes, flags) => send(socket, bytes, bytes.length, flags),
    recvfrom: (socket, into, flags, address) =>
      recvfrom(socket, into, into.length, flags, address, lengthPointer(address)),
    recvmmsg: (socket, messages) =>
      recvmmsg(socket, messages, messages.length / multipleMessageLength, MSG_DONTWAIT, null),
    sendmmsg: (socket, messages) =>
      sendmmsg(socket, messages, messages.length / multipleMessageLength, MSG_NOSIGNAL | MSG_DONTWAIT),
    addressOf,
    pollReadable: (descriptor, timeoutMs) => poll(pollDescriptor(descriptor), 1, timeoutMs),
    setns: native('int setns(int, int)'),
    unshare: native('int unshare(int)'),
    mount: (source, target, type, flags) => mount(source, target, type, flags, null),
    umount2: native('int umount2(const char *, int)'),
    flock: native('int flock(int, int)'),
    getrlimit: native('int getrlimit(int, void *)'),
    setrlimit: native('int setrlimit(int, const void *)'),
    listen: native('int listen(int, int)'),
    accept4: (socket, address, flags) => accept4(socket, address, lengthPointer(address), flags),
    shutdown: native('int shutdown(int, int)'),
    close: native('int close(int)'),
    read: (descriptor, into) => read(descriptor, into, into.length),
    pipe2: native('int pipe2(void *, int)'),
    fcntl: native('int fcntl(int, int, int)'),
    madvise: native('int madvise(uintptr_t, size_t, int)'),
    memfd_create: native('int memfd_create(const char *, unsigned int)'),
    splice: (from, to, length, flags) => splice(from, null, to, null, length, flags),
    epoll_create1: native('int epoll_create1(int)'),
    epoll_ctl: native('int epoll_ctl(int, int, int, void *)'),
    epoll_wait: native('int epoll_wait(int, void *, int, int)'),
  };
}

/** SOL_SOCKET, SO_ATTACH_FILTER; its value is a struct sock_fprog: the number of instructions, and where they are. */
const AttachFilter = { level: 1, option: 26 } as const;
/** struct mmsghdr of 64-bit machines: a struct msghdr and the datagram's length. */
export const multipleMessageLength = 64;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** struct sock_filter of linux/filter.h */
const socketFilterLength = 8;

/** socklen_t by reference: in the room's size, out the address's, which is known here. */
const addressLength = Buffer.alloc(4);

function lengthPointer(address: Uint8Array): Buffer {
  addressLength.writeUInt32LE(address.length);
  return addressLength;
}

/** struct pollfd with POLLIN. */
function pollDescriptor(descriptor: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32LE(descriptor, 0);
  bytes.writeInt16LE(1, 4);
  return bytes;
}

const EINTR = 4;

/** Repeats a call that a signal has interrupted. */
export function retried(call: () => number): number {
  for (;;) {
    const result = call();
    if (result !== -EINTR) return result;
  }
}

/** Passes a result on, or throws the negated errno in it as KernelError: `operation: ENOENT`. */
export function checked(operation: string, result: number): number {
  if (result < 0) throw kernelError(operation, -result);
  return result;
}

export const kernelError = (operation: string, errno: number, kernelMessage?: string): KernelError =>
  new KernelError(operation, { code: errnoName(errno), number: errno }, kernelMessage ? { kernelMessage } : {});

/** Runs file system calls and throws their errors as KernelError. */
export function fileCall<T>(operation: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    const errno = error instanceof Error ? (error as NodeJS.ErrnoException).errno : undefined;
    throw errno === undefined ? error : kernelError(operation, -errno);
  }
}
