import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { withNetns } from '../../../kernel/mod.ts';
import type { Family } from '../../plan/mod.ts';
import type { Target } from './target.ts';

/**
 * UDP sockets of the node. They are bound and connected before the call returns, so that a dataplane knows the port numbers
 * at once, and so that it can be done in another network namespace; only their events come later.
 */
export interface Sockets {
  /** On a random port of all addresses of the family. Throws what bind(2) says. */
  bindUdp(family: Family): UdpSocket;
  /** Throws what connect(2) says: there may be no route. */
  connectUdp(target: Target): UdpSocket;
  /**
   * The address from which the node's own processes connect to the world: a relay that is reached at it answers from it,
   * because an answer to a local address comes from that very address. Undefined where the node has none of that family.
   */
  hostAddress(family: Family): string | undefined;
}

export function createSockets(netns?: string): Sockets {
  const inside =
    netns === undefined ? <T>(action: () => T) => action() : <T>(action: () => T) => withNetns(netns, action);
  return {
    bindUdp: (family) => inside(() => bindUdp(family)),
    connectUdp: (target) => inside(() => connectUdp(target)),
    hostAddress: (family) => inside(() => sourceAddress(family) ?? firstAddress(networkInterfaces(), family)),
  };
}

function bindUdp(family: Family): UdpSocket {
  const socket = immediateUdp(family, family === 'IPv4' ? '0.0.0.0' : '::');
  socket.bind(0, 'endpoint');
  return socket;
}

function connectUdp({ address, port }: Target): UdpSocket {
  const family = isIPv6(address) ? 'IPv6' : 'IPv4';
  const socket = immediateUdp(family, address);
  socket.connect(port, 'endpoint');
  return socket;
}

/** A socket that knows at once what `endpoint` is; other names are addresses. */
function immediateUdp(family: Family, endpoint: string): UdpSocket {
  const isIpv4 = family === 'IPv4';
  return createSocket({
    type: isIpv4 ? 'udp4' : 'udp6',
    ipv6Only: !isIpv4,
    lookup: (name, _, found) => found(null, name === 'endpoint' ? endpoint : name, isIpv4 ? 4 : 6),
  });
}

/** Nobody has these addresses (RFC 5737, RFC 3849), and connecting a UDP socket sends nothing. */
const elsewhere = { IPv4: { address: '192.0.2.1', port: 9 }, IPv6: { address: '2001:db8::1', port: 9 } } as const;

/** What the kernel chooses by its default route, if it has one. */
function sourceAddress(family: Family): string | undefined {
  const socket = connectUdp(elsewhere[family]);
  socket.on('error', () => {});
  const { address } = socket.address();
  socket.close();
  return address === '0.0.0.0' || address === '::' ? undefined : address;
}

/** The first that is for more than the node's own use. */
function firstAddress(interfaces: ReturnType<typeof networkInterfaces>, family: Family): string | undefined {
  const all = Object.values(interfaces).flatMap((addresses) => addresses ?? []);
  return all.find((one) => one.family === family && !one.internal && !/^(169\.254\.|fe80:)/.test(one.address))?.address;
}
