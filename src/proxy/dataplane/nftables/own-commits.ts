import type { Kernel } from '../../../kernel/port.ts';

/**
 * How many transactions this process has committed to the rule set of one network namespace. The kernel counts everybody's
 * (the generation): when both counts have gone on by the same, nobody else has changed anything. The tables of the two
 * families share it, so that neither takes the other's work for a stranger's.
 */
export interface OwnCommits {
  count: number;
}

const byKernel = new WeakMap<Kernel, Map<string, OwnCommits>>();

export function ownCommits(kernel: Kernel, netns = ''): OwnCommits {
  const byNamespace = byKernel.get(kernel) ?? new Map<string, OwnCommits>();
  byKernel.set(kernel, byNamespace);
  const known = byNamespace.get(netns) ?? { count: 0 };
  byNamespace.set(netns, known);
  return known;
}
