import fc from 'fast-check';
import { createKernel, createNetns, deleteNetns } from '../../src/kernel/mod.ts';
import { createIptablesDataplane } from '../../src/proxy/dataplane/iptables/mod.ts';
import { liveThrough } from '../../src/proxy/dataplane/iptables/testing/live-through.ts';
import { trafficSettings } from '../../src/proxy/testing/fake-dataplane.ts';
import { portHistories } from '../../src/proxy/testing/random-ports.ts';
import { withoutIptables } from '../../src/wire/iptables/testing/without-iptables.ts';
import type { Soak } from './harness.ts';

export const soak: Soak = {
  name: 'iptables-histories',
  description:
    'Random histories of Service ports on both kernel interfaces of iptables: after each step kernel and plan agree',
  rounds: 1000,

  async run({ seed, rounds, progress }) {
    let [histories, steps] = [0, 0];
    if (withoutIptables) progress(`without legacy: ${withoutIptables}`);
    for (const kind of withoutIptables ? (['nft'] as const) : (['nft', 'legacy'] as const)) {
      for (const family of ['IPv4', 'IPv6'] as const) {
        progress(`${kind}, ${family}`);
        const name = `t-soak-iptables-${process.pid}`;
        const netns = createNetns(name);
        const open = () => {
          const dataplane = createIptablesDataplane(createKernel(), { family, netns, interface: kind });
          dataplane.configure(trafficSettings({ family }));
          return dataplane;
        };
        try {
          const property = fc.property(portHistories, (history) => {
            histories += 1;
            steps += history.length;
            liveThrough(open, history, family);
          });
          fc.assert(property, { seed, numRuns: rounds });
        } finally {
          deleteNetns(name);
        }
      }
    }
    return { histories, steps };
  },
};
