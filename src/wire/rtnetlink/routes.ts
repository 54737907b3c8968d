import {
  type AttributeWriter,
  decodeAttributes,
  MalformedError,
  type MessageBatch,
  MessageFlag,
  type NetlinkMessage,
} from '../netlink/mod.ts';
import {
  Family,
  nameIn,
  nextHopOnLink,
  RouteAttribute,
  RouteMessageType,
  RouteTable,
  routeProtocols,
  routeScopes,
  routeTypes,
} from './constants.ts';
import { formatIp, parseIp, parsePrefix } from './ip.ts';

export type RouteType = 'unicast' | 'blackhole' | 'unreachable' | 'prohibit';

/** A route to add, replace or delete. */
export interface NewRoute {
  /** `10.244.2.0/24`; `0.0.0.0/0` is the default route. */
  readonly destination: string;
  readonly type?: RouteType;
  /** `192.0.2.1`, of the destination's family. */
  readonly gateway?: string;
  /** Index of the link. */
  readonly index?: number;
  /** Default as in ip(8): `link` for a unicast route without a gateway, else `global`. */
  readonly scope?: 'global' | 'link' | 'host';
  /** The gateway is on the link, whatever the addresses say. */
  readonly onlink?: boolean;
  /** The source address of what this machine sends itself. */
  readonly preferredSource?: string;
  /** Lower is better; default 0 (IPv4) or 1024 (IPv6). */
  readonly priority?: number;
  /** Default: the main table, 254. */
  readonly table?: number;
}

/** A route as the kernel shows it. */
export interface Route {
  readonly destination: string;
  /** One of RouteType, `local`, `broadcast`, …, or a number. */
  readonly type: string;
  readonly gateway: string | undefined;
  readonly index: number | undefined;
  readonly scope: string;
  readonly onlink: boolean;
  readonly preferredSource: string | undefined;
  readonly priority: number;
  readonly table: number;
  /** Who has made it: `kernel`, `static`, …, or a number. */
  readonly protocol: string;
  /** It has several next hops, which are not decoded. */
  readonly multipath: boolean;
}

/** RTM_NEWROUTE; fails with EEXIST when the table has a route of that destination and priority. */
export function encodeAddRoute(batch: MessageBatch, route: NewRoute): void {
  const flags = MessageFlag.create | MessageFlag.exclusive;
  batch.message(RouteMessageType.newRoute, flags, (writer) => putRoute(writer, route));
}

/** RTM_NEWROUTE in place of the route of that destination and priority, if there is one. */
export function encodeReplaceRoute(batch: MessageBatch, route: NewRoute): void {
  const flags = MessageFlag.create | MessageFlag.replace;
  batch.message(RouteMessageType.newRoute, flags, (writer) => putRoute(writer, route));
}

/** RTM_DELROUTE for the first route that has what is given, whoever made it; fails with ESRCH when there is none. */
export function encodeDeleteRoute(batch: MessageBatch, route: NewRoute): void {
  const { scope, type } = route;
  // In a deletion these three mean "any": fib_table_delete in net/ipv4/fib_trie.c.
  const header = {
    protocol: routeProtocols.unspecified,
    scope: scope === undefined ? routeScopes.nowhere : routeScopes[scope],
    type: type === undefined ? 0 : routeTypes[type],
  };
  batch.message(RouteMessageType.deleteRoute, 0, (writer) => putRoute(writer, route, header));
}

/** RTM_GETROUTE for the routes of one table, by default the main one. `isIpRoute` tells which answers decodeRoute reads. */
export function encodeDumpRoutes(batch: MessageBatch, table: number = RouteTable.main): void {
  batch.message(RouteMessageType.getRoute, MessageFlag.dump, (writer) => {
    appendRouteHeader(writer, { family: Family.any, prefixLength: 0, table, protocol: 0, scope: 0, type: 0, flags: 0 });
    // A filter needs NETLINK_GET_STRICT_CHK (Linux 4.20); without it, routes of all tables come.
    writer.putU32(RouteAttribute.table, table);
  });
}

