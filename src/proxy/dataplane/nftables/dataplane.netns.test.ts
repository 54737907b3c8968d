import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFaultyKernel, createKernel, isKernelError, type KernelCall } from '../../../kernel/mod.ts';
import { decodeAnswer } from '../../../wire/netlink/mod.ts';
import { Family, NftBatch, type SetDefinition } from '../../../wire/nftables/mod.ts';
import { diff } from '../../diff/mod.ts';
import { Ledger } from '../../plan/mod.ts';
import { drafts } from '../../testing/drafts.ts';
import { trafficSettings } from '../../testing/fake-dataplane.ts';
import { testNamespace } from '../../testing/namespace.ts';
import { families } from './family.ts';
import { NftLink } from './link.ts';
import { createNftablesDataplane } from './mod.ts';
import { type FoundTable, readTable } from './read-table.ts';
import { exampleDrafts } from './testing/example.ts';

const settings = trafficSettings({ localDetector: { kind: 'source-range', range: '10.244.0.0/16' } });

function open(netns: string, kernel = createKernel()) {
  const dataplane = createNftablesDataplane(kernel, { family: 'IPv4', netns });
  dataplane.configure(settings);
  return dataplane;
}

/** A link of our own beside the dataplane's: somebody else at work in the same table. */
const other = (netns: string) => new NftLink(createKernel().openNetlink('netfilter', { netns }), Family.ipv4);

function ledgerOf(services: number, endpoints = 2): Ledger {
  const ledger = new Ledger();
  for (let i = 0; i < services; i++) ledger.update(`default/s${i}`, drafts(i, endpoints));
  return ledger;
}

test('What was written is found again, and nothing is left to write', (t) => {
  const netns = testNamespace(t);
  const ledger = ledgerOf(20);
  const first = open(netns);
  assert.equal(first.read().exists, false);
  assert.ok(first.converge(first.read(), ledger.ports()).messages > 0);
  first.close();

  const second = open(netns);
  const found = second.read();
  assert.equal(found.exists, true);
  assert.deepEqual(second.converge(found, ledger.ports()), { messages: 0, bytes: 0 });
  assert.equal(second.mayHaveDrifted(), false);
  second.close();
});

test('A successor takes over ids and slots, whatever order it hears of the Services in', (t) => {
  const netns = testNamespace(t);
  const before = ledgerOf(20, 3);
  // Slots that are no longer in the order of the slices.
  before.update('default/s5', drafts(5, 3, { without: 0 }));
  const first = open(netns);
  first.converge(first.read(), before.ports());
  first.close();

  const second = open(netns);
  const found = second.read();
  const after = new Ledger();
  after.beginAdoption(found.groups);
  for (let i = 19; i >= 0; i--) after.update(`default/s${i}`, drafts(i, 3, i === 5 ? { without: 0 } : {}));
  after.endAdoption();
  assert.equal(second.converge(found, after.ports()).messages, 0);
  second.close();
});

test('One endpoint replaced is two elements for each frontend, in four hundred bytes, at any size', (t) => {
  for (const services of [10, 1000]) {
    const netns = testNamespace(t);
    const ledger = ledgerOf(services);
    const dataplane = open(netns);
    dataplane.converge(dataplane.read(), ledger.ports());
    const changes = diff(ledger.update('default/s7', drafts(7, 2, { moved: 1 })));
    assert.deepEqual(dataplane.apply(changes), { messages: 6, bytes: 416 });
    assert.equal(dataplane.converge(dataplane.read(), ledger.ports()).messages, 0);
    dataplane.close();
  }
});

test('Ten thousand elements are split over messages that netlink can hold', (t) => {
  const netns = testNamespace(t);
  const ledger = new Ledger();
  ledger.update('default/s0', drafts(0, 10_000));
  const dataplane = open(netns);
  dataplane.converge(dataplane.read(), ledger.ports());
  assert.equal(dataplane.converge(dataplane.read(), ledger.ports()).messages, 0);
  dataplane.apply(diff(ledger.update('default/s0', [])));
  const { elements } = dataplane.read() as FoundTable;
  const left = [...elements].flatMap(([set, { size }]) => (size > 0 ? [set] : []));
  assert.deepEqual(left, []);
  dataplane.close();
});

