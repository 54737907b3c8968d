import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rule } from '../iptables/model.ts';
import { XtBatch } from './mod.ts';

const rule: Rule = { matches: [], target: { kind: 'ACCEPT' } };

test('A sequence number leads back to the object that it was about', () => {
  const batch = new XtBatch('IPv4', 7);
  batch.addTable('nat');
  batch.addChain('nat', 'KUBE-X');
  batch.addRule('nat', 'KUBE-X', rule, { at: 'before', handle: 5 }, false);
  batch.deleteRule('nat', 'KUBE-X', 5);
  batch.flushChain('nat', 'KUBE-Y');
  batch.deleteChain('nat', 'KUBE-Y');
  batch.finish();
  const objects = Array.from({ length: 9 }, (_, i) => batch.objectOf(7 + i));
  assert.deepEqual(objects, [
    undefined,
    'table nat',
    'chain KUBE-X of nat',
    'rule of chain KUBE-X of nat',
    'rule 5 of chain KUBE-X of nat',
    'rules of chain KUBE-Y of nat',
    'chain KUBE-Y of nat',
    undefined,
    undefined,
  ]);
});

test('A transaction that starts again is empty and writes what a new one would', () => {
  const write = (batch: XtBatch) => {
    batch.addRule('nat', 'KUBE-X', rule, { at: 'end' }, true);
    return batch.finish().toString('hex');
  };
  const batch = new XtBatch('IPv4', 1);
  batch.addChain('nat', 'KUBE-X');
  batch.finish();
  batch.restart(4, 9);
  assert.equal(batch.isEmpty, true);
  assert.equal(write(batch), write(new XtBatch('IPv4', 4, 9)));
});