/** A dump of all families shows MPLS and multicast routes too, where the kernel has them. */
export function isIpRoute({ payload }: NetlinkMessage): boolean {
  return payload.length > 0 && (payload[0] === Family.ipv4 || payload[0] === Family.ipv6);
}

/** Reads an RTM_NEWROUTE. Throws MalformedError. */
export function decodeRoute({ payload }: NetlinkMessage): Route {
  if (payload.length < routeHeaderLength) {
    throw new MalformedError('Decode a route', `${payload.length} bytes instead of ${routeHeaderLength} and more`);
  }
  const attributes = decodeAttributes(payload.subarray(routeHeaderLength));
  const ip = (type: number) => {
    const bytes = attributes.bytes(type);
    return bytes && formatIp(bytes);
  };
  const anywhere = payload.readUInt8(0) === Family.ipv6 ? '::' : '0.0.0.0';
  return {
    destination: `${ip(RouteAttribute.destination) ?? anywhere}/${payload.readUInt8(1)}`,
    type: nameIn(routeTypes, payload.readUInt8(7)),
    gateway: ip(RouteAttribute.gateway),
    index: attributes.u32(RouteAttribute.outputLink),
    scope: nameIn(routeScopes, payload.readUInt8(6)),
    onlink: (payload.readUInt32LE(8) & nextHopOnLink) !== 0,
    preferredSource: ip(RouteAttribute.preferredSource),
    priority: attributes.u32(RouteAttribute.priority) ?? 0,
    table: attributes.u32(RouteAttribute.table) ?? payload.readUInt8(4),
    protocol: nameIn(routeProtocols, payload.readUInt8(5)),
    multipath: attributes.has(RouteAttribute.multipath),
  };
}

/** Length of struct rtmsg. */
const routeHeaderLength = 12;

interface RouteHeader {
  family: number;
  prefixLength: number;
  table: number;
  protocol: number;
  scope: number;
  type: number;
  flags: number;
}

function appendRouteHeader(writer: AttributeWriter, header: RouteHeader): void {
  writer.appendU8(header.family);
  writer.appendU8(header.prefixLength);
  writer.appendZeros(2);
  // Tables above 255 are in RTA_TABLE only.
  writer.appendU8(header.table > 255 ? 0 : header.table);
  writer.appendU8(header.protocol);
  writer.appendU8(header.scope);
  writer.appendU8(header.type);
  writer.appendU32(header.flags);
}

const creationHeader = (route: NewRoute) => ({
  protocol: routeProtocols.static,
  scope: routeScopes[scopeOf(route)],
  type: routeTypes[route.type ?? 'unicast'],
});

type VaryingHeader = Pick<RouteHeader, 'protocol' | 'scope' | 'type'>;

function putRoute(writer: AttributeWriter, route: NewRoute, header: VaryingHeader = creationHeader(route)): void {
  const { family, prefixLength, bytes } = parsePrefix(route.destination);
  const table = route.table ?? RouteTable.main;
  appendRouteHeader(writer, { ...header, family, prefixLength, table, flags: route.onlink ? nextHopOnLink : 0 });
  writer.putBytes(RouteAttribute.destination, bytes);
  writer.putU32(RouteAttribute.table, table);
  if (route.gateway !== undefined) writer.putBytes(RouteAttribute.gateway, parseIp(route.gateway).bytes);
  if (route.index !== undefined) writer.putU32(RouteAttribute.outputLink, route.index);
  if (route.priority !== undefined) writer.putU32(RouteAttribute.priority, route.priority);
  if (route.preferredSource !== undefined) {
    writer.putBytes(RouteAttribute.preferredSource, parseIp(route.preferredSource).bytes);
  }
}

/** The scope that the route has when it says none. */
export function scopeOf({ scope, gateway, type, destination }: NewRoute): 'global' | 'link' | 'host' {
  // IPv6 has no scopes of routes: the kernel shows all as global.
  if (destination.includes(':')) return 'global';
  return scope ?? (gateway === undefined && (type ?? 'unicast') === 'unicast' ? 'link' : 'global');
}
