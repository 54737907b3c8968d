import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/log.ts';
import { withoutIptables } from '../../../wire/iptables/testing/without-iptables.ts';
import { diff } from '../../diff/mod.ts';
import { type Family, Ledger, mergePairs } from '../../plan/mod.ts';
import { trafficSettings } from '../../testing/fake-dataplane.ts';
import { testNamespace } from '../../testing/namespace.ts';
import { draftOf, type PortHistory, portHistories } from '../../testing/random-ports.ts';
import { createUserspaceDataplane } from './mod.ts';

/** Each step takes some runs of a tool. */
const runs = 6;

for (const family of ['IPv4', 'IPv6'] as const) {
  test(`After each step of any history the kernel holds what a compilation from scratch yields, ${family}`, {
    skip: withoutIptables,
  }, async (t) => {
    const live = liveIn(t, family);
    await fc.assert(fc.asyncProperty(portHistories, live), { numRuns: runs });
  });
}

function liveIn(t: TestContext, family: Family): (steps: PortHistory) => Promise<void> {
  const netns = testNamespace(t);
  return async (steps) => {
    const dataplane = createUserspaceDataplane({ family, clock: systemClock, log: silentLogger, netns });
    dataplane.configure(trafficSettings({ family }));
    dataplane.cleanup();
    const ledger = new Ledger();
    dataplane.converge(dataplane.read(), ledger.ports());
    for (const step of steps) {
      const updates = step.flatMap((one) =>
        typeof one === 'string'
          ? ledger.update(`default/${one}`, [])
          : ledger.update(`default/${one.name}`, [draftOf(one, family)]),
      );
      dataplane.apply(diff(mergePairs(updates)));
      assert.equal(dataplane.mayHaveDrifted(), false);
      assert.equal(dataplane.converge(dataplane.read(), ledger.ports()).messages, 0);
    }
    await dataplane.relaying!.end();
  };
}
