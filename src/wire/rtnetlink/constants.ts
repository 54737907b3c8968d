/** include/uapi/linux/rtnetlink.h, if_link.h, if_addr.h, if_bridge.h, veth.h. Numbers only. */

export const RouteMessageType = {
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
  newRoute: 24,
  deleteRoute: 25,
  getRoute: 26,
} as const;

/** AF_*, in the families' own numbers. */
export const Family = { any: 0, ipv4: 2, ipv6: 10 } as const;

/** IFLA_* */
export const LinkAttribute = {
  address: 1,
  name: 3,
  mtu: 4,
  link: 5,
  master: 10,
  info: 18,
  netnsPid: 19,
  netnsFd: 28,
  extendedMask: 29,
  linkNetnsId: 37,
} as const;

/** IFLA_INFO_* */
export const LinkInfoAttribute = { kind: 1, data: 2, portKind: 4, portData: 5 } as const;

/** VETH_INFO_* */
export const VethAttribute = { peer: 1 } as const;

/** IFLA_BRPORT_* */
export const BridgePortAttribute = { hairpin: 4, isolated: 33 } as const;

/** IFF_* */
export const LinkFlag = { up: 0x1, running: 0x40 } as const;

/** RTEXT_FILTER_SKIP_STATS: without IPv6's counters, which are a third of a dump's bytes. */
export const skipStatistics = 8;

/** IFA_* */
export const AddressAttribute = { address: 1, local: 2, flags: 8 } as const;

/** RTA_* */
export const RouteAttribute = {
  destination: 1,
  outputLink: 4,
  gateway: 5,
  priority: 6,
  preferredSource: 7,
  multipath: 9,
  table: 15,
} as const;

/** RTNH_F_ONLINK: the gateway is on the link even where no address says so. */
export const nextHopOnLink = 4;

/** enum rt_class_t; the rest are numbers of the administrator's. */
export const RouteTable = { main: 254, local: 255 } as const;

/** RTN_* */
export const routeTypes = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
} as const;

/** enum rt_scope_t */
export const routeScopes = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const;

/** RTPROT_*: who has made the route. */
export const routeProtocols = { unspecified: 0, redirect: 1, kernel: 2, boot: 3, static: 4 } as const;

/** Turns a table of names round: `nameIn(routeScopes, 253)` is `link`; a number without a name stays one, as text. */
export function nameIn<Name extends string>(table: Readonly<Record<Name, number>>, value: number): Name | `${number}` {
  const names = Object.keys(table) as Name[];
  return names.find((name) => table[name] === value) ?? `${value}`;
}
