import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { UsageError } from '../../base/errors.ts';
import { silentLogger } from '../../base/log.ts';
import type { Client } from '../../client/mod.ts';
import { ConfigMap, EndpointSlice, Namespace, Pod, Service } from '../../kube/mod.ts';
import { type DnsOptions, startDns } from '../start-dns.ts';
import { testApi } from '../testing/corefile-server.ts';
import { answerTo, fakeUpstream, type UpstreamQuestion } from '../testing/fake-upstream.ts';
import { renderReport } from './render.ts';
import type { Report } from './report.ts';
import { explainLookup, type WhyOptions } from './why.ts';

const port = { name: 'http', port: 80 };

/** A cluster with a Pod to ask from, in an API server in this process. */
async function cluster(t: TestContext) {
  const { client } = await testApi(t);
  await client.create(Namespace, { metadata: { name: 'shop' } });
  await client.create(Service, {
    metadata: { namespace: 'kube-system', name: 'kube-dns' },
    spec: { clusterIP: '10.96.0.10', ports: [{ name: 'dns', port: 53, protocol: 'UDP' }] },
  });
  await service(client, 'default/www', { clusterIP: '10.96.1.1' });
  await service(client, 'shop/cart', { clusterIP: '10.96.1.2' });
  await service(client, 'default/db', { clusterIP: 'None', selector: { app: 'db' } });
  await pod(client, 'client', {});
  return client;
}

async function service(client: Client, key: string, spec: object): Promise<void> {
  const [namespace, name] = key.split('/');
  await client.create(Service, {
    metadata: { namespace, name } as Service['metadata'],
    spec: { ports: [port], ...spec },
  });
}

async function pod(client: Client, name: string, spec: object, labels: Record<string, string> = {}): Promise<void> {
  await client.create(Pod, {
    metadata: { namespace: 'default', name, labels },
    spec: { containers: [{ name: 'main', image: 'image' }], ...spec },
  });
}

/** The server under question, over the same API server; it knows what was there when it started. */
async function serverOf(t: TestContext, client: Client, options: Partial<DnsOptions> = {}) {
  const server = await startDns({
    client,
    clock: systemClock,
    log: silentLogger,
    options: { listen: [{ address: '127.0.0.1', port: 0 }], upstreams: [], ...options },
  });
  t.after(() => server.stop());
  await server.synced;
  return `127.0.0.1:${server.addresses[0]!.port}`;
}

async function why(name: string, options: Partial<WhyOptions>): Promise<Report> {
  let id = 0;
  return explainLookup({
    name,
    clock: systemClock,
    newId: () => id++,
    timeoutMs: 30_000,
    resolvConf: { path: '/etc/resolv.conf', text: 'nameserver 192.0.2.53\nsearch example.com\n' },
    ...options,
  });
}

/** `web.default.svc.cluster.local A no-name: No Service web …` */
const lines = ({ steps }: Report): string[] =>
  steps.flatMap(({ name, questions }) =>
    questions.map(
      ({ type, outcome, reason }) => `${name} ${type} ${outcome}${reason === undefined ? '' : `: ${reason}`}`,
    ),
  );

test('every name of a Pod’s search list is asked for and explained, until one has records', async (t) => {
  const client = await cluster(t);
  const server = await serverOf(t, client);
  const report = await why('cart.shop', { client, from: 'default/client', server, types: ['A'] });
  assert.deepEqual(lines(report), [
    'cart.shop.default.svc.cluster.local A no-name: No Service shop in namespace default',
    'cart.shop.svc.cluster.local A found',
  ]);
  assert.deepEqual(report.client, {
    source: 'Pod default/client (dnsPolicy ClusterFirst)',
    nameservers: [server],
    searches: ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
    options: ['ndots:5'],
  });
  assert.deepEqual(report.result.records, ['cart.shop.svc.cluster.local. 5 IN A 10.96.1.2']);
  assert.deepEqual(report.next, []);
  assert.deepEqual(
    report.steps.map(({ questions }) => questions.map(({ origin }) => origin)),
    [['kubernetes'], ['kubernetes']],
  );
});

