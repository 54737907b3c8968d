import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeInformers, service, slice } from '../testing/objects.ts';
import { Tracker } from './tracker.ts';

function tracked() {
  const informers = fakeInformers();
  let calls = 0;
  const tracker = new Tracker(informers.services, informers.slices, () => {
    calls += 1;
  });
  const slices = (key: string) => [...tracker.slicesOf(key)].map(({ metadata }) => metadata.name);
  return { ...informers, tracker, namesOf: slices, calls: () => calls };
}

test('Events of one turn become one set of Services and one call', () => {
  const { services, slices, tracker, calls } = tracked();
  services.put(service('a', '10.96.0.1'), service('b', '10.96.0.2'));
  slices.put(slice('a', []), slice('a', ['10.0.0.1']), slice('c', []));
  assert.equal(calls(), 1);
  assert.deepEqual([...tracker.take()], ['default/a', 'default/b', 'default/c']);
  assert.deepEqual([...tracker.take()], []);
  services.delete('default/b');
  assert.equal(calls(), 2);
  assert.deepEqual([...tracker.take()], ['default/b']);
});

test('Slices are kept for a Service that comes after them', () => {
  const { services, slices, tracker, namesOf } = tracked();
  slices.put(slice('a', [], { name: 'a-1' }), slice('a', [], { name: 'a-2' }));
  services.put(service('a', '10.96.0.1'));
  assert.equal(tracker.service('default/a')?.metadata.name, 'a');
  assert.deepEqual(namesOf('default/a'), ['a-1', 'a-2']);
});

test('A slice that moves to another Service touches both', () => {
  const { slices, tracker, namesOf } = tracked();
  slices.put(slice('a', [], { name: 'x' }));
  tracker.take();
  slices.put(slice('b', [], { name: 'x' }));
  assert.deepEqual([...tracker.take()].sort(), ['default/a', 'default/b']);
  assert.deepEqual([namesOf('default/a'), namesOf('default/b')], [[], ['x']]);
});

test('A slice without a Service name is nobody’s', () => {
  const { slices, tracker, calls } = tracked();
  const orphan = slice('a', ['10.0.0.1']);
  delete orphan.metadata.labels;
  slices.put(orphan);
  slices.delete('default/a-1');
  assert.equal(calls(), 0);
  assert.deepEqual([...tracker.take()], []);
});

test('A slice that goes is out of its Service', () => {
  const { slices, tracker, namesOf } = tracked();
  slices.put(slice('a', [], { name: 'a-1' }), slice('a', [], { name: 'a-2' }));
  tracker.take();
  slices.delete('default/a-1');
  assert.deepEqual([...tracker.take()], ['default/a']);
  assert.deepEqual(namesOf('default/a'), ['a-2']);
});
