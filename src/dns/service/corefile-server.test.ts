import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { UsageError } from '../../base/errors.ts';
import { Namespace, Service } from '../../kube/mod.ts';
import { corefileServer, onlyAddress, ownLoopback, testApi } from '../testing/corefile-server.ts';
import { kubeadmCorefile } from '../testing/corefiles.ts';
import { answerTo, type FakeUpstream, fakeUpstream } from '../testing/fake-upstream.ts';
import { decode, encodeQuestion, exchangeTcp, extendedErrorOf, zoneLines } from '../testing/stub-client.ts';
import { until } from '../testing/until.ts';
import { machineFiles } from './file-source.ts';

const upstream = (t: TestContext, address: string) =>
  fakeUpstream(t, (question) => question.reply(answerTo(question, { addresses: [address] })));
const placeOf = ({ address, port }: FakeUpstream) => `${address}:${port}`;
const page = async (port: number | undefined, at: string) => {
  const response = await fetch(`http://127.0.0.1:${port}${at}`);
  return [response.status, await response.text()] as const;
};

test("kubeadm's Corefile runs as it is, on port 53", async (t) => {
  const { connect } = await testApi(t);
  // But for the machine's own resolvers: `loop` would ask them.
  const text = kubeadmCorefile.replace('/etc/resolv.conf', '/nonexistent/resolv.conf');
  const { server, ask } = await corefileServer(t, text, {
    connect,
    interfaces: onlyAddress(ownLoopback),
  });
  assert.deepEqual(server.addresses, [{ address: ownLoopback, port: 53 }]);
  assert.equal(server.ready, true);
  const answer = await ask('kubernetes.default.svc.cluster.local');
  assert.deepEqual(zoneLines(answer.answers), ['kubernetes.default.svc.cluster.local. 30 IN A 10.96.0.1']);
  assert.equal((await ask('gone.default.svc.cluster.local')).rcode, 'NXDOMAIN');
  const reverse = zoneLines((await ask('1.0.96.10.in-addr.arpa', 'PTR')).answers);
  assert.deepEqual(reverse, ['1.0.96.10.in-addr.arpa. 30 IN PTR kubernetes.default.svc.cluster.local.']);
  const pod = zoneLines((await ask('10-244-1-7.default.pod.cluster.local')).answers);
  assert.deepEqual(pod, ['10-244-1-7.default.pod.cluster.local. 30 IN A 10.244.1.7']);
});

test('the cache keeps what others say, not what the cluster says, and tells of it', async (t) => {
  let asked = 0;
  const beyond = await fakeUpstream(t, (question) => {
    asked++;
    question.reply(answerTo(question, { addresses: ['192.0.2.7'] }));
  });
  const { connect } = await testApi(t);
  const { server, ask } = await corefileServer(
    t,
    `
.:0 {
  bind 127.0.0.1
  kubernetes cluster.local
  forward . ${placeOf(beyond)}
  cache 30
  prometheus 127.0.0.1:0
}
`,
    { connect },
  );
  for (let round = 0; round < 3; round++) {
    assert.equal((await ask('www.example.com')).answers?.length, 1);
    assert.equal((await ask('kubernetes.default.svc.cluster.local')).answers?.length, 1);
  }
  assert.equal(asked, 1);
  const [, metrics] = await page(await server.portOf({ host: '127.0.0.1', port: 0 }), '/metrics');
  for (const line of [
    /^coredns_cache_requests_total\{[^}]*\} 3$/m,
    /^coredns_cache_misses_total\{[^}]*\} 1$/m,
    /^coredns_cache_hits_total\{[^}]*type="success"[^}]*\} 2$/m,
    /^coredns_cache_entries\{[^}]*type="success"[^}]*\} 1$/m,
  ]) {
    assert.match(metrics, line);
  }
});

