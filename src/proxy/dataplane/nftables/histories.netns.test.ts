import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createKernel } from '../../../kernel/mod.ts';
import { diff } from '../../diff/mod.ts';
import { Ledger, mergePairs } from '../../plan/mod.ts';
import { trafficSettings } from '../../testing/fake-dataplane.ts';
import { testNamespace } from '../../testing/namespace.ts';
import { draftOf, portHistories, unordered } from '../../testing/random-ports.ts';
import { compileTable } from './compile-table.ts';
import { createNftablesDataplane } from './mod.ts';
import type { FoundTable } from './read-table.ts';

for (const family of ['IPv4', 'IPv6'] as const) {
  test(`After any history the kernel holds what a compilation from scratch yields, ${family}`, (t) => {
    const netns = testNamespace(t);
    const kernel = createKernel();
    const settings = trafficSettings({ family });
    const open = () => {
      const dataplane = createNftablesDataplane(kernel, { family, netns });
      dataplane.configure(settings);
      return dataplane;
    };
    fc.assert(
      fc.property(portHistories, (steps) => {
        const dataplane = open();
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
        }
        assert.equal(dataplane.mayHaveDrifted(), false);
        const found = dataplane.read() as FoundTable;
        assert.equal(dataplane.converge(found, ledger.ports()).messages, 0);
        const scratch = compileTable(ledger.ports(), settings);
        const isSticky = [...ledger.ports()].some(({ affinitySeconds }) => affinitySeconds !== undefined);
        // Numbers of endpoints with affinity depend on the history.
        if (!isSticky) {
          const count = [...scratch.elements.values()].reduce((sum, list) => sum + list.length, 0);
          assert.equal(
            [...found.elements.values()].reduce((sum, { size }) => sum + size, 0),
            count,
          );
          assert.deepEqual([...found.chains.keys()].sort(), scratch.chains.map(({ chain }) => chain.name).sort());
        }
        dataplane.close();

        const successor = open();
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
      }),
      { numRuns: 60 },
    );
  });
}
