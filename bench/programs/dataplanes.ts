import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { Kernel } from '../../src/kernel/mod.ts';
import { createIptablesDataplane } from '../../src/proxy/dataplane/iptables/mod.ts';
import { createNftablesDataplane } from '../../src/proxy/dataplane/nftables/mod.ts';
import type { Dataplane } from '../../src/proxy/dataplane/port.ts';
import { createUserspaceDataplane } from '../../src/proxy/dataplane/userspace/mod.ts';
import type { Family } from '../../src/proxy/plan/mod.ts';

/** What the service proxy's benchmarks compare. */
export type DataplaneName = 'nftables' | 'iptables-nft' | 'iptables-legacy' | 'userspace';

/**
 * A Service of userspace mode takes a listening socket, and a process has 20,000 descriptors on the reference machine, of
 * which connections take some as well.
 */
export const canServe = (name: DataplaneName, services: number): boolean => name !== 'userspace' || services <= 10_000;

export function openDataplane(name: DataplaneName, kernel: Kernel, family: Family, netns: string): Dataplane {
  if (name === 'nftables') return createNftablesDataplane(kernel, { family, netns });
  if (name === 'userspace') return createUserspaceDataplane({ clock: systemClock, log: silentLogger, family, netns });
  return createIptablesDataplane(kernel, { family, netns, interface: name === 'iptables-nft' ? 'nft' : 'legacy' });
}
