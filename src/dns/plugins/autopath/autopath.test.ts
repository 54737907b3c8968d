import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { Pod } from '../../../kube/mod.ts';
import { addressRecord, encodeReadyAnswer, keyText, responseCodes, wireOf } from '../../../wire/dns/mod.ts';
import { codeOnly } from '../../chain/mod.ts';
import type { Answer, Handler } from '../../chain/port.ts';
import { withoutDig } from '../../testing/answer-table.ts';
import { corefileServer, testApi } from '../../testing/corefile-server.ts';
import { clusterYaml } from '../../testing/fixture.ts';
import { decode, encodeQuestion, exchangeUdp, zoneLines } from '../../testing/stub-client.ts';
import { until } from '../../testing/until.ts';
import { zoneServer } from '../../testing/zone-server.ts';
import { zoneUpstream } from '../../testing/zone-upstream.ts';
import { PodOwners } from '../../zone/mod.ts';
import { createAutopathPlugin, PodSearch, settlingMs } from './mod.ts';

/** Loopback's addresses stand for Pods: whoever asks from 127.0.0.2 is the Pod that has it. */
const podsYaml = `
---
kind: Service
metadata: { namespace: two, name: only-two }
spec: { type: ClusterIP, clusterIP: 10.96.2.2, ports: [] }
---
kind: Pod
metadata: { namespace: default, name: a, uid: a }
spec: {}
status: { phase: Running, podIP: 127.0.0.2, startTime: '2026-01-01T00:00:00Z' }
---
kind: Pod
metadata: { namespace: two, name: b, uid: b }
spec: { dnsConfig: { searches: [extra.example] } }
status: { phase: Running, podIP: 127.0.0.3, startTime: '2026-01-01T00:00:00Z' }
---
kind: Pod
metadata: { namespace: two, name: host, uid: h }
spec: { hostNetwork: true }
status: { phase: Running, podIP: 127.0.0.4, startTime: '2026-01-01T00:00:00Z' }
---
kind: Pod
metadata: { namespace: two, name: ended, uid: e }
spec: {}
status: { phase: Succeeded, podIP: 127.0.0.5, startTime: '2026-01-01T00:00:00Z' }
`;

/** Names outside of the cluster: `www.example` and what it needs to be asked at other places of the list. */
const outside: Readonly<Record<string, string>> = {
  'www.example.': '192.0.2.1',
  'db.corp.internal.': '192.0.2.2',
  'db.extra.example.': '192.0.2.3',
  'db.': '192.0.2.9',
};

const beyond =
  (asked: string[]): Handler =>
  ({ query }): Answer => {
    const name = keyText(query.key);
    asked.push(name);
    if (name.startsWith('broken.')) return codeOnly(responseCodes.ServFail);
    const data = outside[name];
    if (!data) return codeOnly(responseCodes.NXDomain);
    const records = [addressRecord(wireOf(query.key), Uint8Array.from(data.split('.'), Number), 60)];
    const answer = encodeReadyAnswer(wireOf(query.key), query.type === 1 ? records : []);
    const response = { rcode: responseCodes.NoError, authoritative: false, recursionAvailable: true, answer };
    return { kind: 'ready', response };
  };

async function searchServer(t: TestContext, options: { beyond?: Handler; isCurrent?: () => boolean } = {}) {
  const asked: string[] = [];
  const clock = { nowMs: Date.UTC(2026, 0, 2) };
  const owners = new PodOwners(() => clock.nowMs);
  let found = 0;
  const search = new PodSearch({
    owners,
    domains: ['cluster.local'],
    isCurrent: options.isCurrent ?? (() => true),
    now: () => clock.nowMs,
  });
  search.readHost('search kube-system.svc.cluster.local svc.cluster.local cluster.local corp.internal\n');
  const { at, informers } = await zoneServer(t, {
    yaml: clusterYaml + podsYaml,
    beyond: options.beyond ?? beyond(asked),
    isSynced: options.isCurrent ?? (() => true),
    before: ({ pods }) => {
      pods.onChange((change) => owners.apply(change));
      return [createAutopathPlugin({ zones: ['.'], source: search.source, onFound: () => found++ })];
    },
  });
  const ask = async (name: string, from: string, type = 'A') => {
    const answer = decode(await exchangeUdp(at, encodeQuestion({ name, type, ednsBytes: 1232 }), from));
    return [answer.rcode, ...zoneLines(answer.answers)];
  };
  return { at, informers, ask, asked, clock, found: () => found };
}

