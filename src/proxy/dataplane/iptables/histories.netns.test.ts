import { test } from 'node:test';
import fc from 'fast-check';
import { createKernel } from '../../../kernel/mod.ts';
import { withoutIptables } from '../../../wire/iptables/testing/without-iptables.ts';
import { trafficSettings } from '../../testing/fake-dataplane.ts';
import { testNamespace } from '../../testing/namespace.ts';
import { portHistories } from '../../testing/random-ports.ts';
import { createIptablesDataplane } from './mod.ts';
import type { KernelInterface } from './rule-table.ts';
import { liveThrough } from './testing/live-through.ts';

/** The legacy interface takes a run of a tool for each step. */
const runs: Readonly<Record<KernelInterface, number>> = { nft: 30, legacy: 8 };

for (const kind of ['nft', 'legacy'] as const) {
  for (const family of ['IPv4', 'IPv6'] as const) {
    test(`After each step of any history the kernel holds what a compilation from scratch yields, ${kind}, ${family}`, {
      skip: withoutIptables,
    }, (t) => {
      const netns = testNamespace(t);
      const open = () => {
        const dataplane = createIptablesDataplane(createKernel(), { family, netns, interface: kind });
        dataplane.configure(trafficSettings({ family }));
        return dataplane;
      };
      fc.assert(
        fc.property(portHistories, (steps) => liveThrough(open, steps, family)),
        { numRuns: runs[kind] },
      );
    });
  }
}
