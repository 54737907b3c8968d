import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Namespace } from '../kube/mod.ts';
import { responseCodes } from '../wire/dns/mod.ts';
import { codeOnly } from './chain/mod.ts';
import { askAll, type Case, digAll, domain, svc, withoutDig } from './testing/answer-table.ts';
import { decode, encodeQuestion, exchangeUdp, extendedErrorOf } from './testing/stub-client.ts';
import { zoneServer } from './testing/zone-server.ts';
import { splitZones, type ZoneOptions } from './zone/mod.ts';

/** What the cluster passes on is answered with REFUSED, so that it shows. */
const beyond = () => codeOnly(responseCodes.Refused);

const extraYaml = `
kind: Namespace
metadata: { name: default }
---
kind: Namespace
metadata: { name: shop }
---
kind: Service
metadata: { namespace: default, name: web }
spec: { type: ClusterIP, clusterIP: 10.96.1.1, ports: [{ name: http, port: 80, protocol: TCP }, { name: dns, port: 53, protocol: UDP }] }
---
kind: EndpointSlice
metadata: { namespace: default, name: web-1, labels: { kubernetes.io/service-name: web } }
ports: [{ name: http, port: 8080, protocol: TCP }]
endpoints: [{ addresses: [10.244.1.5], targetRef: { kind: Pod, name: web-abc } }]
---
kind: Service
metadata: { namespace: shop, name: idle }
spec: { type: ClusterIP, clusterIP: 10.96.1.2, ports: [{ name: http, port: 80, protocol: TCP }] }
---
kind: EndpointSlice
metadata: { namespace: shop, name: idle-1, labels: { kubernetes.io/service-name: idle } }
ports: [{ name: http, port: 8080, protocol: TCP }]
endpoints: [{ addresses: [10.244.1.6], conditions: { ready: false } }]
---
kind: Service
metadata: { namespace: shop, name: db }
spec: { type: ClusterIP, clusterIP: None }
---
kind: EndpointSlice
metadata: { namespace: shop, name: db-1, labels: { kubernetes.io/service-name: db } }
ports: [{ name: pg, port: 5432, protocol: TCP }]
endpoints:
  - { addresses: [10.244.1.7], targetRef: { kind: Pod, name: db-xyz } }
  - { addresses: [10.244.1.8], hostname: first, targetRef: { kind: Pod, name: db-first } }
  - { addresses: [10.244.1.9], targetRef: { kind: Pod, name: with.dots } }
---
kind: Service
metadata: { namespace: shop, name: outside }
spec: { type: ExternalName, externalName: www.example.com }
---
kind: Pod
metadata: { namespace: shop, name: db-xyz }
status: { phase: Running, podIP: 10.244.1.7 }
`;

interface Table {
  readonly zone: Partial<ZoneOptions>;
  readonly fallthrough?: readonly string[];
  readonly cases: readonly Case[];
}

const nxdomain = 'NXDOMAIN';
const passedOn = { rcode: 'REFUSED', soa: false } as const;
const web = (type = 'A') => ({ ask: `web.default.svc ${type}`, answers: [`${svc('web.default')} 5 IN A 10.96.1.1`] });
const idle = { ask: 'idle.shop.svc A', answers: [`${svc('idle.shop')} 5 IN A 10.96.1.2`] };
const dbAddresses = (name: string, ...last: number[]) => last.map((byte) => `${name} 5 IN A 10.244.1.${byte}`);