const own = 'default.svc.cluster.local';
const alias = (name: string, of: string) => `${name}. 60 IN CNAME ${of}.`;

test('a Pod’s names are looked for in its list, up to the first that exists', async (t) => {
  const { ask, found } = await searchServer(t);
  const table: [string, string, string[]][] = [
    [`web.${own}`, 'A', ['NOERROR', `web.${own}. 5 IN A 10.96.1.1`]],
    [
      `kube-dns.kube-system.${own}`,
      'A',
      [
        'NOERROR',
        `kube-dns.kube-system.${own}. 5 IN CNAME kube-dns.kube-system.svc.cluster.local.`,
        'kube-dns.kube-system.svc.cluster.local. 5 IN A 10.96.0.10',
      ],
    ],
    [
      `dual.default.svc.${own}`,
      'AAAA',
      [
        'NOERROR',
        `dual.default.svc.${own}. 5 IN CNAME dual.default.svc.cluster.local.`,
        'dual.default.svc.cluster.local. 5 IN AAAA fd00:96::2',
      ],
    ],
    [
      `www.example.${own}`,
      'A',
      ['NOERROR', alias(`www.example.${own}`, 'www.example'), 'www.example. 60 IN A 192.0.2.1'],
    ],
    // It exists, with nothing of that type: the client must not look on.
    [`www.example.${own}`, 'AAAA', ['NOERROR']],
    [`web.${own}`, 'AAAA', ['NOERROR']],
    // The nodes' own domain comes before the root.
    [
      `db.corp.internal.${own}`,
      'A',
      ['NOERROR', alias(`db.corp.internal.${own}`, 'db.corp.internal'), 'db.corp.internal. 60 IN A 192.0.2.2'],
    ],
    [`gone.example.${own}`, 'A', ['NXDOMAIN']],
    [own, 'A', ['NOERROR']],
    ['www.example', 'A', ['NOERROR', 'www.example. 60 IN A 192.0.2.1']],
    ['gone.svc.cluster.local', 'A', ['NXDOMAIN']],
  ];
  for (const [name, type, wanted] of table)
    assert.deepEqual(await ask(name, '127.0.0.2', type), wanted, `${name} ${type}`);
  assert.equal(found(), 5);
});

test('the list goes by its order: the node’s domain, those of the Pod itself, the root', async (t) => {
  const { ask, asked } = await searchServer(t);
  assert.deepEqual(await ask('nowhere.two.svc.cluster.local', '127.0.0.3'), ['NXDOMAIN']);
  assert.deepEqual(asked, ['nowhere.corp.internal.', 'nowhere.extra.example.', 'nowhere.']);
  assert.deepEqual(await ask('db.two.svc.cluster.local', '127.0.0.3'), [
    'NOERROR',
    alias('db.two.svc.cluster.local', 'db.corp.internal'),
    'db.corp.internal. 60 IN A 192.0.2.2',
  ]);
});

test('a failure further on leaves the first answer: the client goes on by itself', async (t) => {
  const { ask, asked } = await searchServer(t);
  assert.deepEqual(await ask(`broken.${own}`, '127.0.0.2'), ['NXDOMAIN']);
  assert.deepEqual(asked, ['broken.corp.internal.']);
});

