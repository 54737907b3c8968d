import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Change } from '../../client/mod.ts';
import type { EndpointSlice, KubeObject, Namespace, Pod, Service } from '../../kube/mod.ts';
import { keyOf, type ReadyAnswer, recordTypes, wireOf } from '../../wire/dns/mod.ts';
import { decode, zoneLines } from '../testing/stub-client.ts';
import { ClusterZone } from './cluster-zone.ts';

/**
 * The law: whatever happened, the zone answers as one that was built from what is there now, holds as much, and no
 * answer that was made ready earlier has outlived its reasons.
 */

const names = ['a', 'b'];
const namespaces = ['n1', 'n2'];
const hosts = ['h0', 'h1', ''];
const addresses = ['10.244.1.1', '10.244.1.2', 'fd00::1'];
const clusterIPs = ['10.96.0.1', '10.96.0.2', 'fd00:96::1'];

const meta = (name: string, namespace: string | undefined, labels = {}) => ({ metadata: { name, namespace, labels } });

const service = fc
  .record({
    name: fc.constantFrom(...names),
    namespace: fc.constantFrom(...namespaces),
    spec: fc.oneof(
      fc.record({
        type: fc.constant('ClusterIP'),
        clusterIP: fc.constantFrom(...clusterIPs),
        ports: fc.constant([{ name: 'p', port: 1, protocol: 'TCP' }]),
      }),
      fc.record({
        type: fc.constant('ClusterIP'),
        clusterIP: fc.constant('None'),
        publishNotReadyAddresses: fc.boolean(),
      }),
      fc.record({ type: fc.constant('ExternalName'), externalName: fc.constantFrom('x.example', '10.0.0.1') }),
      fc.record({ type: fc.constant('ClusterIP'), clusterIP: fc.constant('') }),
    ),
  })
  .map(({ name, namespace, spec }) => ({ kind: 'Service', ...meta(name, namespace), spec }));

const slice = fc
  .record({
    name: fc.constantFrom('s1', 's2', 's3'),
    namespace: fc.constantFrom(...namespaces),
    owner: fc.option(fc.constantFrom(...names)),
    endpoints: fc.array(
      fc.record({
        addresses: fc.constantFrom(...addresses).map((address) => [address]),
        hostname: fc.constantFrom(...hosts),
        conditions: fc.record({ ready: fc.boolean() }),
      }),
      { maxLength: 3 },
    ),
    ports: fc.constantFrom([], [{ name: 'p', port: 8080, protocol: 'TCP' }]),
  })
  .map(({ name, namespace, owner, endpoints, ports }) => {
    const labels = owner ? { 'kubernetes.io/service-name': owner } : {};
    return { kind: 'EndpointSlice', ...meta(name, namespace, labels), endpoints, ports };
  });

const namespace = fc.constantFrom(...namespaces).map((name) => ({ kind: 'Namespace', ...meta(name, undefined) }));
const pod = fc
  .record({
    name: fc.constantFrom('p1', 'p2'),
    namespace: fc.constantFrom(...namespaces),
    phase: fc.constantFrom('Running', 'Succeeded'),
    podIP: fc.option(fc.constantFrom(...addresses), { nil: undefined }),
  })
  .map(({ name, namespace, ...status }) => ({ kind: 'Pod', ...meta(name, namespace), status }));

type Step =
  | { readonly put: { kind: string; metadata: { name: string; namespace: string | undefined } } }
  | { readonly remove: { kind: string; metadata: { name: string; namespace: string | undefined } } }
  | { readonly ask: number };
const object = fc.oneof(service, slice, namespace, pod);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: object.map((put) => ({ put })) },
  { weight: 2, arbitrary: object.map((remove) => ({ remove })) },
  { weight: 3, arbitrary: fc.nat().map((ask) => ({ ask })) },
);

/** Every name that anything above could bring about, and some that it could not. */
const universe: string[] = [
  ...namespaces.flatMap((ns) => [
    `${ns}.svc`,
    `${ns}.pod`,
    '10-244-1-1.n1.pod',
    ...names.flatMap((name) =>
      ['', 'h0.', 'h1.', '10-244-1-1.', 'fd00--1.', '_tcp.', '_p._tcp.', 'x.y.'].map(
        (below) => `${below}${name}.${ns}.svc`,
      ),
    ),
  ]),
  'svc',
  'gone.n1.svc',
].map((name) => `${name}.cluster.local`);
universe.push(
  '1.1.244.10.in-addr.arpa',
  '2.1.244.10.in-addr.arpa',
  '1.0.96.10.in-addr.arpa',
  '2.0.96.10.in-addr.arpa',
  `1.${'0.'.repeat(27)}0.0.d.f.ip6.arpa`,
);
const types = [recordTypes.A, recordTypes.AAAA, recordTypes.SRV, recordTypes.PTR, recordTypes.CNAME];

const newZone = () =>
  new ClusterZone({
    clusterDomain: 'cluster.local',
    ttlSeconds: 5,
    podRecords: 'verified',
    reverseCidrs: ['10.96.0.0/16'],
    nameServerService: 'n1/a',
    nowSeconds: () => 1,
  });

