import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allResources, resourceByKind, resourceByPlural } from './catalog.ts';
import { humanDuration } from './duration.ts';
import { resolveIntOrPercent } from './int-or-percent.ts';
import { Deployment, type KubeObject, ReplicaSet } from './mod.ts';
import { controllerOf, controllerReference, isControlledBy, keyOf } from './object.ts';
import { apiVersionOf } from './resource.ts';
import { formatMicroTime, formatTime, parseTime } from './time.ts';

test('every kind is found by its URL and by its own name', () => {
  assert.ok(allResources.length >= 13);
  for (const resource of allResources) {
    assert.equal(resourceByPlural(resource.group, resource.version, resource.plural), resource);
    assert.equal(resourceByKind(apiVersionOf(resource), resource.kind), resource);
  }
  assert.equal(resourceByPlural('apps', 'v1', 'deployments'), Deployment);
  assert.equal(resourceByKind('v1', 'Deployment'), undefined);
});

const owner: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'web', namespace: 'default', uid: 'u1', resourceVersion: '1', creationTimestamp: '' },
};

test('a key is namespace and name, or the name alone', () => {
  assert.equal(keyOf(owner), 'default/web');
  assert.equal(keyOf({ metadata: { name: 'node1' } }), 'node1');
});

test('the controller is the one reference that says so, known by its uid', () => {
  const reference = controllerReference(ReplicaSet, owner);
  const pod = { ...owner, metadata: { ...owner.metadata, ownerReferences: [reference] } };
  assert.deepEqual(controllerOf(pod), reference);
  assert.ok(isControlledBy(pod, owner));
  const reborn = { ...owner, metadata: { ...owner.metadata, uid: 'u2' } };
  assert.equal(isControlledBy(pod, reborn), false);
  const shared = { ...pod, metadata: { ...pod.metadata, ownerReferences: [{ ...reference, controller: false }] } };
  assert.equal(controllerOf(shared), undefined);
});

test('times are written to the second, and to the microsecond for leases', () => {
  const epochMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  assert.equal(formatTime(epochMs), '2026-01-02T03:04:05Z');
  assert.equal(formatMicroTime(epochMs + 0.901), '2026-01-02T03:04:05.678901Z');
  assert.equal(parseTime('2026-01-02T03:04:05.678000Z'), epochMs);
  assert.equal(parseTime('2026-01-02T04:04:05.678+01:00'), epochMs);
});

for (const text of [
  '',
  'yesterday',
  '2026-01-02',
  '2026-02-30T00:00:00Z',
  '2026-01-02T24:00:00Z',
  '2026-01-02 03:04:05Z',
]) {
  test(`no time is read from ${JSON.stringify(text)}`, () => {
    assert.equal(parseTime(text), undefined);
  });
}

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;
const ages: [number, string][] = [
  [-1 * second, '0s'],
  [-2 * second, '<invalid>'],
  [0, '0s'],
  [119 * second, '119s'],
  [120 * second, '2m'],
  [185 * second, '3m5s'],
  [599 * second, '9m59s'],
  [600 * second, '10m'],
  [3 * hour - 1, '179m'],
  [3 * hour, '3h'],
  [7.5 * hour, '7h30m'],
  [8.5 * hour, '8h'],
  [47 * hour, '47h'],
  [48 * hour, '2d'],
  [75 * hour, '3d3h'],
  [8 * day, '8d'],
  [729 * day, '729d'],
  [731 * day, '2y1d'],
  [8 * 365 * day, '8y'],
];
for (const [ms, text] of ages) {
  test(`an age of ${ms} ms reads ${text}`, () => assert.equal(humanDuration(ms), text));
}

const shares: [number | string, number, boolean, number][] = [
  [3, 10, true, 3],
  ['25%', 10, true, 3],
  ['25%', 10, false, 2],
  ['100%', 7, false, 7],
  ['0%', 7, true, 0],
];
for (const [value, total, roundUp, result] of shares) {
  test(`${value} of ${total} rounded ${roundUp ? 'up' : 'down'} is ${result}`, () => {
    assert.equal(resolveIntOrPercent(value, total, roundUp), result);
  });
}

test('a share must be a number or a percentage', () => {
  assert.throws(() => resolveIntOrPercent('a lot', 3, true), { code: 'malformed' });
});
