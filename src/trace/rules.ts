import type { Choose } from './choices.ts';
import type { Memory } from './memory.ts';
import type { NodeState } from './node-state.ts';
import type { Traveller } from './packet.ts';

/** Where rules meet a packet: enum nf_inet_hooks. */
export type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

/** Rules of whatever language, entered by packets at one hook. The core knows no more of them. */
export interface BaseChain {
  /** For people: `ip signalbox nat-prerouting`, `nat PREROUTING`. */
  readonly name: string;
  readonly hook: Hook;
  /** Lower comes first; chains that translate have their place among each other only. */
  readonly priority: number;
  /** Asked once for each connection and direction of NAT, and not again when one has answered with a translation. */
  readonly translates: boolean;
  /** Throws UnevaluableError. */
  evaluate(packet: Traveller, surroundings: Surroundings): Verdict;
}

export interface Surroundings {
  readonly node: NodeState;
  readonly hook: Hook;
  readonly choose: Choose;
  readonly memory: Memory;
  /** Notes a rule that applies to the packet. */
  passed(step: PassedRule): void;
}

export interface PassedRule {
  /** `ip signalbox`, or an iptables table's name. */
  readonly table: string;
  readonly chain: string;
  /** In its chain, from 1. */
  readonly number: number;
  readonly text: string;
}

/** What one hook's chain says. `accept` lets the packet go on to the next chain. */
export type Verdict =
  | { readonly kind: 'accept' | 'drop' }
  /** `tcp-reset`, `icmp-port-unreachable`, …, as iptables names them. */
  | { readonly kind: 'reject'; readonly with: string }
  | { readonly kind: 'redirect'; readonly address?: string; readonly port?: number }
  | { readonly kind: 'masquerade'; readonly randomFully: boolean };
