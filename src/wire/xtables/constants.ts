/** include/uapi/linux/netfilter/{nf_tables,nf_tables_compat}.h, as far as iptables-nft uses them. */

export const ExpressionAttribute = { name: 1, data: 2 } as const;
export const RuleAttribute = { table: 1, chain: 2, handle: 3, expressions: 4, compat: 5, position: 6 } as const;
export const RuleCompatAttribute = { protocol: 1, flags: 2 } as const;
/** NFTA_MATCH_* and NFTA_TARGET_* are the same. */
export const ExtensionAttribute = { name: 1, revision: 2, info: 3 } as const;
export const ListAttribute = { element: 1 } as const;
export const DataAttribute = { value: 1, verdict: 2 } as const;
export const VerdictAttribute = { code: 1, chain: 2 } as const;
export const MetaAttribute = { register: 1, key: 2 } as const;
export const PayloadAttribute = { register: 1, base: 2, offset: 3, length: 4 } as const;
export const CompareAttribute = { register: 1, operator: 2, data: 3 } as const;
export const RangeAttribute = { register: 1, operator: 2, from: 3, to: 4 } as const;
export const BitwiseAttribute = { source: 1, register: 2, length: 3, mask: 4, xor: 5 } as const;
export const ImmediateAttribute = { register: 1, data: 2 } as const;
export const CounterAttribute = { bytes: 1, packets: 2 } as const;

export const MetaKey = { mark: 3, inInterface: 6, outInterface: 7, protocol: 16 } as const;
export const PayloadBase = { network: 1, transport: 2 } as const;
/** NFT_CMP_* and NFT_RANGE_*. */
export const Comparison = { equal: 0, notEqual: 1 } as const;
/** NFT_REG_1, the only one that iptables-nft 1.8 uses, and NFT_REG_VERDICT. */
export const register = 1;
export const verdictRegister = 0;

/** NF_DROP, NF_ACCEPT; NFT_JUMP, NFT_GOTO, NFT_RETURN. */
export const verdictCodes = { DROP: 0, ACCEPT: 1, jump: -3, goto: -4, RETURN: -5 } as const;

export const protocolNumbers: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  'ipv6-icmp': 58,
  sctp: 132,
};

/** Where the addresses stand in the network header. */
export const addressOffsets = {
  IPv4: { source: 12, destination: 16, length: 4 },
  IPv6: { source: 8, destination: 24, length: 16 },
} as const;
