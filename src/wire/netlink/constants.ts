/** include/uapi/linux/netlink.h. Numbers only; what they mean is said where they are used. */

export const MessageType = {
  /** Answers a request: an error number, 0 for an acknowledgement. */
  error: 2,
  /** Ends a dump. */
  done: 3,
} as const;

/** Values of nlmsg_flags. The upper byte means different things for get, new and delete requests. */
export const MessageFlag = {
  request: 0x1,
  multi: 0x2,
  acknowledge: 0x4,
  echo: 0x8,
  /** The tables changed while they were dumped: the dump may miss objects or show them twice. */
  dumpInterrupted: 0x10,

  root: 0x100,
  match: 0x200,
  dump: 0x300,

  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,

  /** On an NLMSG_ERROR: the original request's payload is left out (NETLINK_CAP_ACK). */
  capped: 0x100,
  /** On an NLMSG_ERROR or NLMSG_DONE: attributes with the kernel's own words follow (NETLINK_EXT_ACK). */
  acknowledgeAttributes: 0x200,
} as const;

export const messageHeaderLength = 16;
export const attributeHeaderLength = 4;

/** nla_len is 16 bits wide and counts the header. */
export const attributeLengthLimit = 0xffff;

/** Both are flags in nla_type, not part of the type. */
export const attributeNestedFlag = 0x8000;
export const attributeNetworkOrderFlag = 0x4000;
export const attributeTypeMask = 0x3fff;

/** Messages and attributes start at multiples of four. */
export const align4 = (length: number): number => (length + 3) & ~3;
