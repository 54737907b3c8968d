import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { isKernelError } from '../../../kernel/errors.ts';
import { createFakeKernel } from '../../../kernel/mod.ts';
import { Ledger } from '../../plan/mod.ts';
import { drafts } from '../../testing/drafts.ts';
import { trafficSettings } from '../../testing/fake-dataplane.ts';
import { compileTable, formatProgram, formatRule } from './compile-table.ts';
import { createNftablesDataplane } from './mod.ts';
import { exampleDrafts } from './testing/example.ts';

/** After a deliberate change: `node --test --test-update-snapshots FILE`, and read the difference. */
function isGolden(t: import('node:test').TestContext, text: string, name: string): void {
  t.assert.fileSnapshot(text, path.join(import.meta.dirname, 'golden', name), { serializers: [(value) => value] });
}

function ledgerOf(...endpoints: number[]): Ledger {
  const ledger = new Ledger();
  for (const [i, count] of endpoints.entries()) ledger.update(`default/s${i + 1}`, drafts(i + 1, count));
  return ledger;
}

for (const family of ['IPv4', 'IPv6'] as const) {
  test(`The whole table, with all that a port can be: ${family}`, (t) => {
    const ledger = new Ledger();
    for (const draft of exampleDrafts(family)) ledger.update(draft.name.service, [draft]);
    const isV4 = family === 'IPv4';
    const settings = trafficSettings({
      family,
      localDetector: { kind: 'source-range', range: isV4 ? '10.244.0.0/16' : 'fd00:244::/48' },
      nodePorts: { ranges: [isV4 ? '192.168.0.0/16' : 'fd00:168::/64'], localhost: false },
      dropInvalid: true,
      serviceRanges: [isV4 ? '10.96.0.0/16' : 'fd00:96::/112'],
    });
    isGolden(t, formatProgram(compileTable(ledger.ports(), settings), settings), `example-${family.toLowerCase()}.txt`);
  });
}

test('Rules do not grow with Services, only with the numbers of endpoints that occur', () => {
  const rules = (...endpoints: number[]) =>
    compileTable(ledgerOf(...endpoints).ports(), trafficSettings()).chains.flatMap((chain) => chain.rules).length;
  const one = rules(2);
  assert.equal(rules(...Array.from({ length: 100 }, () => 2)), one);
  assert.equal(rules(2, 3), one + 2);
  assert.equal(rules(2, 2, 1), one + 2);
  assert.equal(rules(2, 0), one);
});

test('Affinity of many endpoints takes few sets, and one endpoint more seldom another rule', () => {
  const structure = (endpoints: number) => {
    const ledger = new Ledger();
    ledger.update(
      'default/s1',
      drafts(1, endpoints).map((draft) => ({ ...draft, affinitySeconds: 60 })),
    );
    const { chains, sets } = compileTable(ledger.ports(), trafficSettings());
    return { sets: sets.length, rules: chains.flatMap(({ rules }) => rules.map(formatRule)).join('\n') };
  };
  assert.ok(structure(1000).sets - structure(1).sets < 200);
  assert.equal(structure(1000).rules, structure(1001).rules);
});

test('A kernel that has no nf_tables, or does not let us, is told apart in words', () => {
  const openOn = (error: string) =>
    createNftablesDataplane(
      createFakeKernel(() => ({ error })),
      { family: 'IPv4' },
    );
  assert.throws(() => openOn('EPERM'), { code: 'EPERM', message: /^Open nftables: it takes root/ });
  assert.throws(() => openOn('EINVAL'), {
    code: 'unsupported',
    message: /^Open nftables: this kernel has no nf_tables/,
  });
  assert.throws(
    () => openOn('ENOBUFS'),
    (error) => isKernelError(error, 'ENOBUFS'),
  );
});

test('A kernel that refuses us is left without an open socket', () => {
  const kernel = createFakeKernel(() => ({ error: 'EPERM' }));
  assert.throws(() => createNftablesDataplane(kernel, { family: 'IPv4' }));
  assert.equal(kernel.openSockets, 0);
});