test('the longest zone answers, blocks on one port share its sockets, and what no block serves is refused', async (t) => {
  const [outer, inner, other] = [
    await upstream(t, '192.0.2.1'),
    await upstream(t, '192.0.2.2'),
    await upstream(t, '192.0.2.3'),
  ];
  const { server, ask } = await corefileServer(
    t,
    `
example.org:0 {
  bind 127.0.0.1
  forward . ${placeOf(outer)}
}
lab.example.org:0, 10.0.0.0/24:0 {
  bind 127.0.0.1
  forward . ${placeOf(inner)} {
    except not.lab.example.org
  }
  forward not.lab.example.org ${placeOf(other)}
}
`,
  );
  assert.equal(server.addresses.length, 1);
  const table: [string, string, string][] = [
    ['example.org', 'NOERROR', '192.0.2.1'],
    ['lab.example.org.example.org', 'NOERROR', '192.0.2.1'],
    ['LAB.Example.org', 'NOERROR', '192.0.2.2'],
    ['a.b.lab.example.org', 'NOERROR', '192.0.2.2'],
    ['www.not.lab.example.org', 'NOERROR', '192.0.2.3'],
    ['notlab.example.org', 'NOERROR', '192.0.2.1'],
    ['7.0.0.10.in-addr.arpa', 'NOERROR', '192.0.2.2'],
    ['7.1.0.10.in-addr.arpa', 'REFUSED', ''],
    ['example.com', 'REFUSED', ''],
    ['.', 'REFUSED', ''],
  ];
  for (const [name, rcode, address] of table) {
    const answer = await ask(name);
    const found = (answer.answers ?? []).map((record) => (record as { data: string }).data).join(' ');
    assert.deepEqual([answer.rcode, found], [rcode, address], name);
  }
});

test('lists of access, minimal answers and whoami, over UDP and TCP', async (t) => {
  const { server, ask } = await corefileServer(
    t,
    `
.:0 {
  bind 127.0.0.1
  acl blocked.example {
    allow type TXT
    block net 127.0.0.0/8
  }
  acl filtered.example {
    filter type AAAA net *
    block net 10.0.0.0/8
  }
  whoami
}
`,
  );
  const blocked = await ask('www.blocked.example');
  assert.deepEqual([blocked.rcode, extendedErrorOf(blocked)], ['REFUSED', '15 Blocked by the access list']);
  assert.equal((await ask('www.blocked.example', 'TXT')).rcode, 'NOERROR');
  const filtered = await ask('filtered.example', 'AAAA');
  assert.deepEqual([filtered.rcode, filtered.additionals?.length], ['NOERROR', 1]);
  assert.equal((await ask('filtered.example', 'A')).additionals?.length, 3);
  const [answer] = await exchangeTcp(server.addresses[0]!, encodeQuestion({ name: 'who.example', type: 'A' }));
  const [address, service] = zoneLines(decode(answer!).additionals);
  assert.equal(address, 'who.example. 0 IN A 127.0.0.1');
  assert.match(service!, /^_tcp\.who\.example\. 0 IN SRV 0 0 \d+ \.$/);
});

test('the options of kubernetes limit what can be seen', async (t) => {
  const { client, connect } = await testApi(t);
  const create = async (namespace: string, name: string, labels: Record<string, string>) => {
    await client.create(Service, {
      metadata: { namespace, name, labels },
      spec: { ports: [{ port: 80, name: 'http' }] },
    });
  };
  for (const [name, team] of [
    ['shop', 'a'],
    ['bank', 'b'],
  ] as const) {
    await client.create(Namespace, { metadata: { name, labels: { team } } });
    await create(name, 'web', { tier: 'front' });
    await create(name, 'db', { tier: 'back' });
  }
  const serving = async (...options: string[]) => {
    const text = `.:0 {\n bind 127.0.0.1\n kubernetes cluster.local other.local {\n${options.join('\n')}\n }\n}\n`;
    const { ask, server } = await corefileServer(t, text, { connect });
    const found: string[] = [];
    for (const name of ['web.shop', 'db.shop', 'web.bank']) {
      if ((await ask(`${name}.svc.cluster.local`)).rcode === 'NOERROR') found.push(name);
    }
    return { found, ask, server };
  };
  assert.deepEqual((await serving()).found, ['web.shop', 'db.shop', 'web.bank']);
  assert.deepEqual((await serving('namespaces shop')).found, ['web.shop', 'db.shop']);
  assert.deepEqual((await serving('labels tier=front')).found, ['web.shop', 'web.bank']);
  assert.deepEqual((await serving('ignore empty_service')).found, []);
  assert.deepEqual((await serving('ignore empty_service', 'noendpoints')).found, []);
  const { ask, found } = await serving('namespace_labels team=b', 'pods disabled');
  assert.deepEqual(found, ['web.bank']);
  assert.equal((await ask('web.bank.svc.other.local')).rcode, 'NOERROR');
  assert.equal((await ask('10-0-0-1.bank.pod.cluster.local')).rcode, 'NXDOMAIN');
  // A namespace that gets the label brings its Services along, and takes them away with it.
  const shop = await client.get(Namespace, 'shop');
  const labelled = await client.update(Namespace, { ...shop, metadata: { ...shop.metadata, labels: { team: 'b' } } });
  const rcodeOf = async (name: string) => (await ask(name)).rcode;
  await untilRcode(() => rcodeOf('web.shop.svc.cluster.local'), 'NOERROR');
  await client.update(Namespace, { ...labelled, metadata: { ...labelled.metadata, labels: {} } });
  await untilRcode(() => rcodeOf('web.shop.svc.cluster.local'), 'NXDOMAIN');
});

