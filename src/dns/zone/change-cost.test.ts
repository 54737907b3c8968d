import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, KubeObject, Namespace, Service } from '../../kube/mod.ts';
import { keyOf as nameKeyOf, recordTypes } from '../../wire/dns/mod.ts';
import { ClusterZone } from './cluster-zone.ts';

const namespaced = (name: string) => ({ name, namespace: 'shop', uid: name, resourceVersion: '1' });
const change = <S extends KubeObject>(after: object) => {
  const { metadata } = after as KubeObject;
  return { key: [metadata.namespace, metadata.name].filter(Boolean).join('/'), after: after as S };
};

const namespace = { kind: 'Namespace', metadata: { name: 'shop' } };
const service = (index: number) => ({
  kind: 'Service',
  metadata: namespaced(`web-${index}`),
  spec: {
    clusterIP: index % 2 === 0 ? 'None' : `10.96.${index >> 8}.${index & 255}`,
    ports: [{ name: 'http', port: 80 }],
  },
});
const slice = (index: number, last: number) => ({
  kind: 'EndpointSlice',
  metadata: { ...namespaced(`web-${index}-x`), labels: { 'kubernetes.io/service-name': `web-${index}` } },
  ports: [{ name: 'http', port: 8080 }],
  endpoints: [{ addresses: [`10.${128 + (index >> 8)}.${index & 255}.${last}`], hostname: 'pod-0' }],
});

const namesOf = (index: number): string[] =>
  ['', '_http._tcp.', 'pod-0.'].map((below) => nameKeyOf(`${below}web-${index}.shop.svc.cluster.local`));

/** All names asked for once; then what of them is another object after one change. */
function touchedBy(services: number, apply: (zone: ClusterZone) => void): string[] {
  const zone = new ClusterZone({
    clusterDomain: 'cluster.local',
    ttlSeconds: 5,
    podRecords: 'disabled',
    reverseCidrs: [],
    nameServerService: 'kube-system/kube-dns',
    nowSeconds: () => 1,
  });
  zone.applyNamespace(change<Namespace>(namespace));
  for (let index = 0; index < services; index++) {
    zone.applyService(change<Service>(service(index)));
    zone.applySlice(change<EndpointSlice>(slice(index, 1)));
  }
  const all = Array.from({ length: services }, (_, index) => namesOf(index)).flat();
  const found = new Map(all.map((name) => [name, zone.lookup(name)]));
  const answers = new Map(all.map((name) => [name, zone.lookup(name)?.name?.answer(recordTypes.A)]));
  assert.equal(zone.size.readyNames, all.length);
  apply(zone);
  assert.equal(zone.size.readyNames, all.length - 3);
  return all.filter((name) => {
    const now = zone.lookup(name);
    return now !== found.get(name) || now?.name?.answer(recordTypes.A) !== answers.get(name);
  });
}

for (const services of [10, 3000]) {
  test(`of ${services} Services, a change of one endpoint makes three names anew, those of its Service`, () => {
    const replaced = (zone: ClusterZone) => zone.applySlice(change<EndpointSlice>(slice(4, 2)));
    assert.deepEqual(touchedBy(services, replaced), namesOf(4));
  });

  test(`of ${services} Services, a change of one Service likewise`, () => {
    const replaced = (zone: ClusterZone) => zone.applyService(change<Service>(service(7)));
    assert.deepEqual(touchedBy(services, replaced), namesOf(7));
  });
}
