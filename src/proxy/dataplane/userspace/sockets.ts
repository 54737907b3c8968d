import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { isIPv6, Server, Socket, type SocketConstructorOpts } from 'node:net';
import { networkInterfaces } from 'node:os';
import { OperatingError } from '../../../base/errors.ts';
import { withNetns } from '../../../kernel/mod.ts';
import type { Endpoint, Family } from '../../plan/mod.ts';

/** An endpoint as far as a relay cares. */
export type Target = Pick<Endpoint, 'address' | 'port'>;

/**
 * Sockets of the node. They are bound and connected before the call returns, so that a dataplane knows the port numbers
 * at once, and so that it can be done in another network namespace; only their events come later.
 */
export interface Sockets {
  /** On a random port of all addresses, of both families where the node has them. Throws what listen(2) says. */
  listenTcp(): Server;
  /** Emits `connect` or `error`, like any socket. */
  connectTcp(target: Target): Socket;
  /** On a random port of all addresses of the family. Throws what bind(2) says. */
  bindUdp(family: Family): UdpSocket;
  /** Throws what connect(2) says: there may be no route. */
  connectUdp(target: Target): UdpSocket;
  /** The first address of the node that is not for its own use only; undefined where it has none of that family. */
  hostAddress(family: Family): string | undefined;
}

/**
 * Connections that wait for the event loop to accept them; the kernel cuts it to net.core.somaxconn. With Node's 511 a
 * burst of clients would be made to repeat their SYN after a second.
 */
const backlog = 16_384;

/** Half-closed connections stay half open, small writes go out at once, and nobody reads before we are ready. */
const tcpOptions = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true, highWaterMark: 256 << 10 } as const;

export function createSockets(netns?: string): Sockets {
  const inside =
    netns === undefined ? <T>(action: () => T) => action() : <T>(action: () => T) => withNetns(netns, action);
  return {
    listenTcp: () => inside(listenTcp),
    connectTcp: (target) => inside(() => connectTcp(target)),
    bindUdp: (family) => inside(() => bindUdp(family)),
    connectUdp: (target) => inside(() => connectUdp(target)),
    hostAddress: (family) => hostAddressIn(inside(networkInterfaces), family),
  };
}

function listenTcp(): Server {
  const server = new Server(tcpOptions);
  // Without a host, listen(2) happens inside this call; its error comes as an event all the same.
  server.on('error', () => {});
  server.listen({ port: 0, backlog });
  if (!server.listening)
    throw new OperatingError('Open a relay', 'listen', 'no TCP port can be listened on: out of ports or descriptors');
  return server;
}

function connectTcp({ address, port }: Target): Socket {
  const socket = new Socket({ allowHalfOpen: true, highWaterMark: tcpOptions.highWaterMark } as SocketConstructorOpts);
  socket.setNoDelay(true);
  const family = isIPv6(address) ? 6 : 4;
  // A name whose look-up answers at once: an address would be connected to in the next turn of the event loop.
  socket.connect({
    host: 'endpoint',
    port,
    autoSelectFamily: false,
    lookup: (_, __, found) => found(null, address, family),
  });
  return socket;
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