async function untilRcode(ask: () => Promise<string>, wanted: string): Promise<void> {
  let last = '';
  void (async () => {
    while (last !== wanted) last = await ask();
  })();
  await until(() => last === wanted);
}

test('reverse names are answered for the zones that are named, and fall through where that is said', async (t) => {
  const { connect } = await testApi(t);
  const outside = await upstream(t, '192.0.2.9');
  const serving = (zones: string, fallthrough: string) =>
    corefileServer(
      t,
      `.:0 {\n bind 127.0.0.1\n kubernetes ${zones} {\n${fallthrough}\n}\n forward . ${placeOf(outside)}\n}\n`,
      { connect },
    );
  const kinds = async ({ ask }: Awaited<ReturnType<typeof serving>>) => {
    const found: string[] = [];
    for (const name of ['1.0.96.10.in-addr.arpa', '9.0.96.10.in-addr.arpa', 'no.default.svc.cluster.local']) {
      const { answers = [], rcode } = await ask(name, 'PTR');
      found.push(answers[0]?.type ?? rcode);
    }
    return found;
  };
  // The upstream answers everything with an A record, which shows where an answer comes from.
  assert.deepEqual(await kinds(await serving('cluster.local', '')), ['A', 'A', 'NXDOMAIN']);
  assert.deepEqual(await kinds(await serving('cluster.local 10.96.0.0/16', '')), ['PTR', 'NXDOMAIN', 'NXDOMAIN']);
  assert.deepEqual(await kinds(await serving('cluster.local in-addr.arpa', 'fallthrough in-addr.arpa')), [
    'PTR',
    'A',
    'NXDOMAIN',
  ]);
  assert.deepEqual(await kinds(await serving('cluster.local in-addr.arpa', 'fallthrough')), ['PTR', 'A', 'A']);
});

test('until the cluster is listed there is silence for startup_timeout, then SERVFAIL, and /ready says who is waited for', async (t) => {
  const { connect } = await testApi(t);
  const gate = Promise.withResolvers<void>();
  const clock = new ManualClock();
  const late = () => {
    const client = connect();
    return new Proxy(client, {
      get: (target, name: keyof typeof client) =>
        name === 'list'
          ? async (...words: Parameters<typeof client.list>) => {
              await gate.promise;
              return target.list(...words);
            }
          : target[name].bind(target as never),
    });
  };
  const ready = { host: '127.0.0.1', port: 0 };
  const { server, ask } = await corefileServer(
    t,
    '.:0 {\n bind 127.0.0.1\n ready 127.0.0.1:0\n kubernetes cluster.local {\n startup_timeout 3s\n }\n}\n',
    { connect: late, clock, start: false },
  );
  const started = server.start();
  await until(() => server.portOf(ready) !== undefined);
  const port = await server.portOf(ready);
  assert.deepEqual(await page(port, '/ready'), [503, 'kubernetes']);
  assert.deepEqual(server.addresses, []);
  await clock.advance(3000);
  await started;
  assert.equal((await ask('kubernetes.default.svc.cluster.local')).rcode, 'SERVFAIL');
  assert.deepEqual(await page(port, '/ready'), [503, 'kubernetes']);
  gate.resolve();
  await until(() => server.ready);
  assert.deepEqual(await page(port, '/ready'), [200, 'OK']);
  assert.equal((await ask('kubernetes.default.svc.cluster.local')).rcode, 'NOERROR');
});

