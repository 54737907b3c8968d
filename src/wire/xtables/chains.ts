import { type Attributes, decodeAttributes, MalformedError } from '../netlink/mod.ts';

/** include/uapi/linux/netfilter/nf_tables.h, enum nft_chain_attributes. */
const ChainAttribute = { table: 1, name: 3, hook: 4 } as const;

export interface FoundChain {
  readonly table: string;
  readonly name: string;
  /** Packets enter it by themselves. */
  readonly isBase: boolean;
}

export function decodeChain(payload: Buffer): FoundChain {
  const attributes: Attributes = decodeAttributes(payload.subarray(4));
  const [table, name] = [attributes.string(ChainAttribute.table), attributes.string(ChainAttribute.name)];
  if (table === undefined || name === undefined) throw new MalformedError('Decode nftables chain', 'no table or name');
  return { table, name, isBase: attributes.has(ChainAttribute.hook) };
}