const apply: Record<string, (zone: ClusterZone, change: Change<KubeObject>) => void> = {
  Service: (zone, change) => zone.applyService(change as Change<Service>),
  EndpointSlice: (zone, change) => zone.applySlice(change as Change<EndpointSlice>),
  Namespace: (zone, change) => zone.applyNamespace(change as Change<Namespace>),
  Pod: (zone, change) => zone.applyPod(change as Change<Pod>),
};

/** What a client would read out of the ready bytes; endpoints may stand in another order than they were listed. */
function readLines(name: string, { answers, additionals }: ReadyAnswer): string[] {
  const counts = Buffer.from([0, 1, 0, answers.ends.length, 0, 0, 0, additionals.ends.length]);
  const parts = [Buffer.from('00008400', 'hex'), counts, wireOf(keyOf(name)), Buffer.from('00010001', 'hex')];
  const message = decode(Buffer.concat([...parts, answers.bytes, additionals.bytes]));
  return [...zoneLines(message.answers), '', ...zoneLines(message.additionals)].sort();
}

function answers(zone: ClusterZone): Record<string, unknown> {
  const all: Record<string, unknown> = {};
  for (const name of universe) {
    const found = zone.lookup(keyOf(name));
    all[name] = found && (found.name ? 'exists' : 'missing');
    for (const type of types) {
      const ready = found?.name?.answer(type);
      all[`${name} ${type}`] = ready && readLines(name, ready);
    }
  }
  return all;
}

const nameOf = ({ metadata }: { metadata: { name: string; namespace: string | undefined } }) =>
  metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;

test('after any history the zone equals one built from what is there', () => {
  let compared = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const zone = newZone();
      const present = new Map<string, { kind: string; object: KubeObject }>();
      for (const next of steps) {
        if ('ask' in next) {
          zone.lookup(keyOf(universe[next.ask % universe.length]!))?.name?.answer(types[next.ask % types.length]!);
          continue;
        }
        const named = 'put' in next ? next.put : next.remove;
        const key = nameOf(named);
        const before = present.get(`${named.kind} ${key}`)?.object;
        const after = 'put' in next ? (next.put as unknown as KubeObject) : undefined;
        if (!before && !after) continue;
        apply[named.kind]!(zone, { key, ...(before && { before }), ...(after && { after }) });
        if (after) present.set(`${named.kind} ${key}`, { kind: named.kind, object: after });
        else present.delete(`${named.kind} ${key}`);
      }
      const fresh = newZone();
      for (const [id, { kind, object: after }] of present) apply[kind]!(fresh, { key: id.split(' ')[1]!, after });
      assert.deepEqual(answers(zone), answers(fresh));
      assert.deepEqual(zone.size, fresh.size);
      compared++;
    }),
    { numRuns: 200 },
  );
  assert.equal(compared, 200);
});

test('one change lets fall the ready answers of its own Service only', () => {
  const zone = newZone();
  const put = (name: string, clusterIP: string) =>
    zone.applyService({
      key: `n1/${name}`,
      after: { kind: 'Service', ...meta(name, 'n1'), spec: { type: 'ClusterIP', clusterIP } } as unknown as Service,
    });
  for (let index = 0; index < 100; index++) {
    put(`s${index}`, `10.96.0.${index}`);
    zone.lookup(keyOf(`s${index}.n1.svc.cluster.local`))?.name?.answer(recordTypes.A);
  }
  assert.equal(zone.size.readyNames, 100);
  const untouched = zone.lookup(keyOf('s8.n1.svc.cluster.local'));
  put('s7', '10.96.1.7');
  assert.equal(zone.size.readyNames, 99);
  assert.equal(zone.lookup(keyOf('s8.n1.svc.cluster.local')), untouched);
});

test('names that do not exist leave nothing behind', () => {
  const zone = newZone();
  zone.applyNamespace({ key: 'n1', after: { kind: 'Namespace', ...meta('n1', undefined) } as unknown as Namespace });
  const before = zone.size;
  for (let index = 0; index < 1000; index++) zone.lookup(keyOf(`x${index}.n1.svc.cluster.local`));
  assert.deepEqual(zone.size, before);
});

test('names that DNS cannot carry have no records and disturb nothing', () => {
  const zone = newZone();
  const bad = [
    {
      key: `n1/${'x'.repeat(64)}`,
      spec: { type: 'ClusterIP', clusterIP: '10.96.0.1', ports: [{ name: 'p', port: 1, protocol: 'TCP' }] },
    },
    { key: 'n1/external', spec: { type: 'ExternalName', externalName: 'a..b' } },
  ];
  for (const { key, spec } of bad)
    zone.applyService({ key, after: { ...meta(key.slice(3), 'n1'), spec } as unknown as Service });
  assert.equal(zone.lookup(keyOf('1.0.96.10.in-addr.arpa'))?.name, undefined);
  assert.equal(zone.lookup(keyOf('external.n1.svc.cluster.local'))?.name, undefined);
});