test('a name that is not there: what was meant, and what to do next', async (t) => {
  const client = await cluster(t);
  const upstream = await fakeUpstream(t, (question) => question.reply(answerTo(question, { rcode: 3 })));
  const server = await serverOf(t, client, { upstreams: [`127.0.0.1:${upstream.port}`] });
  const report = await why('web', { client, from: 'default/client', server });
  const reasons = [
    'web.default.svc.cluster.local A no-name: No Service web in namespace default; did you mean default/www?',
    'web.svc.cluster.local A no-name: No namespace web',
    'web.cluster.local A no-name: Names of the cluster end in svc or pod before its domain',
    'web A no-name',
  ];
  assert.deepEqual(
    lines(report).filter((line) => / A /.test(line)),
    reasons,
  );
  assert.equal(report.steps.at(-1)!.questions[0]!.origin, `forward 127.0.0.1:${upstream.port}`);
  assert.equal(report.result.outcome, 'no-name');
  assert.deepEqual(report.next, ['See which Services there are: kubectl -n default get services']);
});

test('the next step leads to what keeps the name from working', async (t) => {
  const client = await cluster(t);
  await service(client, 'default/bare', { clusterIP: 'None' });
  await pod(client, 'db-0', { hostname: 'db-0', subdomain: 'db' }, { app: 'db' });
  await pod(client, 'db-1', { hostname: 'db-1', subdomain: 'other' }, { app: 'db' });
  await pod(client, 'db-2', { hostname: 'db-2', subdomain: 'db' });
  const waiting = await client.get(Pod, 'db-0', { namespace: 'default' });
  const state = { waiting: { reason: 'ImagePullBackOff' } };
  const status = { name: 'main', ready: false, restartCount: 0, image: 'image', imageID: '', state };
  await client.updateStatus(Pod, {
    ...waiting,
    status: { phase: 'Pending', containerStatuses: [status] } as unknown as Pod['status'],
  });
  const server = await serverOf(t, client);
  const failing = [/^Ask the resolvers that it names/];
  const table: [string, RegExp[]][] = [
    ['cart', [/^Service cart is in namespace shop: ask for cart\.shop$/]],
    [
      'db',
      [
        /^Pod default\/db-0 is not ready: container main is waiting: ImagePullBackOff$/,
        /^Pod default\/db-1 is not ready: phase Pending$/,
        /^kubectl -n default describe pod db-0$/,
      ],
    ],
    ['bare', [/^It has no selector: .* -l kubernetes\.io\/service-name=bare$/]],
    ['client', [/^There is a Pod default\/client, but a Pod has a name only below a headless Service/]],
    [
      'db-0.db',
      [
        /^Pod default\/db-0 is not ready: container main is waiting: ImagePullBackOff$/,
        /publishNotReadyAddresses of Service db$/,
      ],
    ],
    ['db-1.db', [/^Pod default\/db-1 has names below .*: "other", not "db"/]],
    ['db-2.db', [/^Pod default\/db-2 does not have the labels that Service db selects/]],
    ['db-3.db', [/^There is no Pod db-3: kubectl -n default get pods$/]],
    ['_x._tcp.www', [/^See its ports and endpoints: kubectl -n default describe service www$/]],
  ];
  for (const [name, next] of table) {
    const report = await why(name, { client, from: 'default/client', server, types: ['A'] });
    const wanted = [...failing, ...next];
    assert.equal(report.next.length, wanted.length, `${name}: ${report.next.join('\n')}`);
    for (const [index, pattern] of wanted.entries()) assert.match(report.next[index]!, pattern, name);
  }
});

/** A server that gives no reasons, as CoreDNS does not. */
const wordless = (t: TestContext, answer: (question: UpstreamQuestion) => Parameters<typeof answerTo>[1]) =>
  fakeUpstream(t, (question) => question.reply(answerTo(question, answer(question))));

test('of a server that gives no reasons the objects say them', async (t) => {
  const client = await cluster(t);
  const { port: number } = await wordless(t, () => ({ rcode: 3 }));
  const report = await why('web.default.svc.cluster.local.', {
    client,
    from: 'default/client',
    server: `127.0.0.1:${number}`,
    types: ['A'],
  });
  assert.deepEqual(lines(report), [
    'web.default.svc.cluster.local A no-name: No Service web in namespace default; did you mean default/www?',
  ]);
  assert.equal(report.steps[0]!.questions[0]!.extendedError, undefined);
});

