import { kubeletCanary, kubeletHint } from './chains.ts';
import type { FoundRules, KernelInterface } from './rule-table.ts';

/**
 * Which of the two interfaces the host's own tools use, by the rules of upstream's iptables-wrappers: where kubelet has
 * left its hint or canary; else where more rules are; else nft. Rules in the other one would be seen by the kernel but not
 * by whoever looks with `iptables-save`.
 *
 * Each argument reads its interface, and is asked only if it has to be; undefined: the host does not have it.
 */
export function chooseInterface(
  readNft: () => FoundRules | undefined,
  readLegacy: () => FoundRules | undefined,
): KernelInterface {
  const nft = readNft();
  if (nft === undefined) return 'legacy';
  if (hasKubelet(nft)) return 'nft';
  const legacy = readLegacy();
  if (legacy === undefined) return 'nft';
  if (hasKubelet(legacy)) return 'legacy';
  return ruleCount(legacy) > ruleCount(nft) ? 'legacy' : 'nft';
}

const hasKubelet = ({ tables }: FoundRules): boolean => {
  const mangle = tables.get('mangle');
  return mangle !== undefined && (mangle.has(kubeletHint) || mangle.has(kubeletCanary));
};

const ruleCount = ({ tables }: FoundRules): number => {
  let count = 0;
  for (const chains of tables.values()) for (const rules of chains.values()) count += rules.length;
  return count;
};
