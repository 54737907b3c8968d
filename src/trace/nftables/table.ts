import type { Chain, Element, Expression, SetDefinition } from '../../wire/nftables/mod.ts';
import type { TraceFamily } from '../packet.ts';

/** A table's whole content, be it compiled or read from a kernel. */
export interface NftTable {
  readonly family: TraceFamily;
  readonly name: string;
  readonly chains: readonly NftChain[];
  readonly sets: readonly NftSet[];
}

export interface NftChain {
  readonly chain: Chain;
  readonly rules: readonly (readonly Expression[])[];
}

export interface NftSet {
  readonly definition: SetDefinition;
  readonly elements: Iterable<Element>;
  /** Elements are ends of ranges, not single values. */
  readonly holdsRanges?: boolean;
}
