import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EndpointSlice, Pod, Service } from '../../kube/mod.ts';
import { familiesOf } from '../shared/service-pods.ts';
import { planSlices, type SliceWrites } from '../shared/slices.ts';
import { metaOf, nodeOf, type PodTraits, podOf, serviceOf } from '../testing/objects.ts';
import { wantedEndpoints } from './endpoint.ts';
import { frameOf, maxEndpoints } from './plan.ts';

const node1 = nodeOf('node1', { labels: { 'topology.kubernetes.io/zone': 'z1' } });
const lookup = (name: string) => (name === 'node1' ? node1 : undefined);

let created = 0;

/** The slices after the writes, and how many writes those were. */
function apply(slices: readonly EndpointSlice[], { create, update, delete: gone }: SliceWrites) {
  const updated = new Map(update.map((slice) => [slice.metadata.uid, slice]));
  const kept = slices.filter((slice) => !gone.includes(slice)).map((slice) => updated.get(slice.metadata.uid) ?? slice);
  const added = create.map((slice): EndpointSlice => {
    const { generateName, ...metadata } = slice.metadata;
    const named = metaOf(`${generateName}${created++}`, metadata);
    return { ...slice, apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: named };
  });
  return { slices: [...kept, ...added], writes: create.length + update.length + gone.length };
}

const step = (service: Service, pods: readonly Pod[], slices: readonly EndpointSlice[] = []) =>
  apply(slices, planSlices(frameOf(service), wantedByFamily(service, pods), slices));

const wantedByFamily = (service: Service, pods: readonly Pod[]) =>
  new Map(familiesOf(service).map((family) => [family, wantedEndpoints(service, pods, lookup, family)]));

const shapeOf = (slices: readonly EndpointSlice[]) =>
  slices.map(({ ports, endpoints }) => ({
    ports: ports?.map(({ port }) => port),
    endpoints: endpoints.map(({ addresses }) => addresses[0]),
  }));

const http = [{ port: 80 }];

const conditionCases: [string, PodTraits, Partial<Service['spec']>, object | undefined][] = [
  ['ready', {}, {}, { ready: true, serving: true, terminating: false }],
  ['not ready', { isReady: false }, {}, { ready: false, serving: false, terminating: false }],
  [
    'not ready, published all the same',
    { isReady: false },
    { publishNotReadyAddresses: true },
    { ready: true, serving: false, terminating: false },
  ],
  ['terminating and ready', { isTerminating: true }, {}, { ready: false, serving: true, terminating: true }],
  [
    'terminating, published all the same',
    { isTerminating: true },
    { publishNotReadyAddresses: true },
    { ready: true, serving: true, terminating: true },
  ],
  [
    'terminating and not ready',
    { isTerminating: true, isReady: false },
    {},
    { ready: false, serving: false, terminating: true },
  ],
  [
    'pending with an address',
    { phase: 'Pending', isReady: false },
    {},
    { ready: false, serving: false, terminating: false },
  ],
  ['succeeded', { phase: 'Succeeded' }, {}, undefined],
  ['failed', { phase: 'Failed' }, {}, undefined],
  ['without an address', { ip: undefined as never }, {}, undefined],
  ['on a node that does not exist', { node: 'gone' }, {}, undefined],
  ['not on a node', { node: '' }, {}, undefined],
];

for (const [title, traits, spec, expected] of conditionCases) {
  test(`a Pod that is ${title}`, () => {
    const [found] = wantedEndpoints(serviceOf(http, spec), [podOf('a', { ip: '10.0.0.1', ...traits })], lookup, 'IPv4');
    assert.deepEqual(found?.endpoint.conditions, expected);
  });
}

test('an endpoint says which Pod it is, where, and its hostname when the Pod asks for it', () => {
  const named = podOf('a', { ip: '10.0.0.1', spec: { hostname: 'db-0', subdomain: 'web' } });
  const other = podOf('b', { ip: '10.0.0.2', spec: { hostname: 'db-1', subdomain: 'elsewhere' } });
  const [first, second] = wantedEndpoints(serviceOf(http), [named, other], lookup, 'IPv4');
  assert.deepEqual(first!.endpoint, {
    addresses: ['10.0.0.1'],
    conditions: { ready: true, serving: true, terminating: false },
    hostname: 'db-0',
    targetRef: { kind: 'Pod', namespace: 'default', name: 'a', uid: 'uid-a' },
    nodeName: 'node1',
    zone: 'z1',
  });
  assert.equal(second!.endpoint.hostname, undefined);
});

