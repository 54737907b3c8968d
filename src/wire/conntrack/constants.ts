/** include/uapi/linux/netfilter/nfnetlink.h and nfnetlink_conntrack.h. Numbers only; what they mean is said where they are used. */

/** NFNL_SUBSYS_CTNETLINK, in the upper byte of nlmsg_type. */
const conntrackSubsystem = 1;
const messageType = (message: number): number => (conntrackSubsystem << 8) | message;

/** enum cntl_msg_types */
export const ConntrackMessage = {
  newFlow: messageType(0),
  getFlow: messageType(1),
  deleteFlow: messageType(2),
  getStatistics: messageType(5),
} as const;

/** enum ctattr_type */
export const FlowAttribute = {
  original: 1,
  reply: 2,
  status: 3,
  timeout: 7,
  mark: 8,
  id: 12,
  zone: 18,
  markMask: 21,
  filter: 25,
  statusMask: 26,
} as const;

/** enum ctattr_stats_global */
export const StatisticsAttribute = { flows: 1 } as const;

/** enum ctattr_tuple */
export const TupleAttribute = { addresses: 1, protocol: 2 } as const;

/** enum ctattr_ip */
export const AddressAttribute = {
  ipv4Source: 1,
  ipv4Destination: 2,
  ipv6Source: 3,
  ipv6Destination: 4,
} as const;

/** enum ctattr_l4proto */
export const ProtocolAttribute = { number: 1, sourcePort: 2, destinationPort: 3 } as const;

/** enum ctattr_filter */
export const FilterAttribute = { originalFlags: 1, replyFlags: 2 } as const;

/** CTA_FILTER_F_* of net/netfilter/nf_conntrack_netlink.c's private header: which parts of a tuple are to be compared. */
export const FilterFlag = {
  source: 1 << 0,
  destination: 1 << 1,
  protocol: 1 << 3,
  sourcePort: 1 << 4,
  destinationPort: 1 << 5,
} as const;

/** enum ip_conntrack_status (nf_conntrack_common.h), those that are asked for here. */
export const FlowStatus = { seenReply: 1 << 1, confirmed: 1 << 3, sourceNat: 1 << 4, destinationNat: 1 << 5 } as const;

/** struct nfgenmsg: family, version, resource id. */
export const genericHeaderLength = 4;

/** AF_INET, AF_INET6 */
export const Family = { ipv4: 2, ipv6: 10 } as const;
export type Family = (typeof Family)[keyof typeof Family];

/** IPPROTO_* */
export const IpProtocol = { tcp: 6, udp: 17, sctp: 132 } as const;