const tables: Record<string, Table> = {
  'several domains': {
    zone: splitZones(['cluster.local.', 'example.org', 'in-addr.arpa']),
    cases: [
      web(),
      { ask: 'web.default.svc.example.org A', answers: ['web.default.svc.example.org. 5 IN A 10.96.1.1'] },
      {
        ask: '_http._tcp.web.default.svc.example.org SRV',
        answers: ['_http._tcp.web.default.svc.example.org. 5 IN SRV 0 100 80 web.default.svc.example.org.'],
        extra: ['web.default.svc.example.org. 5 IN A 10.96.1.1'],
      },
      { ask: 'gone.default.svc.example.org A', rcode: nxdomain, soa: 'example.org' },
      { ask: 'example.org NS', answers: ['example.org. 5 IN NS ns.dns.example.org.'] },
      { ask: '1.1.96.10.in-addr.arpa PTR', answers: [`1.1.96.10.in-addr.arpa. 5 IN PTR ${svc('web.default')}`] },
      { ask: '9.9.9.9.in-addr.arpa PTR', rcode: nxdomain, soa: 'in-addr.arpa' },
      { ask: `${'0.'.repeat(32)}ip6.arpa PTR`, ...passedOn },
    ],
  },
  'a domain without reverse zones': {
    zone: splitZones(['cluster.local']),
    cases: [web(), { ask: '1.1.96.10.in-addr.arpa PTR', ...passedOn }],
  },
  'an address range as a zone': {
    zone: splitZones(['cluster.local', '10.96.0.0/16']),
    cases: [
      { ask: '1.1.96.10.in-addr.arpa PTR', answers: [`1.1.96.10.in-addr.arpa. 5 IN PTR ${svc('web.default')}`] },
      { ask: '9.9.96.10.in-addr.arpa PTR', rcode: nxdomain, soa: '96.10.in-addr.arpa' },
      { ask: '7.1.244.10.in-addr.arpa PTR', ...passedOn },
    ],
  },
  'fallthrough for reverse names': {
    zone: splitZones(['cluster.local', 'in-addr.arpa', 'ip6.arpa']),
    fallthrough: ['in-addr.arpa', 'ip6.arpa'],
    cases: [
      { ask: '9.9.9.9.in-addr.arpa PTR', ...passedOn },
      { ask: '1.1.96.10.in-addr.arpa A', soa: 'in-addr.arpa' },
      { ask: 'gone.default.svc A', rcode: nxdomain },
    ],
  },
  'fallthrough for every name': {
    zone: {},
    fallthrough: ['.'],
    cases: [web(), { ask: 'gone.default.svc A', ...passedOn }, { ask: 'default.svc A' }],
  },
  namespaces: {
    zone: { namespaces: ['shop'], reverseCidrs: ['10.0.0.0/8'] },
    cases: [
      { ask: 'web.default.svc A', rcode: nxdomain },
      { ask: 'default.svc A', rcode: nxdomain },
      { ask: '1-2-3-4.default.pod A', rcode: nxdomain },
      { ask: '1.1.96.10.in-addr.arpa PTR', rcode: nxdomain, soa: '10.in-addr.arpa' },
      { ask: '5.1.244.10.in-addr.arpa PTR', rcode: nxdomain, soa: '10.in-addr.arpa' },
      idle,
      { ask: 'shop.svc A' },
    ],
  },
  ttl: {
    zone: { ttlSeconds: 30 },
    cases: [{ ask: 'web.default.svc A', answers: [`${svc('web.default')} 30 IN A 10.96.1.1`] }],
  },
  endpoint_pod_names: {
    zone: { endpointPodNames: true, reverseCidrs: ['10.0.0.0/8'] },
    cases: [
      { ask: 'db-xyz.db.shop.svc A', answers: dbAddresses(svc('db-xyz.db.shop'), 7) },
      { ask: '10-244-1-7.db.shop.svc A', rcode: nxdomain },
      { ask: 'first.db.shop.svc A', answers: dbAddresses(svc('first.db.shop'), 8) },
      { ask: 'db-first.db.shop.svc A', rcode: nxdomain },
      { ask: '10-244-1-9.db.shop.svc A', answers: dbAddresses(svc('10-244-1-9.db.shop'), 9) },
      {
        ask: '_pg._tcp.db.shop.svc SRV',
        answers: ['db-xyz', 'first', '10-244-1-9'].map(
          (host) => `${svc('_pg._tcp.db.shop')} 5 IN SRV 0 33 5432 ${svc(`${host}.db.shop`)}`,
        ),
        extra: ['db-xyz', 'first', '10-244-1-9'].map(
          (host, index) => `${svc(`${host}.db.shop`)} 5 IN A 10.244.1.${7 + index}`,
        ),
      },
      { ask: '7.1.244.10.in-addr.arpa PTR', answers: [`7.1.244.10.in-addr.arpa. 5 IN PTR ${svc('db-xyz.db.shop')}`] },
    ],
  },
  'ignore empty_service': {
    zone: { ignoreEmptyServices: true },
    cases: [
      web(),
      { ask: 'idle.shop.svc A', rcode: nxdomain },
      { ask: '_http._tcp.idle.shop.svc SRV', rcode: nxdomain },
      { ask: 'outside.shop.svc CNAME', answers: [`${svc('outside.shop')} 5 IN CNAME www.example.com.`] },
    ],
  },
  wildcards: {
    zone: { wildcards: true, podRecords: 'verified' },
    cases: [
      { ask: '*.default.svc A', answers: [`${svc('*.default')} 5 IN A 10.96.1.1`] },
      {
        ask: 'any.shop.svc A',
        answers: [`${svc('any.shop')} 5 IN A 10.96.1.2`, ...dbAddresses(svc('any.shop'), 7, 8, 9)],
      },
      {
        ask: '*.any.svc A',
        answers: [
          `${svc('*.any')} 5 IN A 10.96.1.1`,
          `${svc('*.any')} 5 IN A 10.96.1.2`,
          ...dbAddresses(svc('*.any'), 7, 8, 9),
        ],
      },
      { ask: 'db.*.svc A', answers: dbAddresses(svc('db.*'), 7, 8, 9) },
      { ask: 'gone.*.svc A', rcode: nxdomain },
      { ask: '*.nowhere.svc A', rcode: nxdomain },
      { ask: '*.svc A' },
      { ask: '*.db.shop.svc A', answers: dbAddresses(svc('*.db.shop'), 7, 8, 9) },
      {
        ask: '*._tcp.web.default.svc SRV',
        answers: [`${svc('*._tcp.web.default')} 5 IN SRV 0 100 80 ${svc('web.default')}`],
        extra: [`${svc('web.default')} 5 IN A 10.96.1.1`],
      },
      {
        ask: 'any.*.web.*.svc SRV',
        answers: [80, 53].map((port) => `${svc('any.*.web.*')} 5 IN SRV 0 50 ${port} ${svc('web.default')}`),
        extra: [`${svc('web.default')} 5 IN A 10.96.1.1`],
      },
      { ask: '10-244-1-7.*.pod A', answers: [`10-244-1-7.*.pod.${domain}. 5 IN A 10.244.1.7`] },
      { ask: '10-244-1-9.*.pod A', rcode: nxdomain },
    ],
  },
  'wildcards, as they are by default': {
    zone: {},
    cases: [
      { ask: '*.default.svc A', rcode: nxdomain },
      { ask: '*.db.shop.svc A', rcode: nxdomain },
      { ask: '*._tcp.web.default.svc SRV', rcode: nxdomain },
      { ask: 'any.shop.svc A', rcode: nxdomain },
    ],
  },
};