test('a named target port is looked up in each Pod, and Pods with other numbers get a slice of their own', () => {
  const service = serviceOf([
    { port: 80, name: 'http', targetPort: 'web' },
    { port: 53, name: 'dns', targetPort: 'dns', protocol: 'UDP', appProtocol: 'dns' },
  ]);
  const pods = [
    podOf('a', { ip: '10.0.0.1', ports: [{ name: 'web', containerPort: 8080 }] }),
    podOf('b', { ip: '10.0.0.2', ports: [{ name: 'web', containerPort: 9090 }] }),
    podOf('c', { ip: '10.0.0.3', ports: [{ name: 'web', containerPort: 8080 }] }),
    podOf('d', {
      ip: '10.0.0.4',
      ports: [
        { name: 'dns', containerPort: 5353, protocol: 'UDP' },
        { name: 'web', containerPort: 8080 },
      ],
    }),
    podOf('e', { ip: '10.0.0.5', ports: [{ name: 'dns', containerPort: 53, protocol: 'TCP' }] }),
  ];
  const { slices } = step(service, pods);
  assert.deepEqual(shapeOf(slices), [
    { ports: [8080], endpoints: ['10.0.0.1', '10.0.0.3'] },
    { ports: [9090], endpoints: ['10.0.0.2'] },
    { ports: [8080, 5353], endpoints: ['10.0.0.4'] },
    { ports: [], endpoints: ['10.0.0.5'] },
  ]);
  assert.deepEqual(slices[2]!.ports, [
    { name: 'http', protocol: 'TCP', port: 8080 },
    { name: 'dns', protocol: 'UDP', port: 5353, appProtocol: 'dns' },
  ]);
});

test('a sidecar container serves named ports too', () => {
  const service = serviceOf([{ port: 80, targetPort: 'proxy' }]);
  const ports = [{ name: 'proxy', containerPort: 15001, protocol: 'TCP' as const }];
  const pod = podOf('a', { ip: '10.0.0.1', spec: { initContainers: [{ name: 's', restartPolicy: 'Always', ports }] } });
  assert.deepEqual(shapeOf(step(service, [pod]).slices), [{ ports: [15001], endpoints: ['10.0.0.1'] }]);
});

test('a headless Service without ports has endpoints without ports', () => {
  const service = serviceOf([], { clusterIP: 'None' });
  const { slices } = step(service, [podOf('a', { ip: '10.0.0.1' })]);
  assert.deepEqual(shapeOf(slices), [{ ports: [], endpoints: ['10.0.0.1'] }]);
  assert.equal(slices[0]!.metadata.labels?.['service.kubernetes.io/headless'], '');
});

test('the labels of a slice are those of the Service and the two by which it is found', () => {
  const { slices } = step(serviceOf(http), [podOf('a', { ip: '10.0.0.1' })]);
  assert.deepEqual(slices[0]!.metadata.labels, {
    team: 'a',
    'kubernetes.io/service-name': 'web',
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
  });
  const renamed = { ...serviceOf(http), metadata: metaOf('web', { labels: { team: 'b' } }) };
  const after = step(renamed, [podOf('a', { ip: '10.0.0.1' })], slices);
  assert.deepEqual([after.writes, after.slices[0]!.metadata.labels?.team], [1, 'b']);
});

const podsUpTo = (count: number, traits: (i: number) => PodTraits = () => ({})) =>
  Array.from({ length: count }, (_, i) => podOf(`pod${i}`, { ip: `10.0.${i >> 8}.${i & 255}`, ...traits(i) }));

test('one Pod of 250 that turns unready is one write, wherever it is', () => {
  const service = serviceOf(http);
  const before = step(service, podsUpTo(250));
  assert.deepEqual(
    before.slices.map(({ endpoints }) => endpoints.length),
    [100, 100, 50],
  );
  for (const index of [0, 120, 249]) {
    const after = step(
      service,
      podsUpTo(250, (i) => ({ isReady: i !== index })),
      before.slices,
    );
    assert.equal(after.writes, 1);
  }
  assert.equal(step(service, podsUpTo(250), before.slices).writes, 0);
});