test('nobody is searched for but the one Pod that has the address, in its own namespace', async (t) => {
  const { ask } = await searchServer(t);
  const table: [string, string, string][] = [
    ['a stranger', '127.0.0.9', `www.example.${own}`],
    ['a Pod in the host’s network', '127.0.0.4', 'www.example.two.svc.cluster.local'],
    ['a Pod that has ended', '127.0.0.5', 'www.example.two.svc.cluster.local'],
    ['a Pod of another namespace', '127.0.0.3', `www.example.${own}`],
  ];
  for (const [title, from, name] of table) assert.deepEqual(await ask(name, from), ['NXDOMAIN'], title);
});

test('a name of the server’s own namespace is not in other Pods’ lists', async (t) => {
  const { ask } = await searchServer(t);
  assert.deepEqual(await ask(`kube-dns.${own}`, '127.0.0.2'), ['NXDOMAIN']);
});

const movedPod = (uid: string, namespace: string, more: object = {}): Pod =>
  ({
    kind: 'Pod',
    metadata: { namespace, name: uid, uid, ...more },
    spec: {},
    status: { phase: 'Running', podIP: '127.0.0.2', startTime: '2026-01-01T00:00:00Z' },
  }) as unknown as Pod;

test('an address that goes to another Pod: none of the old names, and the new ones once all servers know', async (t) => {
  const { ask, informers, clock } = await searchServer(t);
  const foreign = 'only-two.two.svc.cluster.local';
  const searched = ['NOERROR', `only-two.two.${own}. 5 IN CNAME ${foreign}.`, `${foreign}. 5 IN A 10.96.2.2`];
  assert.deepEqual(await ask(`only-two.two.${own}`, '127.0.0.2'), searched);
  // The new one is heard of first.
  informers.pods.put(movedPod('c', 'two', { deletionTimestamp: '2026-01-02T00:00:00Z' }));
  informers.pods.put(movedPod('c', 'two'));
  assert.deepEqual(await ask(`only-two.two.${own}`, '127.0.0.2'), ['NXDOMAIN'], 'two claim it');
  informers.pods.put(movedPod('a', 'default', { deletionTimestamp: '2026-01-02T00:00:00Z' }));
  assert.deepEqual(await ask(`only-two.two.${own}`, '127.0.0.2'), ['NXDOMAIN'], 'it is no Pod’s of that namespace');
  assert.deepEqual(await ask('www.example.two.svc.cluster.local', '127.0.0.2'), ['NXDOMAIN'], 'it is too young');
  clock.nowMs += settlingMs;
  assert.deepEqual(await ask('www.example.two.svc.cluster.local', '127.0.0.2'), [
    'NOERROR',
    alias('www.example.two.svc.cluster.local', 'www.example'),
    'www.example. 60 IN A 192.0.2.1',
  ]);
});

test('an address that changes hands while a resolver is asked: the answer is not given to the next one', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const asked: string[] = [];
  const slow: Handler = async (question) => {
    const answer = await beyond(asked)(question);
    await promise;
    return answer;
  };
  const { ask, informers, found } = await searchServer(t, { beyond: slow });
  const answer = ask(`www.example.${own}`, '127.0.0.2');
  await until(() => asked.length === 1);
  informers.pods.remove('default/a');
  informers.pods.put(movedPod('a', 'default'));
  resolve();
  assert.deepEqual(await answer, ['NXDOMAIN'], 'a Pod of the same name and namespace is another one all the same');
  assert.equal(found(), 0);
});

test('nothing is searched for before the cluster is listed, or once the API server is away', async (t) => {
  let isCurrent = false;
  const { ask } = await searchServer(t, { isCurrent: () => isCurrent });
  assert.deepEqual(await ask(`www.example.${own}`, '127.0.0.2'), ['SERVFAIL']);
  isCurrent = true;
  assert.equal((await ask(`www.example.${own}`, '127.0.0.2'))[0], 'NOERROR');
});

