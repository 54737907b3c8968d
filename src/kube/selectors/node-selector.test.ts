import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../kinds/node.ts';
import { selectsNode } from './node-selector.ts';

const node = { metadata: { name: 'node1', labels: { disk: 'ssd', cores: '8' } }, spec: {} } as unknown as Node;
const affinity = (...nodeSelectorTerms: object[]) => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
});
const label = (key: string, operator: string, ...values: string[]) => ({
  matchExpressions: [{ key, operator, values }],
});
const name = (operator: string, ...values: string[]) => ({ matchFields: [{ key: 'metadata.name', operator, values }] });

const cases: readonly [string, object, boolean][] = [
  ['no wish', {}, true],
  ['a label', { nodeSelector: { disk: 'ssd' } }, true],
  ['another label', { nodeSelector: { disk: 'hdd' } }, false],
  ['one of several', affinity(label('disk', 'In', 'hdd', 'ssd')), true],
  ['none of several', affinity(label('disk', 'NotIn', 'hdd', 'ssd')), false],
  ['not what it has not', affinity(label('gpu', 'NotIn', 'a')), true],
  ['a label that is there', affinity(label('disk', 'Exists')), true],
  ['a label that is not', affinity(label('gpu', 'Exists')), false],
  ['none such', affinity(label('gpu', 'DoesNotExist')), true],
  ['more', affinity(label('cores', 'Gt', '4')), true],
  ['less', affinity(label('cores', 'Lt', '4')), false],
  ['more than a word', affinity(label('disk', 'Gt', '4')), false],
  ['its name', affinity(name('In', 'node1')), true],
  ['another name', affinity(name('In', 'node2')), false],
  ['one of two terms', affinity(label('gpu', 'Exists'), name('In', 'node1')), true],
  ['both halves of a term', affinity({ ...label('gpu', 'Exists'), ...name('In', 'node1') }), false],
  ['an empty term', affinity({}), false],
  ['no terms', affinity(), false],
  ['both kinds', { nodeSelector: { disk: 'hdd' }, ...affinity(name('In', 'node1')) }, false],
];
for (const [title, spec, expected] of cases)
  test(`${title}: ${expected ? 'there' : 'not there'}`, () => assert.equal(selectsNode(spec, node), expected));
