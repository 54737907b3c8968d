import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Namespace, Pod, Service } from '../../kube/mod.ts';
import { keyOf, recordTypes } from '../../wire/dns/mod.ts';
import { clusterYaml, parseObjects } from '../testing/fixture.ts';
import { ClusterZone, type PodRecords, type ZoneOptions } from './cluster-zone.ts';

function zoneWith(options: Partial<ZoneOptions>): ClusterZone {
  const zone = new ClusterZone({
    clusterDomain: 'cluster.local',
    ttlSeconds: 5,
    podRecords: 'insecure',
    reverseCidrs: [],
    nameServerService: 'kube-system/kube-dns',
    nowSeconds: () => 1,
    ...options,
  });
  for (const after of parseObjects(clusterYaml)) {
    const { namespace, name } = after.metadata;
    const key = namespace === undefined ? name : `${namespace}/${name}`;
    if (after.kind === 'Service') zone.applyService({ key, after: after as Service });
    else if (after.kind === 'EndpointSlice') zone.applySlice({ key, after: after as EndpointSlice });
    else if (after.kind === 'Namespace') zone.applyNamespace({ key, after: after as Namespace });
    else zone.applyPod({ key, after: after as Pod });
  }
  return zone;
}

/** Name and type; what is said; the mode of Pod records. */
type Row = readonly [ask: string, reason: string | undefined, podRecords?: PodRecords];

const ofZone: readonly Row[] = [
  ['cluster.local MX', 'No MX record at cluster.local'],
  ['dns.cluster.local A', 'No A record at dns.cluster.local'],
  ['dns-version.cluster.local A', 'No A record at dns-version.cluster.local'],
  ['svc.cluster.local A', 'No A record at svc.cluster.local'],
  ['www.cluster.local A', 'Names of the cluster end in svc or pod before its domain'],
  [
    'web.default.cluster.local A',
    'Names of the cluster end in svc or pod before its domain; did you mean web.default.svc.cluster.local?',
  ],
  [
    'web.default.scv.cluster.local A',
    'Names of the cluster end in svc or pod before its domain; did you mean web.default.svc.cluster.local?',
  ],
  ['web.nowhere.svc.cluster.local A', 'No namespace nowhere'],
  ['web.defualt.svc.cluster.local A', 'No namespace defualt; did you mean default?'],
  ['default.svc.cluster.local A', 'Namespace default has no A record, only names below it do'],
];

const ofServices: readonly Row[] = [
  ['gone.default.svc.cluster.local A', 'No Service gone in namespace default'],
  ['wbe.default.svc.cluster.local A', 'No Service wbe in namespace default; did you mean default/web?'],
  [
    'kube-dns.default.svc.cluster.local A',
    'No Service kube-dns in namespace default; did you mean kube-system/kube-dns?',
  ],
  ['starting.default.svc.cluster.local A', 'Service default/starting exists, 0 of 1 endpoints are ready'],
  ['x.starting.default.svc.cluster.local A', 'Service default/starting exists, 0 of 1 endpoints are ready'],
  [
    'address.default.svc.cluster.local A',
    'Service default/address exists, its external name 192.0.2.7 is an address, and an alias can only lead to a name',
  ],
  ['web.default.svc.cluster.local AAAA', 'Service default/web has no IPv6 address: 10.96.1.1'],
  ['web.default.svc.cluster.local MX', 'Service default/web has no MX record, but A, AAAA and SRV records'],
  [
    'eager.default.svc.cluster.local AAAA',
    'Service default/eager is headless, none of its ready endpoints has an IPv6 address',
  ],
  [
    '_x._tcp.web.default.svc.cluster.local SRV',
    'Service default/web has no port named x: its named ports are _http._tcp',
  ],
  ['_http._udp.web.default.svc.cluster.local SRV', 'Service default/web has its port http under _http._tcp'],
  ['http.tcp.web.default.svc.cluster.local SRV', 'Service default/web has its port http under _http._tcp'],
  [
    '_http._tcp.web.default.svc.cluster.local A',
    'Service default/web has no A record for its port http, but an SRV record',
  ],
  ['_udp.web.default.svc.cluster.local A', 'Service default/web has no named port of protocol UDP'],
  ['a.b.c.web.default.svc.cluster.local A', 'Service default/web exists, there are no names so far below it'],
  [
    'web-0.web.default.svc.cluster.local A',
    'Service default/web is not headless, so its Pods have no names below it, and none is web-0: its endpoints are 10-244-1-5',
  ],
  [
    'db-9.db.default.svc.cluster.local A',
    'Service default/db has no endpoint named db-9: its 3 ready ones are db-0, db-1, fd00-244-1--10',
  ],
  ['db-2.db.default.svc.cluster.local A', 'Endpoint db-2 of Service default/db is there, but not ready'],
  ['db-0.db.default.svc.cluster.local AAAA', 'Endpoint db-0 of Service default/db has no IPv6 address'],
  ['db-0.db.default.svc.cluster.local TXT', 'Endpoint db-0 of Service default/db has no TXT record'],
  ['x.outside.default.svc.cluster.local A', 'Service default/outside is an ExternalName: there are no names below it'],
];