test('dig sees the alias and follows it', { skip: withoutDig }, async (t) => {
  const { at } = await searchServer(t);
  const words = [
    '-b',
    '127.0.0.2',
    `@${at.address}`,
    '-p',
    String(at.port),
    '+noall',
    '+comments',
    '+answer',
    `www.example.${own}`,
  ];
  for (const transport of ['+notcp', '+tcp']) {
    const { stdout } = await promisify(execFile)('dig', [transport, ...words]);
    assert.match(stdout, /status: NOERROR/);
    assert.match(stdout, /^www\.example\.default\.svc\.cluster\.local\.\s+60\s+IN\s+CNAME\s+www\.example\.$/m);
    assert.match(stdout, /^www\.example\.\s+60\s+IN\s+A\s+192\.0\.2\.1$/m);
    assert.doesNotMatch(stdout, /malformed|extra bytes|mismatch/i);
  }
});

test('a Corefile’s autopath @kubernetes follows the cluster’s Pods, whatever its mode of Pod records', async (t) => {
  const { client, connect } = await testApi(t);
  const upstream = await zoneUpstream(t, [{ name: 'www.example', type: 'A', ttl: 60, data: '192.0.2.8' }]);
  const metadata = { namespace: 'default', name: 'client' };
  const created = await client.create(Pod, { metadata, spec: { containers: [{ name: 'c', image: 'i' }] } } as Pod);
  const status = {
    phase: 'Running' as const,
    podIP: '127.0.0.1',
    podIPs: [{ ip: '127.0.0.1' }],
    startTime: '2026-01-01T00:00:00Z',
  };
  await client.updateStatus(Pod, { ...created, status });
  const { ask } = await corefileServer(
    t,
    `.:0 {
  bind 127.0.0.1
  autopath @kubernetes
  kubernetes cluster.local
  forward . ${upstream.address}:${upstream.port}
}
`,
    { connect },
  );
  assert.deepEqual(zoneLines((await ask(`www.example.${own}`)).answers), [
    alias(`www.example.${own}`, 'www.example'),
    'www.example. 60 IN A 192.0.2.8',
  ]);
  assert.equal((await ask('www.example.kube-system.svc.cluster.local')).rcode, 'NXDOMAIN');
});

test('autopath of a file: one list for everybody, what is found kept by the cache under its own name', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'autopath-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'resolv.conf');
  writeFileSync(file, 'nameserver 192.0.2.53\nsearch first.test second.test\n');
  const upstream = await zoneUpstream(t, [
    { name: 'www.second.test', type: 'A', ttl: 60, data: '192.0.2.7' },
    { name: 'www.example', type: 'A', ttl: 60, data: '192.0.2.8' },
  ]);
  const { server, ask } = await corefileServer(
    t,
    `.:0 {
  bind 127.0.0.1
  prometheus 127.0.0.1:0
  autopath first.test ${file}
  cache 30
  forward . ${upstream.address}:${upstream.port}
}
`,
  );
  for (let round = 0; round < 2; round++) {
    const lines = zoneLines((await ask('www.first.test')).answers).map((line) => line.replace(/ \d+ IN/, ' IN'));
    assert.deepEqual(lines, ['www.first.test. IN CNAME www.second.test.', 'www.second.test. IN A 192.0.2.7']);
    assert.deepEqual(
      zoneLines((await ask('www.example.first.test')).answers).map((line) => line.split(' ')[0]),
      ['www.example.first.test.', 'www.example.'],
    );
    assert.equal((await ask('gone.first.test')).rcode, 'NXDOMAIN');
    assert.equal((await ask('www.other.test')).rcode, 'NXDOMAIN');
  }
  const names = upstream.questions.map(({ decoded }) => decoded.questions![0]!.name);
  for (const kept of ['www.second.test', 'www.example']) {
    assert.equal(names.filter((name) => name === kept).length, 1, `${kept} is asked once, and then kept`);
  }
  const port = await server.portOf({ host: '127.0.0.1', port: 0 });
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  assert.match(metrics, /^coredns_autopath_success_total\{server="dns:\/\/127\.0\.0\.1:0"\} 4$/m);
});
