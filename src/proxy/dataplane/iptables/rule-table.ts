import type { Rule, TableName } from '../../../wire/iptables/mod.ts';
import type { Written } from '../port.ts';

/** One thing to do to the rules. Rules are told apart by their text, which is what `iptables-save` prints. */
export type Edit =
  /** A chain that is not there, with all its rules. */
  | { readonly do: 'create'; readonly table: TableName; readonly chain: string; readonly rules: readonly Rule[] }
  /** From exactly these rules to those. */
  | {
      readonly do: 'change';
      readonly table: TableName;
      readonly chain: string;
      readonly before: readonly string[];
      readonly after: readonly Rule[];
    }
  | {
      readonly do: 'insert';
      readonly table: TableName;
      readonly chain: string;
      readonly rule: Rule;
      readonly at: 'start' | 'end';
    }
  | { readonly do: 'remove'; readonly table: TableName; readonly chain: string; readonly text: string }
  /** With whatever is in it; nothing may point to it any more. */
  | { readonly do: 'delete'; readonly table: TableName; readonly chain: string };

/** One of the two places in the kernel in which iptables keeps rules, for one address family. */
export interface RuleTable {
  readonly interface: KernelInterface;

  read(): FoundRules;

  /**
   * Carries out the edits in their order, as one transaction unless they are very many; what they are based on is `found`,
   * or what was written since.
   */
  write(edits: Iterable<Edit>, found?: FoundRules): Written;

  /** False when nobody can have touched the rules since our last write. */
  mayHaveDrifted(): boolean;

  close(): void;
}

/** `nft`: in nf_tables, by its compatibility expressions; `legacy`: in x_tables. */
export type KernelInterface = 'nft' | 'legacy';

/** Texts of the rules of each chain, by table and chain: built-in chains and those whose names begin with `KUBE-`. */
export interface FoundRules {
  readonly tables: ReadonlyMap<TableName, ReadonlyMap<string, readonly string[]>>;
}

export const tableNames = ['mangle', 'nat', 'filter'] as const satisfies TableName[];

/** The chains of kube-proxy's userspace mode are that mode's to remove. */
export const isOurs = (chain: string): boolean => /^KUBE-(?!PORTALS-|NODEPORT-)/.test(chain);
