import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../kube/mod.ts';
import { FakeInformer } from '../testing/fake-informer.ts';
import { PodOwners } from './pod-owners.ts';

const address = '10.244.1.7';

interface PodShape {
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly deletionTimestamp?: string;
  readonly spec?: Partial<Pod['spec']>;
  readonly status?: Pod['status'];
}

const pod = ({
  namespace = 'one',
  name = 'web',
  uid = `${namespace}-${name}`,
  spec,
  status,
  ...metadata
}: PodShape): Pod =>
  ({
    kind: 'Pod',
    metadata: { namespace, name, uid, ...metadata },
    spec: { containers: [], ...spec },
    status: { phase: 'Running', podIP: address, startTime: '2026-01-01T00:00:00Z', ...status },
  }) as unknown as Pod;

const statuses = (...states: ('running' | 'terminated' | 'waiting')[]) =>
  states.map((state) => ({ name: state, state: { [state]: {} } })) as unknown as NonNullable<
    NonNullable<Pod['status']>['containerStatuses']
  >;

function owners(...pods: Pod[]) {
  const informer = new FakeInformer<Pod>(pods);
  let nowMs = Date.UTC(2026, 0, 2);
  const found = new PodOwners(() => nowMs);
  informer.onChange((change) => found.apply(change));
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { informer, found, pass, now: () => nowMs };
}

test('an address is its only running Pod’s', () => {
  const table: [string, Pod[], string | undefined][] = [
    ['one that runs', [pod({})], 'one'],
    ['none', [], undefined],
    ['one of another address', [pod({ status: { podIP: '10.244.1.8' } })], undefined],
    ['one of several addresses', [pod({ status: { podIPs: [{ ip: 'fd00::7' }, { ip: address }] } })], 'one'],
    ['one without an address', [pod({ status: { podIP: '' } })], undefined],
    ['one in the host’s network', [pod({ spec: { hostNetwork: true } })], undefined],
    [
      'one beside another in the host’s network',
      [pod({}), pod({ name: 'host', spec: { hostNetwork: true } })],
      undefined,
    ],
    ['one that has succeeded', [pod({ status: { phase: 'Succeeded' } })], undefined],
    ['one that has failed', [pod({ status: { phase: 'Failed' } })], undefined],
    ['one that is being deleted', [pod({ deletionTimestamp: '2026-01-01T00:00:00Z' })], undefined],
    ['one whose containers run', [pod({ status: { containerStatuses: statuses('running', 'terminated') } })], 'one'],
    [
      'one whose init container runs',
      [pod({ status: { phase: 'Pending', initContainerStatuses: statuses('running') } })],
      'one',
    ],
    [
      'one of which nothing runs any more',
      [pod({ status: { containerStatuses: statuses('terminated', 'waiting') } })],
      undefined,
    ],
    ['two that run', [pod({}), pod({ namespace: 'two' })], undefined],
    [
      'one that runs and one that has ended',
      [pod({ namespace: 'two' }), pod({ status: { phase: 'Succeeded' } })],
      'two',
    ],
    [
      'one that runs and one that is being deleted',
      [pod({ deletionTimestamp: '2026-01-01T00:00:00Z' }), pod({ namespace: 'two' })],
      'two',
    ],
    ['one with a search list of the node', [pod({ spec: { dnsPolicy: 'Default' } })], undefined],
    ['one with a search list of nobody', [pod({ spec: { dnsPolicy: 'None' } })], undefined],
  ];
  for (const [title, pods, namespace] of table) {
    assert.equal(owners(...pods).found.ownerOf(address)?.namespace, namespace, title);
  }
});

test('the address may be written as IPv6, mapped or its own', () => {
  const { found } = owners(pod({ status: { podIPs: [{ ip: address }, { ip: 'FD00:0::7' }] } }));
  for (const text of [address, `::ffff:${address}`, 'fd00::7'])
    assert.equal(found.ownerOf(text)?.namespace, 'one', text);
  for (const text of ['', 'fd00::8', 'nonsense', '10.244.1.70']) assert.equal(found.ownerOf(text), undefined, text);
});

test('a reused address goes from nobody’s to the next Pod’s, in whatever order that is heard', () => {
  const { informer, found } = owners(pod({}));
  const [old, next] = [pod({}), pod({ namespace: 'two' })];
  const held = found.ownerOf(address);
  informer.put(next);
  assert.equal(found.ownerOf(address), undefined, 'the next one is heard of before the end of the old one');
  informer.put({ ...old, metadata: { ...old.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' } });
  assert.equal(found.ownerOf(address)?.namespace, 'two');
  informer.remove('one/web');
  assert.equal(found.ownerOf(address)?.namespace, 'two');
  informer.remove('two/web');
  assert.equal(found.ownerOf(address), undefined);
  informer.put(pod({ uid: 'another of the same name' }));
  assert.notEqual(found.ownerOf(address), held, 'a claim is of one generation');
});

test('a claim stays the same object while nothing of it changes, and is another one when something does', () => {
  const { informer, found } = owners(pod({}));
  const claim = found.ownerOf(address);
  informer.put(pod({ status: { conditions: [] } }));
  assert.equal(found.ownerOf(address), claim);
  informer.put(pod({ status: { podIPs: [{ ip: address }, { ip: 'fd00::7' }] } }));
  assert.notEqual(found.ownerOf(address), claim);
});

test('an address is had since the Pod has started, or since it has changed while somebody looked', () => {
  const { informer, found, pass, now } = owners(pod({}));
  assert.equal(found.ownerOf(address)?.sinceMs, Date.UTC(2026, 0, 1));
  pass(5000);
  informer.put(pod({ status: { podIP: '10.244.1.9' } }));
  assert.equal(found.ownerOf('10.244.1.9')?.sinceMs, now());
  pass(5000);
  informer.put(pod({ status: { podIP: '10.244.1.9', conditions: [] } }));
  assert.equal(found.ownerOf('10.244.1.9')?.sinceMs, now() - 5000);
});
