import { parseIp } from '../wire/rtnetlink/mod.ts';
import { familyOf, type TraceFamily } from './packet.ts';

/** What a packet's way depends on besides the rules: the node's interfaces, addresses and routes. */
export interface NodeState {
  readonly interfaces: readonly NodeInterface[];
  /** Of all tables that matter, without the local one: it follows from the addresses. */
  readonly routes: readonly NodeRoute[];
  /** Addresses of 127.0.0.0/8 may be routed (net.ipv4.conf.*.route_localnet). */
  readonly routesLoopback?: boolean;
}

export interface NodeInterface {
  readonly name: string;
  readonly index: number;
  /** `172.30.1.1/24`, in the order in which the kernel lists them. */
  readonly addresses: readonly string[];
}

export interface NodeRoute {
  /** `10.244.1.2/32`; `0.0.0.0/0` is the default route. */
  readonly destination: string;
  readonly interface: string;
  readonly gateway?: string;
}

/** enum rtn_type of linux/rtnetlink.h. */
export const AddressType = {
  unspecified: 0,
  unicast: 1,
  local: 2,
  broadcast: 3,
  multicast: 5,
  unreachable: 7,
} as const;
export type AddressType = (typeof AddressType)[keyof typeof AddressType];

/** As inet_addr_type() has it: all that is not special here is taken for unicast, be there a route to it or not. */
export function addressTypeOf(address: string, node: NodeState): AddressType {
  if (isLocal(address, node)) return AddressType.local;
  if (address === '255.255.255.255' || address.startsWith('0.')) return AddressType.broadcast;
  if (isInPrefix(address, '224.0.0.0/4') || isInPrefix(address, 'ff00::/8')) return AddressType.multicast;
  if (node.interfaces.some(({ addresses }) => addresses.some((own) => isBroadcastOf(address, own)))) {
    return AddressType.broadcast;
  }
  return AddressType.unicast;
}

export function isLocal(address: string, { interfaces }: NodeState): boolean {
  if (isLoopback(address)) return true;
  return interfaces.some(({ addresses }) => addresses.some((own) => addressIn(own) === address));
}

export const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

/** The interface that a packet to this address leaves by: `lo` for the node's own. Undefined: there is no route. */
export function interfaceTo(address: string, node: NodeState): string | undefined {
  return isLocal(address, node) ? 'lo' : routeTo(address, node)?.interface;
}

function routeTo(address: string, { routes }: NodeState): NodeRoute | undefined {
  let best: NodeRoute | undefined;
  for (const route of routes) {
    if (!isInPrefix(address, route.destination)) continue;
    if (best === undefined || lengthOf(route.destination) > lengthOf(best.destination)) best = route;
  }
  return best;
}

/**
 * The source that masquerading gives to a packet which leaves by `interface` (inet_select_addr): the interface's address
 * in the next hop's network, else its first, else any of the node's. Undefined: the node has none of that family.
 */
export function masqueradeSource(name: string, destination: string, node: NodeState): string | undefined {
  const family = familyOf(destination);
  const nextHop = routeTo(destination, node)?.gateway ?? destination;
  const own = usableAddresses(node, family, (one) => one.name === name);
  const near = own.find((address) => isInPrefix(nextHop, address));
  const chosen = near ?? own[0] ?? usableAddresses(node, family, () => true)[0];
  return chosen && addressIn(chosen);
}

/** All addresses of the interface, of one family, in the kernel's order. */
export const addressesOf = (name: string, family: TraceFamily, { interfaces }: NodeState): string[] =>
  interfaces
    .filter((one) => one.name === name)
    .flatMap(({ addresses }) => addresses.map(addressIn).filter((address) => familyOf(address) === family));

function usableAddresses(
  { interfaces }: NodeState,
  family: TraceFamily,
  choose: (one: NodeInterface) => boolean,
): string[] {
  const isUsable = (own: string) =>
    familyOf(own) === family && !isLoopback(addressIn(own)) && !isInPrefix(addressIn(own), 'fe80::/10');
  return interfaces.filter(choose).flatMap(({ addresses }) => addresses.filter(isUsable));
}

/** False also when they are of different families. */
export function isInPrefix(address: string, prefix: string): boolean {
  const [one, network] = [parseIp(address).bytes, parseIp(addressIn(prefix)).bytes];
  if (one.length !== network.length) return false;
  return one.every((byte, i) => ((byte ^ network[i]!) & maskByte(lengthOf(prefix), i)) === 0);
}

function isBroadcastOf(address: string, own: string): boolean {
  if (familyOf(own) !== 'IPv4' || familyOf(address) !== 'IPv4' || lengthOf(own) > 30) return false;
  const last = parseIp(addressIn(own)).bytes.map((byte, i) => byte | (~maskByte(lengthOf(own), i) & 0xff));
  return parseIp(address).bytes.every((byte, i) => byte === last[i]);
}

const maskByte = (length: number, index: number): number =>
  0xff & (0xff00 >> Math.min(8, Math.max(0, length - index * 8)));
const addressIn = (prefix: string): string => prefix.split('/')[0]!;
const lengthOf = (prefix: string): number => Number(prefix.split('/')[1]);
