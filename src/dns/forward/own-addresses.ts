import { networkInterfaces } from 'node:os';
import { type SocketAddress, sameAddress } from './upstreams.ts';

const wildcards = ['0.0.0.0', '::'];

/**
 * Resolvers without ourselves: a question that we send to our own socket would come back for ever. A server that
 * listens on every address is found at each that the machine has.
 */
export function withoutOurselves<Target extends SocketAddress>(
  upstreams: readonly Target[],
  listening: readonly SocketAddress[],
  localAddresses: () => readonly string[] = machineAddresses,
): Target[] {
  return upstreams.filter((upstream) => !listening.some((own) => reaches(upstream, own, localAddresses)));
}

function reaches(upstream: SocketAddress, own: SocketAddress, localAddresses: () => readonly string[]): boolean {
  if (sameAddress(upstream, own)) return true;
  if (upstream.port !== own.port || !wildcards.includes(own.address)) return false;
  return upstream.address.startsWith('127.') || localAddresses().includes(upstream.address);
}

const machineAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