test('a stop answers on through the lame duck, no longer ready', async (t) => {
  const clock = new ManualClock();
  const at = { host: '127.0.0.1', port: 0 };
  const { server, ask } = await corefileServer(
    t,
    '.:0 {\n bind 127.0.0.1\n health 127.0.0.1:0 {\n lameduck 5s\n }\n whoami\n}\n',
    { clock },
  );
  const port = await server.portOf(at);
  const stopped = server.stop();
  assert.equal(server.ready, false);
  assert.equal((await ask('a.example')).rcode, 'NOERROR');
  assert.deepEqual(await page(port, '/health'), [200, 'OK']);
  await clock.advance(5000);
  await stopped;
  assert.equal(clock.pendingTimers, 0);
});

const answering = (address: string, more = '') =>
  `.:0 {\n bind 127.0.0.1\n errors\n prometheus 127.0.0.1:0\n acl {\n allow net 127.0.0.0/8\n }\n ${more}\n forward . ${address}\n}\n`;

test('a reload loses no query, however many there are meanwhile', async (t) => {
  const held: (() => void)[] = [];
  const replyToHeld = () => {
    for (const reply of held.splice(0)) reply();
  };
  let asked = 0;
  const slow = await fakeUpstream(t, (question) => {
    const reply = () => question.reply(answerTo(question, { addresses: ['192.0.2.1'] }));
    // Every other answer comes only after the chain that asked has been replaced.
    if (asked++ % 2 === 0) reply();
    else held.push(reply);
  });
  const fast = await upstream(t, '192.0.2.2');
  const { server, texts } = await corefileServer(t, answering(placeOf(slow)));
  const [at] = server.addresses;
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const answered = new Set<number>();
  socket.on('message', (message) => answered.add(message.readUInt16BE(0)));
  await new Promise<void>((resolve) => socket.connect(at!.port, at!.address, resolve));
  let sent = 0;
  const send = (count: number) => {
    for (let more = 0; more < count; more++) {
      socket.send(encodeQuestion({ name: `n${sent}.example`, type: 'A', id: sent }));
      sent++;
    }
  };
  for (let round = 0; round < 20; round++) {
    send(40);
    texts['/etc/coredns/Corefile'] = answering(placeOf(round % 2 === 0 ? fast : slow), round % 3 === 0 ? 'log' : '');
    const reloaded = server.reload();
    send(40);
    await reloaded;
    send(40);
    // The sockets of this process, which does it all, hold some 250 datagrams before the kernel drops one.
    await until(() => {
      replyToHeld();
      return sent - answered.size <= 40;
    });
  }
  await until(() => {
    replyToHeld();
    return answered.size === sent;
  });
  assert.deepEqual(server.addresses, [at]);
  assert.equal(server.metrics.failedReloads, 0);
});

test('a wrong Corefile is told and counted, and the former one answers on', async (t) => {
  const { server, texts, logs, ask } = await corefileServer(t, '.:0 {\n bind 127.0.0.1\n whoami\n}\n');
  texts['/etc/coredns/Corefile'] = '.:0 {\n bind 127.0.0.1\n whoareyou\n}\n';
  await server.reload();
  assert.equal(server.metrics.failedReloads, 1);
  assert.match(logs.at(-1)!, /Read Corefile: line 3: unknown directive 'whoareyou'/);
  assert.equal((await ask('a.example')).rcode, 'NOERROR');
  // An address that somebody else has: nothing changes either.
  const [at] = server.addresses;
  const text = `.:${at!.port} {\n bind 127.0.0.1\n acl {\n block\n }\n whoami\n}\n`;
  texts['/etc/coredns/Corefile'] = text;
  await server.reload();
  assert.equal(server.metrics.failedReloads, 2);
  assert.match(logs.at(-1)!, /EADDRINUSE/);
  assert.equal((await ask('a.example')).rcode, 'NOERROR');
  texts['/etc/coredns/Corefile'] = '.:0 {\n bind 127.0.0.1 127.0.0.2\n acl {\n block\n }\n whoami\n}\n';
  await server.reload();
  assert.equal((await ask('a.example')).rcode, 'REFUSED');
  assert.deepEqual(
    server.addresses.map(({ address }) => address),
    ['127.0.0.1', '127.0.0.2'],
  );
});

