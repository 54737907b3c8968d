import { checked, type Libc, retried } from './libc.ts';
import type { NotificationFilter } from './port.ts';
import { encodeSocketFilter } from './socket-filter.ts';

/**
 * Netlink multicast without a thread that waits for it: the kernel sends SIGIO when a socket has something (fcntl(2),
 * O_ASYNC), and Node.js hands signals to the event loop. A signal says neither which socket nor how many messages, so
 * every watch looks into its own.
 */

/** SOL_NETLINK, NETLINK_ADD_MEMBERSHIP of include/uapi/linux/netlink.h. */
const NetlinkOption = { level: 270, addMembership: 1 } as const;

/** SO_RCVBUF: what does not fit is dropped, and that is told as well (ENOBUFS). */
const SocketOption = { level: 1, receiveBuffer: 8 } as const;
const receiveBufferLength = 1 << 16;

/** include/uapi/asm-generic/fcntl.h */
const FileCommand = { setFlags: 4, setOwner: 8 } as const;
const FileFlag = { nonBlocking: 0o4000, signals: 0o20000 } as const;

const MSG_DONTWAIT = 0x40;
const ENOBUFS = 105;

const watches = new Set<() => void>();
const lookAtAll = (): void => {
  for (const look of watches) look();
};

export interface WatchedGroup {
  readonly group: number;
  readonly only: NotificationFilter | undefined;
  readonly onNotification: () => void;
}

/** Takes the descriptor over and closes it in the end. */
export function watchDescriptor(
  system: Libc,
  descriptor: number,
  { group, only, onNotification }: WatchedGroup,
  closeDescriptor: (descriptor: number) => void,
): { close(): void } {
  const operation = 'Watch netlink';
  const option = (level: number, name: number, value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    checked(operation, system.setsockopt(descriptor, level, name, bytes));
  };
  option(SocketOption.level, SocketOption.receiveBuffer, receiveBufferLength);
  // Before the group is joined: what it passes over must never have been there.
  if (only) checked(operation, system.attachFilter(descriptor, encodeSocketFilter(only)));
  option(NetlinkOption.level, NetlinkOption.addMembership, group);

  const look = () => {
    if (drain(system, descriptor)) onNotification();
  };
  // Without a handler the signal would end the process: it is there before the first can come, and until the last has.
  // A watch that is opened anew in the turn in which it was closed finds the handler still there.
  if (!process.listeners('SIGIO').includes(lookAtAll)) process.on('SIGIO', lookAtAll);
  watches.add(look);
  checked(operation, system.fcntl(descriptor, FileCommand.setOwner, process.pid));
  checked(operation, system.fcntl(descriptor, FileCommand.setFlags, FileFlag.nonBlocking | FileFlag.signals));
  // What came between joining the group and asking for signals has sent none.
  setImmediate(() => {
    if (watches.has(look)) look();
  });

  return {
    close() {
      if (!watches.delete(look)) return;
      system.fcntl(descriptor, FileCommand.setFlags, FileFlag.nonBlocking);
      closeDescriptor(descriptor);
      if (watches.size === 0) setImmediate(() => watches.size === 0 && process.off('SIGIO', lookAtAll));
    },
  };
}

/** Reads until nothing is left; whether there was anything, dropped messages included. */
function drain(system: Libc, descriptor: number): boolean {
  const into = Buffer.alloc(64);
  const sender = Buffer.alloc(12);
  for (let found = false; ; found = true) {
    const result = retried(() => system.recvfrom(descriptor, into, MSG_DONTWAIT, sender));
    if (result < 0 && result !== -ENOBUFS) return found;
  }
}
