import type { Rule, TableName } from '../../../wire/iptables/mod.ts';

/** What iptables is to hold, in three parts that change for different reasons. */

/** A chain whose rules all come from one place: its content is compared and written as a whole. */
export interface OwnChain {
  readonly table: TableName;
  readonly name: string;
  readonly rules: readonly Rule[];
  /** With the name, what all rules follow from: chains that agree in both need no look at their rules. */
  readonly origin?: string;
}

/** One rule in a chain to which every port may contribute; their order does not matter. */
export interface SharedRule {
  readonly table: TableName;
  readonly chain: string;
  readonly rule: Rule;
}

/** What one Service port needs. */
export interface PortProgram {
  /** Chains that others jump to come before those others. */
  readonly chains: readonly OwnChain[];
  readonly shared: readonly SharedRule[];
}

/** What does not depend on Services. */
export interface FixedProgram {
  readonly chains: readonly OwnChain[];
  readonly sharedChains: readonly SharedChain[];
  /** From built-in chains into ours; in the order in which upstream puts each before all others. */
  readonly hooks: readonly SharedRule[];
}

export interface SharedChain {
  readonly table: TableName;
  readonly name: string;
  /** Rules that come after those of all ports. */
  readonly tail: readonly Rule[];
}