test('an answer that is not what the API server has is told apart', async (t) => {
  const client = await cluster(t);
  const { port: number } = await wordless(t, ({ decoded }) =>
    decoded.questions![0]!.name.startsWith('www') ? { rcode: 3 } : { addresses: ['10.96.9.9'] },
  );
  const asked = { client, server: `127.0.0.1:${number}`, types: ['A'] };
  const missing = await why('www.default.svc.cluster.local.', asked);
  assert.equal(missing.steps[0]!.questions[0]!.expected, 'www.default.svc.cluster.local. 5 IN A 10.96.1.1');
  assert.match(missing.next[0]!, /does not answer what the API server has/);
  const wrong = await why('cart.shop.svc.cluster.local.', asked);
  assert.equal(wrong.result.outcome, 'found');
  assert.equal(wrong.steps[0]!.questions[0]!.expected, 'cart.shop.svc.cluster.local. 5 IN A 10.96.1.2');
  const elsewhere = await why('mail.example.com.', asked);
  assert.equal(elsewhere.steps[0]!.questions[0]!.expected, undefined);
});

test('the servers’ Corefile says what the cluster’s names are', async (t) => {
  const client = await cluster(t);
  const Corefile =
    '.:53 {\n kubernetes example.org in-addr.arpa {\n pods disabled\n fallthrough in-addr.arpa\n }\n autopath @kubernetes\n}\n';
  await client.create(ConfigMap, { metadata: { namespace: 'kube-system', name: 'coredns' }, data: { Corefile } });
  const { port: number } = await wordless(t, () => ({ rcode: 3 }));
  const asked = { client, from: 'default/client', server: `127.0.0.1:${number}`, types: ['A'] };
  const report = await why('10-244-1-1.default.pod', asked);
  assert.deepEqual(report.client.searches, ['default.svc.example.org', 'svc.example.org', 'example.org']);
  assert.ok(
    lines(report).includes('10-244-1-1.default.pod.example.org A no-name: Pod records are disabled (pods disabled)'),
  );
  assert.match(report.notes[0]!, /^The servers search themselves \(autopath\)/);
  const reverse = await why('203.0.113.1', asked);
  assert.equal(reverse.steps[0]!.name, '1.113.0.203.in-addr.arpa');
  assert.equal(reverse.steps[0]!.questions[0]!.expected, undefined, 'it falls through to others');
  const wrong = {
    ...(await client.get(ConfigMap, 'coredns', { namespace: 'kube-system' })),
    data: { Corefile: '. {\n nonsense\n}' },
  };
  await client.update(ConfigMap, wrong);
  const { notes } = await why('web.', asked);
  assert.match(notes[0]!, /cannot be read, defaults are assumed: .*line 2: unknown directive 'nonsense'/);
});

test('silence and failure are neither yes nor no', async (t) => {
  const dead = await fakeUpstream(t, () => {});
  const failing = await wordless(t, () => ({ rcode: 2 }));
  const good = await wordless(t, () => ({ addresses: ['192.0.2.7'] }));
  const ask = (timeoutMs: number, port: number) =>
    why('www.example.com.', { server: `127.0.0.1:${port}`, timeoutMs, types: ['A'] });
  const silent = await ask(20, dead.port);
  assert.equal(silent.result.outcome, 'silent');
  assert.equal(dead.questions.length, 2, 'a datagram may be lost: it is asked twice');
  assert.match(silent.next[0]!, /See whether a DNS server is ready/);
  const failed = await ask(30_000, failing.port);
  assert.equal(failed.result.outcome, 'failed');
  const found = await ask(30_000, good.port);
  assert.deepEqual(found.result.records, ['www.example.com. 60 IN A 192.0.2.7']);
});

test('an answer that was cut is fetched over TCP', async (t) => {
  const client = await cluster(t);
  const endpoints = Array.from({ length: 100 }, (_, index) => ({ addresses: [`10.244.1.${index + 1}`] }));
  await client.create(EndpointSlice, {
    metadata: { namespace: 'default', name: 'db-1', labels: { 'kubernetes.io/service-name': 'db' } },
    addressType: 'IPv4',
    endpoints,
    ports: [port],
  });
  const server = await serverOf(t, client);
  const report = await why('db', { client, from: 'default/client', server, types: ['A'] });
  const [asked] = report.steps[0]!.questions;
  assert.equal(asked!.transport, 'tcp');
  assert.equal(asked!.records.length, 100);
  assert.equal(asked!.expected, undefined);
});

