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
  /** The first address of the node that is not for its own use only; undefined where it has none of that family. */
  hostAddress(family: Family): string | undefined;
}

export function createSockets(netns?: string): Sockets {
  const inside =
    netns === undefined ? <T>(action: () => T) => action() : <T>(action: () => T) => withNetns(netns, action);
  return {
    bindUdp: (family) => inside(() => bindUdp(family)),
    connectUdp: (target) => inside(() => connectUdp(target)),
    hostAddress: (family) => hostAddressIn(inside(networkInterfaces), family),
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

function hostAddressIn(interfaces: ReturnType<typeof networkInterfaces>, family: Family): string | undefined {
  const all = Object.values(interfaces).flatMap((addresses) => addresses ?? []);
  return all.find((one) => one.family === family && !one.internal && !/^(169\.254\.|fe80:)/.test(one.address))?.address;
}