test('a reload that leaves kubernetes as it is keeps what is known, another one is waited for', async (t) => {
  const { client, connect } = await testApi(t);
  let connections = 0;
  const counting = () => {
    connections++;
    return connect();
  };
  const text = (ttl: number, more = '') =>
    `.:0 {\n bind 127.0.0.1\n ${more}\n kubernetes cluster.local {\n ttl ${ttl}\n }\n}\n`;
  const { server, texts, ask } = await corefileServer(t, text(5), { connect: counting });
  texts['/etc/coredns/Corefile'] = text(5, 'minimal');
  await server.reload();
  assert.equal(connections, 1);
  texts['/etc/coredns/Corefile'] = text(60);
  await server.reload();
  assert.equal(connections, 2);
  const answers = zoneLines((await ask('kubernetes.default.svc.cluster.local')).answers);
  assert.deepEqual(answers, ['kubernetes.default.svc.cluster.local. 60 IN A 10.96.0.1']);
  await client.create(Service, { metadata: { namespace: 'default', name: 'new' }, spec: { ports: [{ port: 1 }] } });
  await untilRcode(async () => (await ask('new.default.svc.cluster.local')).rcode, 'NOERROR');
});

test('the file is followed, through the links of a ConfigMap and into what it imports', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'signalbox-corefile-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const corefile = path.join(folder, 'Corefile');
  // As the kubelet has it: Corefile → ..data/Corefile, ..data → a folder that is replaced.
  const put = (version: string, action: string) => {
    const data = mkdtempSync(path.join(folder, `..${version}`));
    writeFileSync(
      path.join(data, 'Corefile'),
      '.:0 {\n bind 127.0.0.1\n reload 2s 0s\n import *.override\n whoami\n}\n',
    );
    writeFileSync(path.join(data, 'a.override'), `acl {\n ${action}\n}\n`);
    symlinkSync(data, path.join(folder, '..new'));
    renameSync(path.join(folder, '..new'), path.join(folder, '..data'));
  };
  put('1', 'allow');
  symlinkSync('..data/Corefile', corefile);
  symlinkSync('..data/a.override', path.join(folder, 'a.override'));
  const clock = new ManualClock();
  const { server, ask } = await corefileServer(t, '', { path: corefile, files: machineFiles({}), clock });
  assert.equal((await ask('a.example')).rcode, 'NOERROR');
  put('2', 'block');
  await clock.advance(2000);
  await untilRcode(async () => (await ask('a.example')).rcode, 'REFUSED');
  put('3', 'blok');
  await clock.advance(2000);
  await until(() => server.metrics.failedReloads === 1);
  // The same mistake is not told again.
  await clock.advance(2000);
  await clock.advance(2000);
  assert.equal(server.metrics.failedReloads, 1);
  assert.equal((await ask('a.example')).rcode, 'REFUSED');
  put('4', 'allow');
  await clock.advance(2000);
  await untilRcode(async () => (await ask('a.example')).rcode, 'NOERROR');
});

test('log and errors tell what CoreDNS tells', async (t) => {
  const clock = new ManualClock();
  const { ask, queries, logs } = await corefileServer(
    t,
    `
.:0 {
  bind 127.0.0.1
  errors {
    consolidate 30s ".*no upstream.*" warning
  }
  log example.org {
    class denial error
  }
  acl ok.example.org {
    filter
  }
  whoami
}
fail.:0 {
  bind 127.0.0.1
  errors {
    consolidate 30s "no upstream .*" warning
  }
  forward . /nonexistent/resolv.conf
}
`,
    { clock },
  );
  await ask('www.example.org');
  await ask('ok.example.org', 'TXT');
  await ask('elsewhere.example');
  assert.match(
    queries.join(''),
    /^\[INFO\] 127\.0\.0\.1:\d+ - 4711 "A IN www\.example\.org\. udp 44 false 1232" NOERROR qr,aa,rd \d+ \d+\.\d{9}s\n\[INFO\] .*"TXT IN ok\.example\.org\. udp 43 false 1232" NOERROR qr,rd,ra \d+ \d+\.\d{9}s\n$/,
  );
  for (let count = 0; count < 3; count++) await ask('a.fail');
  await clock.advance(30_000);
  assert.ok(
    logs.some((line) => line.startsWith("WARN  3 errors like 'no upstream .*' occurred in last 30s")),
    logs.join(),
  );
});