for (const [title, { zone, fallthrough, cases }] of Object.entries(tables)) {
  test(`answers with ${title}`, { skip: withoutDig }, async (t) => {
    const { at } = await zoneServer(t, { zone, beyond, yaml: extraYaml, ...(fallthrough && { fallthrough }) });
    await askAll(at, cases);
    await digAll(at, cases);
  });
}

test('namespaces selected by label come and go with their names', async (t) => {
  const { at, informers } = await zoneServer(t, { zone: { onlyListedNamespaces: true }, beyond, yaml: extraYaml });
  const rcode = async () => decode(await exchangeUdp(at, encodeQuestion({ name: idleName, type: 'A' }))).rcode;
  const idleName = `idle.shop.svc.${domain}`;
  assert.equal(await rcode(), 'NOERROR');
  const shop = informers.namespaces.get('shop') as Namespace;
  informers.namespaces.remove('shop');
  assert.equal(await rcode(), nxdomain);
  informers.namespaces.put(shop);
  assert.equal(await rcode(), 'NOERROR');
});

test('a Service that is ignored while it is empty is there as soon as an endpoint is ready', async (t) => {
  const { at, informers } = await zoneServer(t, { zone: { ignoreEmptyServices: true }, beyond, yaml: extraYaml });
  const ask = async () =>
    decode(await exchangeUdp(at, encodeQuestion({ name: `idle.shop.svc.${domain}`, type: 'A', ednsBytes: 1232 })));
  assert.equal(extendedErrorOf(await ask()), '0 Service shop/idle exists, 0 of 1 endpoints are ready');
  const slice = informers.endpointSlices.get('shop/idle-1')!;
  const endpoints = slice.endpoints.map((endpoint) => ({ ...endpoint, conditions: { ready: true } }));
  informers.endpointSlices.put({ ...slice, endpoints } satisfies EndpointSlice);
  assert.equal((await ask()).rcode, 'NOERROR');
});

test('without endpoints (noendpoints) headless Services are not there, and it is said why', async (t) => {
  const yaml = extraYaml.replaceAll('kind: EndpointSlice', 'kind: Other');
  const { at } = await zoneServer(t, { zone: { withoutEndpoints: true }, beyond, yaml });
  await askAll(at, [web(), idle, { ask: 'db.shop.svc A', rcode: nxdomain }]);
  const question = encodeQuestion({ name: `db.shop.svc.${domain}`, type: 'A', ednsBytes: 1232 });
  assert.equal(
    extendedErrorOf(decode(await exchangeUdp(at, question))),
    '0 Service shop/db exists, and its endpoints are not known here (noendpoints)',
  );
});
