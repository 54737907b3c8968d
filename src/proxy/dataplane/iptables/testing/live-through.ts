import assert from 'node:assert/strict';
import { diff } from '../../../diff/mod.ts';
import { type Family, Ledger, mergePairs } from '../../../plan/mod.ts';
import { draftOf, type PortHistory, unordered } from '../../../testing/random-ports.ts';
import type { Dataplane } from '../../port.ts';

/**
 * Lives through a history: after each step the kernel holds what a compilation from scratch yields, and whoever comes after
 * finds nothing to do. `open` opens dataplanes on one and the same kernel.
 */
export function liveThrough(open: () => Dataplane, steps: PortHistory, family: Family): void {
  const witness = open();
  const ledger = live(open(), steps, family, witness);
  witness.close();
  succeed(open(), ledger);
}

function live(dataplane: Dataplane, steps: PortHistory, family: Family, witness: Dataplane): Ledger {
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