test('A hundred endpoints with affinity are written, changed and found again', (t) => {
  const netns = testNamespace(t);
  const ledger = new Ledger();
  const sticky = (...of: Parameters<typeof drafts>) =>
    drafts(...of).map((draft) => ({ ...draft, affinitySeconds: 60 }));
  ledger.update('default/s0', sticky(0, 100));
  const dataplane = open(netns);
  dataplane.converge(dataplane.read(), ledger.ports());
  for (const count of [99, 130, 60, 3]) {
    dataplane.apply(diff(ledger.update('default/s0', sticky(0, count, { moved: 2 }))));
    assert.equal(dataplane.converge(dataplane.read(), ledger.ports()).messages, 0);
  }
  dataplane.close();
});

const vandalism: Record<string, (batch: NftBatch, found: FoundTable) => void> = {
  'an element removed': (batch, found) => batch.deleteElements('endpoints', [{ key: firstKey(found, 'endpoints') }]),
  'a strange element added': (batch) =>
    batch.addElements('endpoints', [{ key: Buffer.alloc(16, 0xff), data: Buffer.alloc(8, 1) }]),
  'an element changed': (batch, found) => {
    const key = firstKey(found, 'endpoints');
    batch.deleteElements('endpoints', [{ key }]);
    batch.addElements('endpoints', [{ key, data: Buffer.alloc(8, 0xee) }]);
  },
  'the rules of a chain removed': (batch) => batch.flushChain('services'),
  'a rule added': (batch) =>
    batch.addRule({ chain: 'refuse', expressions: [{ kind: 'verdict', verdict: { kind: 'drop' } }] }),
  'a chain added': (batch) => batch.addChain({ name: 'stranger' }),
  'a set added': (batch) => batch.addSet({ name: 'stranger', keyType: 7, keyLength: 4 } satisfies SetDefinition),
  'a set removed, and the rule that needs it': (batch) => {
    batch.flushChain('to-frontends');
    batch.deleteSet('frontends-2');
  },
  'the table removed': (batch) => batch.deleteTable(),
  'the table left by another version': (batch) => {
    batch.deleteTable();
    batch.addTable({ name: 'signalbox', comment: 'signalbox service proxy, layout 2' });
    batch.addSet({ name: 'frontends', keyType: 7, keyLength: 4 });
    batch.addElements('frontends', [{ key: Buffer.alloc(4, 9) }]);
  },
};

const firstKey = ({ elements }: FoundTable, set: string) => Buffer.from([...elements.get(set)!.keys()][0]!, 'latin1');

for (const [what, vandalize] of Object.entries(vandalism)) {
  test(`Drift is noticed and repaired: ${what}`, (t) => {
    const netns = testNamespace(t);
    const ledger = ledgerOf(5);
    const dataplane = open(netns);
    dataplane.converge(dataplane.read(), ledger.ports());
    assert.equal(dataplane.mayHaveDrifted(), false);

    const vandal = other(netns);
    const batch = vandal.batch();
    vandalize(batch, readTable(vandal, families.IPv4));
    vandal.commit(batch);
    vandal.close();

    assert.equal(dataplane.mayHaveDrifted(), true);
    const found = dataplane.read();
    assert.ok(dataplane.converge(found, ledger.ports()).messages > 0);
    // One transaction, whatever there was to replace.
    assert.equal((dataplane.read() as FoundTable).generation, (found as FoundTable).generation + 1);
    assert.equal(dataplane.mayHaveDrifted(), false);
    assert.equal(dataplane.converge(dataplane.read(), ledger.ports()).messages, 0);
    dataplane.close();
  });
}

test('A stranger’s change is told at once, our own in either family never', async (t) => {
  const netns = testNamespace(t);
  const kernel = createKernel();
  const planes = (['IPv4', 'IPv6'] as const).map((family) => {
    const dataplane = createNftablesDataplane(kernel, { family, netns });
    dataplane.configure(trafficSettings({ family }));
    return dataplane;
  });
  let told = 0;
  let wake = () => {};
  for (const dataplane of planes) {
    dataplane.watch!(() => {
      told += 1;
      wake();
    });
    dataplane.converge(dataplane.read(), []);
  }
  const ledger = ledgerOf(3);
  planes[0]!.apply(diff([...ledger.ports()].map((after) => ({ after }))));
  for (const dataplane of planes) assert.equal(dataplane.mayHaveDrifted(), false);
  // Messages are there when the call that causes them returns, and their signal a turn or two later.
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.equal(told, 0);

  const vandal = other(netns);
  const batch = vandal.batch();
  batch.flushChain('services');
  const { promise, resolve } = Promise.withResolvers<void>();
  wake = () => told === planes.length && resolve();
  vandal.commit(batch);
  await promise;
  planes[0]!.converge(planes[0]!.read(), ledger.ports());
  for (const dataplane of planes) dataplane.close();
  vandal.close();
});