test('metrics have the names and labels of CoreDNS', async (t) => {
  const { connect } = await testApi(t);
  const at = { host: '127.0.0.1', port: 0 };
  const { server, ask } = await corefileServer(
    t,
    '.:0 {\n bind 127.0.0.1\n prometheus 127.0.0.1:0\n kubernetes cluster.local\n forward . 127.0.0.1:1\n}\n',
    { connect },
  );
  await ask('kubernetes.default.svc.cluster.local');
  await ask('no.default.svc.cluster.local', 'AAAA');
  await ask('no.default.svc.cluster.local', 'NAPTR');
  await exchangeTcp(server.addresses[0]!, encodeQuestion({ name: 'cluster.local', type: 'AXFR' }));
  const [status, text] = await page(await server.portOf(at), '/metrics');
  assert.equal(status, 200);
  const common = 'server="dns://127.0.0.1:0",zone=".",view=""';
  for (const line of [
    `coredns_dns_requests_total{${common},proto="udp",family="1",type="A"} 1`,
    `coredns_dns_requests_total{${common},proto="udp",family="1",type="AAAA"} 1`,
    `coredns_dns_requests_total{${common},proto="udp",family="1",type="other"} 1`,
    `coredns_dns_requests_total{${common},proto="tcp",family="1",type="AXFR"} 1`,
    `coredns_dns_responses_total{${common},rcode="NOERROR",plugin="kubernetes"} 1`,
    `coredns_dns_responses_total{${common},rcode="NXDOMAIN",plugin="kubernetes"} 2`,
    `coredns_dns_responses_total{${common},rcode="REFUSED",plugin=""} 1`,
    `coredns_dns_request_duration_seconds_count{${common}} 4`,
    `coredns_dns_request_size_bytes_count{${common},proto="udp"} 3`,
    `coredns_dns_response_size_bytes_count{${common},proto="tcp"} 1`,
    `coredns_dns_do_requests_total{${common}} 0`,
    'coredns_plugin_enabled{server="dns://127.0.0.1:0",zone=".",name="kubernetes",view=""} 1',
    'coredns_panics_total 0',
    'coredns_reload_failed_total 0',
    'coredns_kubernetes_dns_programming_duration_seconds_count{service_kind="headless_with_selector"} 0',
  ]) {
    assert.ok(text.includes(`\n${line}\n`), `${line} is not in\n${text}`);
  }
  assert.match(text, /\ncoredns_build_info\{version="[^"]+",revision="",goversion="node v[^"]+"\} 1\n/);
  assert.match(text, /\ncoredns_reload_version_info\{hash="sha512",value="[0-9a-f]{128}"\} 1\n/);
  assert.match(text, /\nsignalbox_dns_cluster_silence_seconds \d/);
});

test('a Corefile that cannot be used is refused, and nothing stays open', async (t) => {
  const begin = (text: string) => corefileServer(t, text);
  await assert.rejects(begin('. {\n bind nowhere0\n}\n'), UsageError);
  await assert.rejects(begin('. {\n kubernets\n}\n'), UsageError);
});

test('where a Service leads to outside may be a hosts file’s name, or be rewritten; a circle of both ends', async (t) => {
  const { client, connect } = await testApi(t);
  for (const [name, externalName] of Object.entries({
    plain: 'api.example.test',
    moved: 'old.example.test',
    circle: 'circle.example.test',
  })) {
    const spec = { type: 'ExternalName', externalName } as Service['spec'];
    await client.create(Service, { metadata: { namespace: 'default', name }, spec } as Service);
  }
  const { ask } = await corefileServer(
    t,
    `
.:0 {
  bind 127.0.0.1
  rewrite name old.example.test new.example.test
  rewrite name circle.example.test circle.default.svc.cluster.local
  hosts /nowhere {
    10.0.0.1 api.example.test
    10.0.0.2 new.example.test
    fallthrough
  }
  kubernetes cluster.local
}
`,
    { connect },
  );
  const owner = (name: string) => `${name}.default.svc.cluster.local`;
  assert.deepEqual(zoneLines((await ask(owner('plain'))).answers), [
    `${owner('plain')}. 5 IN CNAME api.example.test.`,
    'api.example.test. 3600 IN A 10.0.0.1',
  ]);
  assert.deepEqual(zoneLines((await ask(owner('moved'))).answers), [
    `${owner('moved')}. 5 IN CNAME old.example.test.`,
    'old.example.test. 3600 IN A 10.0.0.2',
  ]);
  const circle = await ask(owner('circle'));
  assert.equal(circle.rcode, 'SERVFAIL');
  assert.match(extendedErrorOf(circle) ?? '', /A chain of more than 8 aliases/);
});
