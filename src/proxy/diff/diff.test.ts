import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger } from '../plan/mod.ts';
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

test('A port that goes takes everything with it', () => {
  const ledger = new Ledger();
  ledger.update('default/s1', drafts(1, 2));
  const gone = diff(ledger.update('default/s1', []));
  assert.deepEqual(gone.map(text), ['-10.96.0.1:80 -*:30001 0:10.0.1.0> 1:10.0.1.1>']);
  assert.equal(operationCount(gone[0]!), 4);
});
