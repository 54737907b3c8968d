import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoints, Pod, Service } from '../../kube/mod.ts';
import { metaOf, type PodTraits, podOf, serviceOf } from '../testing/objects.ts';
import { maxAddresses, planEndpoints } from './plan.ts';

const http = [{ port: 80, name: 'http', targetPort: 'web' }];
const web = [{ name: 'web', containerPort: 8080 }];
const pod = (name: string, traits: PodTraits) => podOf(name, { ports: web, ...traits });

function after(service: Service, pods: readonly Pod[], existing?: Endpoints): Endpoints | undefined {
  const write = planEndpoints(service, pods, existing);
  if (write?.type !== 'create') return write?.endpoints;
  const { metadata, ...rest } = write.endpoints;
  return { apiVersion: 'v1', kind: 'Endpoints', ...rest, metadata: metaOf('web', metadata) };
}

const ips = ({ subsets }: Endpoints) =>
  subsets?.map(({ addresses, notReadyAddresses, ports }) => [
    addresses?.map(({ ip }) => ip) ?? [],
    notReadyAddresses?.map(({ ip }) => ip) ?? [],
    ports?.map(({ port }) => port) ?? [],
  ]);

const cases: [string, PodTraits, Partial<Service['spec']>, 'ready' | 'notReady' | 'absent'][] = [
  ['ready', {}, {}, 'ready'],
  ['not ready', { isReady: false }, {}, 'notReady'],
  ['pending with an address', { phase: 'Pending', isReady: false }, {}, 'notReady'],
  ['terminating', { isTerminating: true }, {}, 'absent'],
  ['terminating, published all the same', { isTerminating: true }, { publishNotReadyAddresses: true }, 'ready'],
  ['not ready, published all the same', { isReady: false }, { publishNotReadyAddresses: true }, 'ready'],
  ['failed', { phase: 'Failed' }, {}, 'absent'],
  ['without the named port', { ports: [] }, {}, 'absent'],
];

for (const [title, traits, spec, place] of cases) {
  test(`a Pod that is ${title} is ${place}`, () => {
    const found = ips(after(serviceOf(http, spec), [pod('a', { ip: '10.0.0.1', ...traits })])!);
    const expected = { ready: [[['10.0.0.1'], [], [8080]]], notReady: [[[], ['10.0.0.1'], [8080]]], absent: undefined };
    assert.deepEqual(found, expected[place]);
  });
}

test('Pods with other port numbers are a subset of their own', () => {
  const pods = [
    pod('a', { ip: '10.0.0.9' }),
    pod('b', { ip: '10.0.0.2', ports: [{ name: 'web', containerPort: 9090 }] }),
    pod('c', { ip: '10.0.0.1' }),
  ];
  assert.deepEqual(ips(after(serviceOf(http), pods)!), [
    [['10.0.0.1', '10.0.0.9'], [], [8080]],
    [['10.0.0.2'], [], [9090]],
  ]);
});

test('what is right already is not written, whatever the order of the Pods', () => {
  const service = serviceOf(http);
  const pods = [pod('a', { ip: '10.0.0.1' }), pod('b', { ip: '10.0.0.2', isReady: false })];
  const existing = after(service, pods)!;
  assert.equal(planEndpoints(service, pods, existing), undefined);
  assert.equal(planEndpoints(service, [...pods].reverse(), existing), undefined);
  const none = after(service, [], existing)!;
  assert.equal('subsets' in none, false);
  assert.equal(planEndpoints(service, [], none), undefined);
});

test('beyond 1000 addresses the rest is left out, those that are not ready first, and the object says so', () => {
  const pods = Array.from({ length: maxAddresses + 50 }, (_, i) =>
    pod(`p${i}`, { ip: `10.0.${i >> 8}.${i & 255}`, isReady: i >= 100 }),
  );
  const service = serviceOf(http);
  const full = after(service, pods)!;
  const [subset] = full.subsets!;
  assert.deepEqual([subset!.addresses?.length, subset!.notReadyAddresses?.length], [950, 50]);
  assert.equal(full.metadata.annotations?.['endpoints.kubernetes.io/over-capacity'], 'truncated');
  assert.equal(planEndpoints(service, pods, full), undefined);
  assert.equal(after(service, pods.slice(0, 3), full)!.metadata.annotations, undefined);
});
