import { closeSync } from 'node:fs';
import { NetlinkExchange, type RawSocket } from './exchange.ts';
import { checked, type Libc, libc } from './libc.ts';
import { withNetns } from './namespace-switch.ts';
import type { Kernel, NetlinkProtocol, NetlinkSocket } from './port.ts';
import { watchDescriptor } from './watch.ts';

/** include/uapi/linux/netlink.h */
const protocolNumbers: Readonly<Record<NetlinkProtocol, number>> = { route: 0, netfilter: 12 };

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;

/** include/uapi/asm-generic/socket.h; the FORCE forms pass net.core.wmem_max and need CAP_NET_ADMIN. */
const SocketOption = { level: 1, sendBufferForce: 32, receiveBufferForce: 33 } as const;

/** SOL_NETLINK and its options: the request not repeated in errors, the kernel's own words, filters checked in dumps. */
const NetlinkOption = { level: 270, capAcknowledge: 10, extendedAcknowledge: 11, strictCheck: 12 } as const;

/** A limit, not an allocation: room for an error on each message of the largest batch. */
const receiveLimit = 64 << 20;
const initialSendLimit = 1 << 20;

/** The kernel of this machine. Nothing is loaded or opened before it is used. */
export function createKernel(): Kernel {
  return {
    openNetlink(protocol, options = {}): NetlinkSocket {
      const { netns } = options;
      const open = () => openRawSocket(protocol);
      const socket = netns === undefined ? open() : withNetns(netns, open);
      return new NetlinkExchange(socket, netns === undefined ? protocol : `${protocol} in ${netns}`);
    },

    watchNetlink(protocol, group, onNotification, { netns, only } = {}) {
      const open = () => openDescriptor(protocol);
      const descriptor = netns === undefined ? open() : withNetns(netns, open);
      try {
        return watchDescriptor(libc(), descriptor, { group, only, onNotification }, closeSync);
      } catch (error) {
        closeSync(descriptor);
        throw error;
      }
    },
  };
}

/** Bound to a port of its own. */
function openDescriptor(protocol: NetlinkProtocol): number {
  const operation = `Open netlink ${protocol}`;
  const system = libc();
  const descriptor = checked(operation, system.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocolNumbers[protocol]));
  try {
    checked(operation, system.bind(descriptor, netlinkAddress()));
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function openRawSocket(protocol: NetlinkProtocol): RawSocket {
  const system = libc();
  const descriptor = openDescriptor(protocol);
  try {
    setOptions(system, descriptor);
    const own = netlinkAddress();
    checked(`Open netlink ${protocol}`, system.getsockname(descriptor, own));
    return rawSocket(system, descriptor, own.readUInt32LE(4));
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Each option is wished for, none is needed: an old kernel lacks some, and FORCE is refused without CAP_NET_ADMIN. */
function setOptions(system: Libc, descriptor: number): void {
  system.setsockopt(descriptor, SocketOption.level, SocketOption.sendBufferForce, hostInt(initialSendLimit));
  system.setsockopt(descriptor, SocketOption.level, SocketOption.receiveBufferForce, hostInt(receiveLimit));
  system.setsockopt(descriptor, NetlinkOption.level, NetlinkOption.capAcknowledge, hostInt(1));
  system.setsockopt(descriptor, NetlinkOption.level, NetlinkOption.extendedAcknowledge, hostInt(1));
  system.setsockopt(descriptor, NetlinkOption.level, NetlinkOption.strictCheck, hostInt(1));
}

function rawSocket(system: Libc, descriptor: number, portId: number): RawSocket {
  const sender = netlinkAddress();
  let sendLimit = initialSendLimit;
  return {
    portId,
    send: (bytes) => system.send(descriptor, bytes, 0),
    receive: (into) => system.recvfrom(descriptor, into, MSG_DONTWAIT | MSG_TRUNC, sender),
    senderPortId: () => sender.readUInt32LE(4),
    reserveSend(length) {
      if (length <= sendLimit) return;
      sendLimit = length;
      // The kernel doubles the value and a message takes some of it for itself, so the length is enough.
      system.setsockopt(descriptor, SocketOption.level, SocketOption.sendBufferForce, hostInt(length));
    },
    wait: (timeoutMs) => system.pollReadable(descriptor, timeoutMs),
    close: () => closeSync(descriptor),
  };
}

/** struct sockaddr_nl: port 0 lets bind(2) choose one. */
function netlinkAddress(): Buffer {
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  return address;
}

function hostInt(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
