import { codeOf, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { isKernelError, KernelError } from '../../kernel/errors.ts';
import type { Kernel } from '../../kernel/port.ts';
import { decodeAnswer } from '../../wire/netlink/mod.ts';
import { NftBatch, Family as NftFamily } from '../../wire/nftables/mod.ts';
import { type ProxyMode, proxyModes } from '../config/mod.ts';
import type { Family } from '../plan/mod.ts';
import type { Dataplanes } from './dataplanes.ts';

const families: readonly Family[] = ['IPv4', 'IPv6'];

/** Removes the rules of all modes (`--cleanup`): Services stop working on this node. Returns what went wrong. */
export const cleanUp = (dataplanes: Dataplanes, kernel: Kernel, log: Logger, netns?: string): Error[] => [
  ...removeOtherModes(dataplanes, undefined, log),
  ...removeUpstreamTables(kernel, log, netns),
];

/**
 * Removes what modes other than this one have left in the kernel; all of them without one. What cannot even be looked at,
 * because the machine has no such mode, is not there. Returns what went wrong, having tried everything.
 */
export function removeOtherModes(dataplanes: Dataplanes, current: ProxyMode | undefined, log: Logger): Error[] {
  const problems: Error[] = [];
  for (const mode of proxyModes) {
    if (mode === current) continue;
    for (const family of families) problems.push(...removeMode(dataplanes, mode, family, log));
  }
  return problems;
}

function removeMode(dataplanes: Dataplanes, mode: ProxyMode, family: Family, log: Logger): Error[] {
  let dataplane: ReturnType<Dataplanes[ProxyMode]>;
  try {
    dataplane = dataplanes[mode](family, 'remove');
  } catch (error) {
    log.debug('This machine does not have a mode, so nothing is left of it', { mode, family, error: messageOf(error) });
    return [];
  }
  try {
    dataplane.cleanup();
    return [];
  } catch (error) {
    // Without iptables' tools nobody has used a mode that takes them, not in this container at least.
    if (codeOf(error) === 'ENOENT') return [];
    log.warn('Cannot remove what another mode has left', { mode, family, error: messageOf(error) });
    return [error as Error];
  } finally {
    dataplane.close();
  }
}

/** The tables of kube-proxy in mode nftables. (Its iptables chains are our own mode's, by name and by layout.) */
const upstreamTable = 'kube-proxy';

/**
 * Takes over from kube-proxy in mode nftables: its tables would go on sending packets to endpoints that have long gone.
 * kube-proxy itself does so when it changes modes.
 */
export function removeUpstreamTables(kernel: Kernel, log: Logger, netns?: string): Error[] {
  return families.flatMap((family) => {
    try {
      if (deleteTable(kernel, family, netns)) log.info('Removed the table of kube-proxy', { family });
      return [];
    } catch (error) {
      log.warn('Cannot remove the table of kube-proxy', { family, error: messageOf(error) });
      return [error as Error];
    }
  });
}

/** False: there was none, or there is no nf_tables at all. */
function deleteTable(kernel: Kernel, family: Family, netns: string | undefined): boolean {
  const batch = new NftBatch({
    family: family === 'IPv4' ? NftFamily.ipv4 : NftFamily.ipv6,
    table: upstreamTable,
    firstSequence: 1,
  });
  batch.deleteTable();
  try {
    const socket = kernel.openNetlink('netfilter', netns === undefined ? {} : { netns });
    try {
      const [error] = decodeAnswer(socket.exchange(batch.finish())).errors;
      if (error)
        throw new KernelError('Delete a table', { code: error.code, number: error.errno }, { object: upstreamTable });
      return true;
    } finally {
      socket.close();
    }
  } catch (error) {
    if (isKernelError(error, 'ENOENT', 'EINVAL', 'EOPNOTSUPP', 'EPROTONOSUPPORT', 'EAFNOSUPPORT')) return false;
    throw error;
  }
}
