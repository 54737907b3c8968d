import type { Service } from '../../kube/mod.ts';
import { isInRange, parseRange } from './addresses.ts';
import type { Firewall, NodeFacts } from './model.ts';

/** For the Service's owner, as an Event says it. */
export interface Problem {
  readonly reason: string;
  readonly message: string;
}

const notARange = (text: string): Problem => ({
  reason: 'InvalidSourceRange',
  message: `Read loadBalancerSourceRanges: ${text} is not a range of addresses, and is left out`,
});

/**
 * loadBalancerSourceRanges of one family. As with kube-proxy, a range that cannot be read counts as not there, and so
 * does the whole list for a family of which it has none.
 */
export function firewallOf({ spec }: Service, node: NodeFacts): { firewall?: Firewall; problems: Problem[] } {
  const problems: Problem[] = [];
  const ranges = new Set<string>();
  for (const text of spec.loadBalancerSourceRanges ?? []) {
    // The API server's validation lets spaces around a range pass.
    const parsed = parseRange(text.trim());
    if (parsed === undefined) problems.push(notARange(text));
    else if (parsed.family === node.family) ranges.add(parsed.range);
  }
  if (ranges.size === 0) return { problems };
  const { address } = node;
  const admitsNode = address !== undefined && [...ranges].some((range) => isInRange(address, range));
  return { firewall: { ranges: [...ranges].sort(), admitsNode }, problems };
}