test('a Pod that is replaced by another is one write', () => {
  const service = serviceOf(http);
  const before = step(service, podsUpTo(250));
  const after = step(
    service,
    podsUpTo(251).filter((_pod, i) => i !== 20),
    before.slices,
  );
  assert.deepEqual([after.writes, after.slices.map(({ endpoints }) => endpoints.length)], [1, [100, 100, 50]]);
});

test('a Service without endpoints keeps one empty slice; the first Pod fills it', () => {
  const service = serviceOf(http);
  const empty = step(service, []);
  assert.deepEqual([empty.writes, shapeOf(empty.slices)], [1, [{ ports: [], endpoints: [] }]]);
  assert.equal(step(service, [], empty.slices).writes, 0);
  const one = step(service, podsUpTo(1), empty.slices);
  assert.deepEqual([one.writes, shapeOf(one.slices)], [1, [{ ports: [80], endpoints: ['10.0.0.0'] }]]);
  const none = step(service, [], one.slices);
  assert.deepEqual([none.writes, shapeOf(none.slices)], [1, [{ ports: [], endpoints: [] }]]);
});

test('after any changes the slices hold what is wanted, none is too full, and a second look writes nothing', () => {
  const traits = fc.record({
    exists: fc.boolean(),
    isReady: fc.boolean(),
    isTerminating: fc.boolean(),
    port: fc.constantFrom(8080, 9090),
  });
  const states = fc.array(fc.array(traits, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 });
  const service = serviceOf([{ port: 80, targetPort: 'web' }]);
  fc.assert(
    fc.property(states, fc.integer({ min: 1, max: 70 }), (rounds, copies) => {
      let slices: EndpointSlice[] = [];
      for (const round of rounds) {
        const pods = podsUpTo(round.length * copies, (i) => {
          const { port, ...rest } = round[i % round.length]!;
          return { ...rest, ports: [{ name: 'web', containerPort: port }] };
        }).filter((_pod, i) => round[i % round.length]!.exists);
        const wanted = wantedEndpoints(service, pods, lookup, 'IPv4');
        slices = step(service, pods, slices).slices;
        const found = slices.flatMap(({ ports, endpoints }) => endpoints.map((endpoint) => ({ endpoint, ports })));
        const byName = (a: (typeof found)[number], b: (typeof found)[number]) =>
          a.endpoint.targetRef!.name! < b.endpoint.targetRef!.name! ? -1 : 1;
        assert.deepEqual(found.sort(byName), [...wanted].sort(byName as never));
        assert(slices.every(({ endpoints }) => endpoints.length <= maxEndpoints));
        assert.equal(step(service, pods, slices).writes, 0);
      }
    }),
    { numRuns: 40 },
  );
});

test('each family of a Service has slices of its own, and a family that it gives up loses them', () => {
  const both = { ipFamilies: ['IPv6' as const, 'IPv4' as const] };
  const dual = podOf('a', { ip: '10.0.0.1' });
  dual.status!.podIPs = [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }];
  const pods = [dual, podOf('b', { ip: '10.0.0.2' })];
  const { slices, writes } = step(serviceOf(http, both), pods);
  const found = (all: readonly EndpointSlice[]) =>
    Object.fromEntries(all.map(({ addressType, endpoints }) => [addressType, endpoints.map((e) => e.addresses[0])]));
  assert.deepEqual([writes, found(slices)], [2, { IPv4: ['10.0.0.1', '10.0.0.2'], IPv6: ['fd00::1'] }]);
  assert.equal(step(serviceOf(http, both), pods, slices).writes, 0);
  const less = step(serviceOf(http, { ipFamilies: ['IPv6'] }), pods, slices);
  assert.deepEqual([less.writes, found(less.slices)], [1, { IPv6: ['fd00::1'] }]);
  const none = step(serviceOf(http, both), []);
  assert.deepEqual([none.writes, found(none.slices)], [2, { IPv4: [], IPv6: [] }]);
});