test('What others change between the look and the repair fails the repair', (t) => {
  const netns = testNamespace(t);
  const dataplane = open(netns);
  const ledger = ledgerOf(5);
  const found = dataplane.read();
  const somebody = other(netns);
  const batch = somebody.batch();
  batch.addTable({ name: 'signalbox' });
  somebody.commit(batch);
  somebody.close();
  assert.throws(
    () => dataplane.converge(found, ledger.ports()),
    (error) => isKernelError(error, 'ERESTART'),
  );
  dataplane.converge(dataplane.read(), ledger.ports());
  assert.equal(dataplane.converge(dataplane.read(), ledger.ports()).messages, 0);
  dataplane.close();
});

test('A refused change names the object, and nothing of the transaction has happened', (t) => {
  const netns = testNamespace(t);
  const ledger = ledgerOf(3);
  const dataplane = open(netns);
  dataplane.converge(dataplane.read(), ledger.ports());
  const stranger = new Ledger();
  stranger.update('default/s9', drafts(9, 2));
  const changes = diff(stranger.update('default/s9', []));
  const before = dataplane.read() as FoundTable;
  assert.throws(
    () => dataplane.apply(changes),
    (error) =>
      isKernelError(error, 'ENOENT') && /of (frontends-2|endpoints|cluster-ips|node-ports)$/.test(error.object ?? ''),
  );
  assert.deepEqual((dataplane.read() as FoundTable).elements, before.elements);
  dataplane.close();
});

test('Every kernel call fails once, in turn and in every way: read and converge set it right', (t) => {
  const kinds = ['refused', 'lost', 'short'] as const;
  for (const kind of kinds) {
    for (let failing = 1, seen = 0; failing === 1 || seen >= failing; failing++) {
      seen = 0;
      const netns = testNamespace(t);
      let failures = 0;
      const decide = (call: KernelCall) => {
        seen = call.number;
        return call.kind === 'exchange' && call.number === failing ? { kind } : undefined;
      };
      const ledger = ledgerOf(3);
      for (const draft of exampleDrafts('IPv4')) ledger.update(draft.name.service, [draft]);
      const faulty = createFaultyKernel(createKernel(), decide);
      let dataplane: ReturnType<typeof open>;
      try {
        dataplane = open(netns, faulty);
      } catch (error) {
        assert.ok(isKernelError(error), String(error));
        dataplane = open(netns, faulty);
      }
      const guarded = (action: () => void) => {
        try {
          action();
        } catch (error) {
          assert.ok(isKernelError(error), String(error));
          failures += 1;
          dataplane.converge(dataplane.read(), ledger.ports());
        }
      };
      guarded(() => dataplane.converge(dataplane.read(), ledger.ports()));
      const replaced = diff(ledger.update('default/s1', drafts(1, 2, { moved: 1 })));
      guarded(() => dataplane.apply(replaced));
      const scaled = diff(ledger.update('default/s2', drafts(2, 5)));
      guarded(() => dataplane.apply(scaled));
      guarded(() => dataplane.mayHaveDrifted());
      assert.ok(failures <= 1);

      const witness = open(netns);
      assert.equal(witness.converge(witness.read(), ledger.ports()).messages, 0, `${kind} call ${failing}`);
      witness.close();
      dataplane.close();
    }
  }
});

test('Cleanup removes the table and leaves others alone', (t) => {
  const netns = testNamespace(t);
  const dataplane = open(netns);
  dataplane.converge(dataplane.read(), ledgerOf(3).ports());
  const socket = createKernel().openNetlink('netfilter', { netns });
  const batch = new NftBatch({ family: Family.ipv4, table: 'foreign' });
  batch.addTable({ name: 'foreign' });
  assert.deepEqual(decodeAnswer(socket.exchange(batch.finish())).errors, []);
  socket.close();
  dataplane.cleanup();
  dataplane.cleanup();
  assert.equal(dataplane.read().exists, false);
  const foreign = other(netns);
  const gone = new NftBatch({ family: Family.ipv4, table: 'foreign', firstSequence: 1 });
  gone.deleteTable();
  foreign.commit(gone);
  foreign.close();
  dataplane.close();
});
