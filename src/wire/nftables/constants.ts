/** include/uapi/linux/netfilter/{nfnetlink,nf_tables,nf_nat}.h. Numbers only; what they mean is said where they are used. */

/** nfgen_family of struct nfgenmsg. */
export const Family = { unspecified: 0, ipv4: 2, ipv6: 10 } as const;
export type Family = (typeof Family)[keyof typeof Family];

const subsystem = 10 << 8;

/** The subsystem's number in the upper byte of nlmsg_type, the operation in the lower one. */
export const NftMessage = {
  batchBegin: 0x10,
  batchEnd: 0x11,
  newTable: subsystem | 0,
  getTable: subsystem | 1,
  deleteTable: subsystem | 2,
  newChain: subsystem | 3,
  getChain: subsystem | 4,
  deleteChain: subsystem | 5,
  newRule: subsystem | 6,
  getRule: subsystem | 7,
  deleteRule: subsystem | 8,
  newSet: subsystem | 9,
  getSet: subsystem | 10,
  deleteSet: subsystem | 11,
  newSetElement: subsystem | 12,
  getSetElement: subsystem | 13,
  deleteSetElement: subsystem | 14,
  newGeneration: subsystem | 15,
  getGeneration: subsystem | 16,
} as const;

/** res_id of the messages that begin and end a batch: which subsystem the batch is for. */
export const nftablesSubsystem = 10;

export const BatchAttribute = { generation: 1 } as const;
export const GenerationAttribute = { id: 1 } as const;
export const ListAttribute = { element: 1 } as const;
export const TableAttribute = { name: 1, flags: 2, userData: 6 } as const;
export const ChainAttribute = { table: 1, name: 3, hook: 4, policy: 5, type: 7 } as const;
export const HookAttribute = { number: 1, priority: 2 } as const;
export const RuleAttribute = { table: 1, chain: 2, handle: 3, expressions: 4 } as const;
export const SetAttribute = {
  table: 1,
  name: 2,
  flags: 3,
  keyType: 4,
  keyLength: 5,
  dataType: 6,
  dataLength: 7,
  description: 9,
  id: 10,
  userData: 13,
  /** Number of elements; since Linux 6.16. */
  count: 20,
} as const;
/** NFTA_SET_DESC_*. */
export const SetDescription = { size: 1 } as const;
export const SetFlag = { anonymous: 1, constant: 2, interval: 4, map: 8, timeout: 16, dynamic: 32 } as const;
export const ElementListAttribute = { table: 1, set: 2, elements: 3 } as const;
export const ElementAttribute = { key: 1, data: 2, flags: 3 } as const;
export const DataAttribute = { value: 1, verdict: 2 } as const;
export const VerdictAttribute = { code: 1, chain: 2 } as const;
export const ExpressionAttribute = { name: 1, data: 2 } as const;

/** NFT_DATA_VERDICT: the data type of a map whose values are verdicts. */
export const verdictDataType = 0xffffff00;
/** NFT_REG_VERDICT. */
export const verdictRegister = 0;
