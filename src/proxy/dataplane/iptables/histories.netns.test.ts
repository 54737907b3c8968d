import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createKernel } from '../../../kernel/mod.ts';
import { withoutIptables } from '../../../wire/iptables/testing/without-iptables.ts';
import { diff } from '../../diff/mod.ts';
import { type Family, Ledger, mergePairs } from '../../plan/mod.ts';
import { trafficSettings } from '../../testing/fake-dataplane.ts';
import { testNamespace } from '../../testing/namespace.ts';
import { draftOf, portHistories, soakFactor, unordered } from '../../testing/random-ports.ts';
import type { Dataplane } from '../port.ts';
import { createIptablesDataplane } from './mod.ts';
import type { KernelInterface } from './rule-table.ts';

/** The legacy interface takes a run of a tool for each step. */
const runs: Readonly<Record<KernelInterface, number>> = { nft: 30 * soakFactor, legacy: 8 * soakFactor };

type History = typeof portHistories extends fc.Arbitrary<infer One> ? One : never;

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
        fc.property(portHistories, (steps) => {
          const witness = open();
          const ledger = live(open(), steps, family, witness);
          witness.close();
          succeed(open(), ledger);
        }),
        { numRuns: runs[kind] },
      );
    });
  }
}

function live(dataplane: Dataplane, steps: History, family: Family, witness: Dataplane): Ledger {
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
    // It compiles everything anew and compares that with what the kernel tells; who made the changes keeps its own notes.
    assert.equal(witness.converge(witness.read(), ledger.ports()).messages, 0);
  }
  dataplane.close();
  return ledger;
}

/** Whoever knows nothing but the kernel and the slices finds nothing to write. */
function succeed(successor: Dataplane, ledger: Ledger): void {
  const adopted = successor.read();
  const after = new Ledger();
  after.beginAdoption(adopted.groups);
  for (const { cluster, local, refused, ...rest } of ledger.ports()) {
    after.update(rest.name.service, [
      { ...rest, ...(cluster && { cluster: unordered(cluster) }), ...(local && { local: unordered(local) }) },
    ]);
  }
  after.endAdoption();
  assert.equal(successor.converge(adopted, after.ports()).messages, 0);
  successor.close();
}