test('what cannot be looked at is said, and a Pod that is not there is a mistake', async (t) => {
  const client = await cluster(t);
  const { port: number } = await wordless(t, () => ({ rcode: 3 }));
  const server = `127.0.0.1:${number}`;
  const report = await why('www', { server });
  assert.deepEqual(report.notes, ["The API server is not known: there are only the DNS server's own words"]);
  assert.deepEqual(
    report.steps.map(({ name }) => name),
    ['www.example.com', 'www'],
  );
  await assert.rejects(why('www', { from: 'default/client', server }), UsageError);
  await assert.rejects(why('www', { client, from: 'default/gone', server }), /there is no such Pod/);
  await assert.rejects(why('www', { client, server: 'nowhere' }), UsageError);
  const refusing = new Proxy(client, {
    get: (target, name: keyof Client) =>
      name === 'list' ? () => Promise.reject(new Error('services is forbidden')) : target[name].bind(target as never),
  });
  const refused = await why('www', { client: refusing, server, types: ['A'] });
  assert.deepEqual(refused.notes, ["The API server's objects cannot be had: services is forbidden"]);
});

test('a Pod’s dnsPolicy and dnsConfig are followed', async (t) => {
  const client = await cluster(t);
  const { port: number } = await wordless(t, () => ({ addresses: ['192.0.2.1'] }));
  const server = `127.0.0.1:${number}`;
  const dnsConfig = {
    nameservers: ['192.0.2.9'],
    searches: ['corp.example'],
    options: [{ name: 'ndots', value: '1' }],
  };
  await pod(client, 'own', { dnsPolicy: 'None', dnsConfig });
  await pod(client, 'node', { dnsPolicy: 'Default' });
  const own = await why('www', { client, from: 'default/own', server });
  assert.deepEqual(own.client.searches, ['corp.example']);
  assert.equal(own.result.name, 'www.corp.example');
  const asNode = await why('www', { client, from: 'default/node', server });
  assert.deepEqual(asNode.client.searches, ['example.com']);
  assert.match(asNode.notes.at(-1)!, /which the API does not tell/);
});

test('people read this', async (t) => {
  const client = await cluster(t);
  const server = await serverOf(t, client);
  const text = renderReport(await why('www.dfault', { client, from: 'default/client', server, types: ['A', 'AAAA'] }));
  assert.equal(
    text.replaceAll(server, 'SERVER'),
    `Name:    www.dfault (A, AAAA)
Client:  Pod default/client (dnsPolicy ClusterFirst): search default.svc.cluster.local, search svc.cluster.local, search cluster.local, ndots:5
Servers: SERVER

1. www.dfault.default.svc.cluster.local (with default.svc.cluster.local)
   A, AAAA: no such name (NXDOMAIN) from SERVER, kubernetes, extended error 0
      No Service dfault in namespace default

2. www.dfault.svc.cluster.local (with svc.cluster.local)
   A, AAAA: no such name (NXDOMAIN) from SERVER, kubernetes, extended error 0
      No namespace dfault; did you mean default?

3. www.dfault.cluster.local (with cluster.local)
   A, AAAA: no such name (NXDOMAIN) from SERVER, kubernetes, extended error 0
      Names of the cluster end in svc or pod before its domain

4. www.dfault (as it stands)
   A, AAAA: SERVFAIL from SERVER, server, extended error 22
      no upstream resolver is known

The client gets a failure that may pass (SERVFAIL, "Temporary failure in name resolution"), after 4 names.
Next: Ask the resolvers that it names from the DNS server's node; which they are stands in the Corefile's forward
Next: Service www is in namespace default: ask for www.default
Note: The search domains of the node's own resolv.conf, which stand last in the Pod's list, are not in the API
`,
  );
  const found = renderReport(await why('www', { client, from: 'default/client', server, types: ['A', 'AAAA'] }));
  assert.match(
    found,
    /A: 1 record from \S+, kubernetes\n {6}www\.default\.svc\.cluster\.local\. 5 IN A 10\.96\.1\.1\n {3}AAAA: no such record \(NODATA\) from .*\n {6}Service default\/www has no IPv6 address: 10\.96\.1\.1\n\nThe client gets the records of www\.default/,
  );
});
