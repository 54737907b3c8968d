import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger } from '../plan/mod.ts';
import type { PortDraft } from '../plan/model.ts';
import { drafts } from '../testing/drafts.ts';
import { diff, operationCount, type PortChange } from './diff.ts';

/** `+*:30001 0:10.0.1.0>11.0.1.0`. */
function text(change: PortChange): string {
  const name = ({ address = '*', port }: { address?: string; port: number }) => `${address}:${port}`;
  return [
    ...change.frontendsRemoved.map((frontend) => `-${name(frontend)}`),
    ...change.frontendsAdded.map((frontend) => `+${name(frontend)}`),
    ...change.slots.map(({ slot, before, after }) => `${slot}:${before?.address ?? ''}>${after?.address ?? ''}`),
  ].join(' ');
}

function changes(...steps: Parameters<typeof drafts>[]): string[] {
  const ledger = new Ledger();
  let pairs: ReturnType<Ledger['update']> = [];
  for (const step of steps) pairs = ledger.update('default/s1', drafts(...step));
  return diff(pairs).map(text);
}

test('A new port is all its frontends and slots', () => {
  assert.deepEqual(changes([1, 2]), ['+10.96.0.1:80 +*:30001 0:>10.0.1.0 1:>10.0.1.1']);
});

test('Nothing changed is nothing to do', () => {
  assert.deepEqual(changes([1, 3], [1, 3]), []);
});

test('One endpoint replaced is one slot', () => {
  assert.deepEqual(changes([1, 3], [1, 3, { moved: 1 }]), ['1:10.0.1.1>11.0.1.1']);
});

test('One endpoint removed moves the last into its slot', () => {
  assert.deepEqual(changes([1, 3], [1, 3, { without: 0 }]), ['0:10.0.1.0>10.0.1.2 2:10.0.1.2>']);
});

test('One endpoint more is one slot, though the frontends have to say so', () => {
  assert.deepEqual(changes([1, 3], [1, 4]), ['3:>10.0.1.3']);
});

test('Reasons alone are no change in the kernel', () => {
  const ledger = new Ledger();
  ledger.update('default/s1', drafts(1, 1));
  const [draft] = drafts(1, 1);
  const leftOut = [{ address: '10.0.0.9', reason: 'not ready' as const, serving: false }];
  const cluster = { ...draft!.cluster!, leftOut };
  assert.deepEqual(diff(ledger.update('default/s1', [{ ...draft!, cluster }])), []);
});

test('What else changes is named, and a change of one group is a change of its slots only', () => {
  const [draft] = drafts(1, 2);
  const base: PortDraft = {
    ...draft!,
    external: { policy: 'Local', verdict: 'drop' },
    local: { endpoints: [], leftOut: [] },
  };
  const one = draft!.cluster!.endpoints.slice(0, 1);
  const cases: [what: string, after: PortDraft, aspects: string[], slots: string[]][] = [
    ['nothing', { ...base }, [], []],
    ['affinity', { ...base, affinitySeconds: 60 }, ['affinity'], []],
    ['firewall', { ...base, firewall: { ranges: ['10.0.0.0/8'], admitsNode: false } }, ['firewall'], []],
    ['health check', { ...base, healthCheckNodePort: 30999 }, ['health check'], []],
    ['verdict', { ...base, external: { policy: 'Local', verdict: 'reject' } }, ['routes'], []],
    ['policy', { ...base, external: { policy: 'Cluster', verdict: 'forward' } }, ['routes'], []],
    [
      'the first local endpoint',
      { ...base, external: { policy: 'Local', verdict: 'forward' }, local: { endpoints: one, leftOut: [] } },
      ['routes'],
      ['Local 0'],
    ],
    ['one of the cluster less', { ...base, cluster: { endpoints: one, leftOut: [] } }, [], ['Cluster 1']],
  ];
  for (const [what, after, aspects, slots] of cases) {
    const ledger = new Ledger();
    ledger.update('default/s1', [base]);
    const [change] = diff(ledger.update('default/s1', [after]));
    assert.deepEqual([...(change?.aspects ?? [])], aspects, what);
    assert.deepEqual(change?.slots.map(({ policy, slot }) => `${policy} ${slot}`) ?? [], slots, what);
    assert.equal(change === undefined ? 0 : operationCount(change), aspects.length + slots.length, what);
  }
});

test('A port that goes takes everything with it', () => {
  const ledger = new Ledger();
  ledger.update('default/s1', drafts(1, 2));
  const gone = diff(ledger.update('default/s1', []));
  assert.deepEqual(gone.map(text), ['-10.96.0.1:80 -*:30001 0:10.0.1.0> 1:10.0.1.1>']);
  assert.equal(operationCount(gone[0]!), 4);
});
