import { rmSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { deleteNetns, listNetns, type NetworkAdmin } from '../kernel/mod.ts';
import { removeAccountMountPoint } from '../node/mod.ts';
import { layoutOf } from './layout.ts';
import { removeStateRoot } from './owner.ts';
import { killProcessesOf } from './processes.ts';

export interface Removed {
  readonly processes: number;
  readonly namespaces: number;
  readonly link: boolean;
}

/**
 * Removes all that a cluster of this name can have left on the machine, whatever state it is in: processes by their
 * mark, namespaces and link by their names, the state folder last, so that an interrupted clean-up can be repeated.
 */
export async function removeCluster(
  name: string,
  stateRoot: string,
  network: NetworkAdmin,
  clock: Clock,
): Promise<Removed> {
  // Addresses and the number of nodes do not matter here: everything is found by name.
  const layout = layoutOf(name, stateRoot, '', 0);
  const processes = await killProcessesOf(layout.stateDir, clock);
  // The link first: with its namespace it would go too, but only when the kernel's worker gets round to it.
  const link = network.ensureNoLink(layout.hostLink);
  const namespaces = listNetns().filter((namespace) => namespace.startsWith(layout.namespacePrefix));
  for (const namespace of namespaces) deleteNetns(namespace);
  rmSync(layout.stateDir, { recursive: true, force: true });
  removeStateRoot(stateRoot);
  removeAccountMountPoint();
  return { processes, namespaces: namespaces.length, link };
}
