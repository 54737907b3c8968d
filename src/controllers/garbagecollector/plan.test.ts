import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podOf } from '../testing/objects.ts';
import { judge, type OwnerState, type Verdict } from './plan.ts';

const owner = (uid: string) => ({ apiVersion: 'v1', kind: 'Service', name: uid, uid });

const cases: [OwnerState[], { isTerminating?: boolean; blocksOthers?: boolean }, Verdict][] = [
  [[], {}, { type: 'keep' }],
  [['present'], {}, { type: 'keep' }],
  [['absent'], {}, { type: 'delete', propagationPolicy: 'Background' }],
  [['absent'], { isTerminating: true }, { type: 'keep' }],
  [['absent', 'present'], {}, { type: 'detach', owners: [owner('1')] }],
  [['leaving', 'present'], {}, { type: 'detach', owners: [owner('1')] }],
  [['absent', 'absent'], {}, { type: 'delete', propagationPolicy: 'Background' }],
  [['leaving'], {}, { type: 'delete', propagationPolicy: 'Background' }],
  [['leaving'], { blocksOthers: true }, { type: 'delete', propagationPolicy: 'Foreground' }],
  [['absent'], { blocksOthers: true }, { type: 'delete', propagationPolicy: 'Background' }],
];

for (const [states, { isTerminating = false, blocksOthers = false }, expected] of cases) {
  const how = `${isTerminating ? ' and going already' : ''}${blocksOthers ? ' and with blocking dependents' : ''}`;
  test(`an object with owners [${states}]${how}: ${expected.type}`, () => {
    const ownerReferences = states.map((_state, i) => owner(String(i)));
    const pod = podOf('a', { isTerminating, metadata: { ownerReferences } });
    assert.deepEqual(
      judge(pod, ({ uid }) => states[Number(uid)]!, blocksOthers),
      expected,
    );
  });
}
