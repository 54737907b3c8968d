import { readFileSync } from 'node:fs';
import { OperatingError } from '../../../base/errors.ts';
import { isKernelError } from '../../../kernel/errors.ts';
import { openXtables, type RunTool, runTool as runRealTool, ToolError, withNetns } from '../../../kernel/mod.ts';
import type { Kernel } from '../../../kernel/port.ts';
import type { Family } from '../../plan/mod.ts';
import { chooseInterface } from './choose-interface.ts';
import { type LegacyDoor, LegacyRuleTable } from './legacy-rule-table.ts';
import { NftRuleTable } from './nft-rule-table.ts';
import type { FoundRules, KernelInterface, RuleTable } from './rule-table.ts';

interface Place {
  readonly family: Family;
  /** Path of the network namespace; default: the process's own. */
  readonly netns?: string;
  /** Default: the real one. */
  readonly runTool?: RunTool;
}

/** The two interfaces of one family in one network namespace, as far as this host has them. */
export interface KernelInterfaces {
  open(kind: KernelInterface): RuleTable;
  /** The one that the host's own tools use. */
  choose(): KernelInterface;
  /** The one that was not chosen, where there may be rules in it. */
  openOther(chosen: KernelInterface): RuleTable | undefined;
}

export function kernelInterfaces(kernel: Kernel, { family, netns, runTool = runRealTool }: Place): KernelInterfaces {
  const legacy: LegacyDoor = {
    run: (file, args, input) =>
      runTool(file, args, { ...(netns !== undefined && { netns }), ...(input !== undefined && { input }) }),
    openSocket: () => openXtables(family, netns),
  };
  const open = (kind: KernelInterface): RuleTable => {
    if (kind === 'legacy') return new LegacyRuleTable(legacy, family);
    return new NftRuleTable(kernel.openNetlink('netfilter', netns === undefined ? {} : { netns }), family);
  };
  const openUsed = (kind: KernelInterface): RuleTable | undefined => {
    // Looking into a table of x_tables makes it: only those that are there already are looked into.
    if (kind === 'legacy' && legacyTables(netns, family).length === 0) return undefined;
    try {
      return open(kind);
    } catch (error) {
      if (error instanceof ToolError || isKernelError(error, ...unsupportedCodes)) return undefined;
      throw error;
    }
  };
  const readUsed = (kind: KernelInterface): FoundRules | undefined => {
    const table = openUsed(kind);
    try {
      return table?.read();
    } finally {
      table?.close();
    }
  };
  return {
    open,
    choose: () =>
      chooseInterface(
        () => readUsed('nft'),
        () => readUsed('legacy'),
      ),
    openOther: (chosen) => openUsed(chosen === 'nft' ? 'legacy' : 'nft'),
  };
}

/** nfnetlink answers EINVAL for a subsystem that it does not have, and there may be no nfnetlink either. */
const unsupportedCodes = ['EINVAL', 'EOPNOTSUPP', 'EPROTONOSUPPORT'];

function legacyTables(netns: string | undefined, family: Family): string[] {
  const path = `/proc/thread-self/net/${family === 'IPv4' ? 'ip' : 'ip6'}_tables_names`;
  const read = () => {
    try {
      return readFileSync(path, 'utf8').split('\n').filter(Boolean);
    } catch {
      // The kernel has no x_tables at all.
      return [];
    }
  };
  return netns === undefined ? read() : withNetns(netns, read);
}

/** Runs `open`; its errors say what the host lacks. */
export function explained<T>(open: () => T): T {
  const operation = 'Open iptables';
  try {
    return open();
  } catch (error) {
    if (isKernelError(error, 'EPERM') || (error instanceof ToolError && /you must be root/i.test(error.stderr))) {
      throw new OperatingError(operation, 'EPERM', 'it takes root, or the capability CAP_NET_ADMIN', error);
    }
    if (isKernelError(error, ...unsupportedCodes)) {
      throw new OperatingError(operation, 'unsupported', 'this kernel has no nf_tables (CONFIG_NF_TABLES)', error);
    }
    if (error instanceof ToolError) {
      const state = error.code === 'ENOENT' ? 'the command iptables-legacy is not installed' : error.message;
      throw new OperatingError(operation, 'unsupported', state, error);
    }
    throw error;
  }
}