const ofPods: readonly Row[] = [
  ['1-2-3-4.default.pod.cluster.local A', 'Pod records are disabled (pods disabled)', 'disabled'],
  [
    '1-2-3-4.default.pod.cluster.local A',
    'No Pod of namespace default has the address 1-2-3-4 (pods verified)',
    'verified',
  ],
  ['1-2-3-4.default.pod.cluster.local AAAA', '1-2-3-4 has no AAAA record'],
  ['1.2.3.4.default.pod.cluster.local A', '1.2.3.4 is written with dashes: 1-2-3-4'],
  [
    'web-x.default.pod.cluster.local A',
    'web-x is no address with dashes: Pods have names by their address, such as 10-244-1-7',
  ],
  ['1-2-3-4.nowhere.pod.cluster.local A', 'No namespace nowhere'],
];

const ofOthers: readonly Row[] = [
  ['9.9.96.10.in-addr.arpa PTR', 'No Service and no endpoint has this address'],
  ['1.1.96.10.in-addr.arpa A', 'No A record, but a PTR record'],
  ['96.10.in-addr.arpa PTR', 'Reverse names of whole addresses only have records'],
  [
    'web.default.svc.cluster.locl A',
    "The name is not below cluster.local, the cluster's domain; did you mean web.default.svc.cluster.local?",
  ],
  [
    '_http._tcp.web.default.svc A',
    "The name is not below cluster.local, the cluster's domain; did you mean _http._tcp.web.default.svc.cluster.local?",
  ],
  [
    'web.default A',
    "The name is not below cluster.local, the cluster's domain; did you mean web.default.svc.cluster.local?",
  ],
  ['gone.default.svc.other.example A', "The name is not below cluster.local, the cluster's domain"],
  ['www.example.com A', undefined],
  ['svc.example.com A', undefined],
  ['default.svc A', undefined],
  ['com A', undefined],
];

const tables = { 'the zone': ofZone, Services: ofServices, Pods: ofPods, 'names elsewhere': ofOthers };

for (const [title, table] of Object.entries(tables)) {
  test(`${title}: a missing name or record has a reason in words`, () => {
    for (const [ask, reason, mode = 'insecure'] of table) {
      const [name = '', type = ''] = ask.split(' ');
      const found = zoneWith({ podRecords: mode }).explain(keyOf(name), recordTypes[type as 'A']);
      assert.equal(found, reason, `${ask} (${mode})`);
    }
  });
}

test('a namespace that is passed over is not said to be missing', () => {
  const zone = zoneWith({ namespaces: ['empty'] });
  assert.equal(
    zone.explain(keyOf('web.default.svc.cluster.local'), recordTypes.A),
    'Namespace default is not one of those that are answered for here',
  );
});

test('no reason is longer than a small answer can carry, whatever is asked for', () => {
  const long = 'l'.repeat(63);
  const zone = zoneWith({});
  for (const name of [
    `${long}.${long}.svc`,
    `${long}.web.default.svc`,
    `${long}.${long}.web.default.svc`,
    `${long}.default.pod`,
  ]) {
    const reason = zone.explain(keyOf(`${name}.cluster.local`), 65_535)!;
    assert.ok(Buffer.byteLength(reason) <= 260, reason);
  }
});

test('what was meant: nearly that name here, just that name elsewhere, then one that begins alike', () => {
  const zone = zoneWith({});
  const services = ['default/www', 'shop/cart', 'default/carol', 'default/x'];
  for (const key of services) {
    const [namespace = '', name = ''] = key.split('/');
    zone.applyService({ key, after: { metadata: { namespace, name }, spec: { clusterIP: 'None' } } as Service });
  }
  const suggestionFor = (name: string) =>
    /did you mean (.+)\?$/.exec(zone.explain(keyOf(`${name}.svc.cluster.local`), recordTypes.A) ?? '')?.[1];
  assert.equal(suggestionFor('wwx.default'), 'default/www');
  assert.equal(suggestionFor('cart.default'), 'shop/cart');
  assert.equal(suggestionFor('carpl.default'), 'default/carol');
  assert.equal(suggestionFor('y.default'), undefined);
  assert.equal(suggestionFor('abc.default'), undefined);
});
