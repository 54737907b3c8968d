/**
 * Rules in iptables' own terms, whichever kernel interface holds them. A rule is read, printed, evaluated and turned into
 * nftables expressions from this one form. Addresses are canonical text, numbers are numbers.
 */
export type Family = 'IPv4' | 'IPv6';
export type TableName = 'filter' | 'nat' | 'mangle' | 'raw' | 'security';

export interface Rule {
  readonly source?: Prefix;
  readonly destination?: Prefix;
  readonly inInterface?: InterfaceMatch;
  readonly outInterface?: InterfaceMatch;
  readonly protocol?: ProtocolMatch;
  /** In the order in which they are tried and printed. */
  readonly matches: readonly Match[];
  /** Absent: the rule only counts. */
  readonly target?: Target;
}

/** All of a rule's conditions can be turned round: `! -s 10.0.0.0/8`. */
interface Invertible {
  readonly inverted?: true;
}

export interface Prefix extends Invertible {
  readonly address: string;
  /** 32 or 128 for one address. */
  readonly length: number;
}

export interface InterfaceMatch extends Invertible {
  /** With a `+` at the end for all names that begin like it. */
  readonly name: string;
}

export interface ProtocolMatch extends Invertible {
  /** `tcp`, or a number as text for one without a name here. */
  readonly name: string;
}

/** Ends included. */
export interface PortRange extends Invertible {
  readonly from: number;
  readonly to: number;
}

export type Match =
  | { readonly kind: 'comment'; readonly text: string }
  /** `-m tcp`, `-m udp`, `-m sctp`. */
  | {
      readonly kind: 'ports';
      readonly protocol: 'tcp' | 'udp' | 'sctp';
      readonly source?: PortRange;
      readonly destination?: PortRange;
    }
  | ({ readonly kind: 'mark' } & MaskedMark & Invertible)
  | { readonly kind: 'addrtype'; readonly source?: AddressTypeMatch; readonly destination?: AddressTypeMatch }
  /** `--mode random`: of 2^31, as the kernel keeps it. */
  | ({ readonly kind: 'statistic'; readonly probability: number } & Invertible)
  | ({ readonly kind: 'conntrack'; readonly states: readonly ConntrackState[] } & Invertible)
  | RecentMatch
  /** `-m set --match-set NAME dst,dst`. */
  | ({ readonly kind: 'set'; readonly name: string; readonly directions: readonly ('src' | 'dst')[] } & Invertible)
  | { readonly kind: 'physdev'; readonly isIn?: boolean; readonly isOut?: boolean; readonly isBridged?: boolean }
  /** One that this program does not know; `text` is what was read of it. */
  | { readonly kind: 'foreign'; readonly name: string; readonly text: string };

/** Names as iptables prints them, of enum rtn_type. */
export type AddressType = 'UNSPEC' | 'UNICAST' | 'LOCAL' | 'BROADCAST' | 'ANYCAST' | 'MULTICAST' | 'BLACKHOLE';

export interface AddressTypeMatch extends Invertible {
  readonly types: readonly AddressType[];
}

export type ConntrackState = 'INVALID' | 'NEW' | 'RELATED' | 'ESTABLISHED' | 'UNTRACKED' | 'SNAT' | 'DNAT';

/** `-m recent`: whether the source (or destination) address is in a list, and changes to that list. */
export interface RecentMatch extends Invertible {
  readonly kind: 'recent';
  readonly do: 'set' | 'rcheck' | 'update' | 'remove';
  readonly seconds?: number;
  /** Forgets entries that are older than `seconds`. */
  readonly reap?: true;
  readonly name: string;
  /** Of the address, in the form of an address. */
  readonly mask: string;
  readonly side: 'source' | 'destination';
}

interface MaskedMark {
  readonly value: number;
  readonly mask: number;
}

export type Target =
  /** To one of the rule set's own chains. */
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'ACCEPT' | 'DROP' | 'RETURN' }
  /** `--set-xmark`: clears the bits of `mask`, then XORs with `value`. */
  | ({ readonly kind: 'MARK' } & MaskedMark)
  | { readonly kind: 'DNAT'; readonly address: string; readonly port?: number }
  | { readonly kind: 'MASQUERADE'; readonly randomFully?: true }
  | { readonly kind: 'REDIRECT'; readonly port: number }
  | { readonly kind: 'REJECT'; readonly with: string }
  | { readonly kind: 'foreign'; readonly name: string; readonly text: string };

/** What a packet meets in one table, as `iptables-save` shows it. */
export interface TableContent {
  readonly name: TableName;
  readonly chains: ReadonlyMap<string, ChainContent>;
}

export interface ChainContent {
  /** Of a built-in chain. Absent: a chain that others jump to. */
  readonly policy?: 'ACCEPT' | 'DROP';
  readonly rules: readonly Rule[];
}
