import { everyRun } from './choices.ts';
import { UnevaluableError } from './errors.ts';
import { Memory } from './memory.ts';
import { type End, type Step, socketText, walkHooks } from './netfilter.ts';
import type { NodeState } from './node-state.ts';
import type { Masquerade, Packet } from './packet.ts';
import type { BaseChain } from './rules.ts';

/** All that can become of a packet, the likeliest first. */
export interface Trace {
  readonly packet: Packet;
  readonly outcomes: readonly Outcome[];
}

export interface Outcome {
  /** Of all outcomes together 1, but for rounding. */
  readonly probability: number;
  readonly end: End | { readonly kind: 'unknown'; readonly why: string };
  /** As the packet ends: behind DNAT. */
  readonly destination: string;
  readonly destinationPort?: number;
  /** Absent: the packet keeps its source. */
  readonly masquerade?: Masquerade;
  readonly mark: number;
  /** One way to this outcome; others that end alike differ at most in the rules they pass. */
  readonly path: readonly Step[];
  /** What the rules remember afterwards: to trace the client's next packet with. */
  readonly memory: Memory;
}

/** Follows one packet through the rules of a node: those of all tables together, whoever wrote them. */
export function trace(
  chains: readonly BaseChain[],
  packet: Packet,
  node: NodeState,
  memory: Memory = new Memory(),
): Trace {
  const outcomes = new Map<string, Outcome>();
  const runs = everyRun((choose) => {
    const remembered = memory.copy();
    return runOnce(chains, packet, { node, choose, memory: remembered });
  });
  for (const { probability, result } of runs) {
    const key = `${outcomeText(result)} ${result.mark} ${result.memory}`;
    const same = outcomes.get(key);
    outcomes.set(key, { ...(same ?? result), probability: probability + (same?.probability ?? 0) });
  }
  return { packet, outcomes: [...outcomes.values()].sort((a, b) => b.probability - a.probability) };
}

function runOnce(
  chains: readonly BaseChain[],
  packet: Packet,
  surroundings: Parameters<typeof walkHooks>[2],
): Omit<Outcome, 'probability'> {
  const path: Step[] = [];
  const { memory } = surroundings;
  try {
    const { end, packet: after } = walkHooks(packet, chains, surroundings, (step) => path.push(step));
    const { destination, destinationPort, masquerade, mark } = after;
    return {
      end,
      destination,
      ...(destinationPort !== undefined && { destinationPort }),
      ...(masquerade && { masquerade }),
      mark,
      path,
      memory,
    };
  } catch (error) {
    if (!(error instanceof UnevaluableError)) throw error;
    const { destination, mark = 0 } = packet;
    return { end: { kind: 'unknown', why: error.message }, destination, mark, path, memory };
  }
}

/** `10.244.1.2:9376 by pod1, masqueraded as 10.244.1.1`. Equal ends have equal texts. */
export function outcomeText({ end, destination, destinationPort, masquerade }: Omit<Outcome, 'probability'>): string {
  const from = masquerade ? `, masqueraded as ${masquerade.source}` : '';
  switch (end.kind) {
    case 'sent':
      return `${socketText(destination, destinationPort)} by ${end.interface}${from}`;
    case 'delivered':
      return `${socketText(destination, destinationPort)} on this node${from}`;
    case 'rejected':
      return `rejected with ${end.with}`;
    case 'dropped':
      return `dropped by ${end.by}`;
    case 'unroutable':
      return `no route to ${destination}`;
    case 'unknown':
      return `cannot be evaluated: ${end.why}`;
  }
}
