import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { UsageError } from '../../base/errors.ts';
import { corefilePath, corefileServer, ownLoopback } from '../testing/corefile-server.ts';
import { answerTo, type FakeUpstream, fakeUpstream, type UpstreamQuestion } from '../testing/fake-upstream.ts';
import { passTime } from '../testing/forwarding.ts';
import { type decode, encodeQuestion, exchangeTcp, zoneLines } from '../testing/stub-client.ts';
import { until } from '../testing/until.ts';

const saying = (address: string) => (question: UpstreamQuestion) =>
  question.reply(answerTo(question, { addresses: [address] }));
const resolver = (t: TestContext, address: string) => fakeUpstream(t, saying(address));
const placeOf = ({ address, port }: FakeUpstream) => `${address}:${port}`;
const addressesIn = ({ answers }: ReturnType<typeof decode>) =>
  zoneLines(answers).map((line) => line.split(' ').at(-1));
const block = (...lines: string[]) => `.:0 {\n bind 127.0.0.1\n ${lines.join('\n ')}\n}\n`;

async function metricsOf({ server }: Awaited<ReturnType<typeof corefileServer>>): Promise<string> {
  const port = await server.portOf({ host: '127.0.0.1', port: 0 });
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

test('each zone has resolvers of its own, the first that fits is asked', async (t) => {
  const [lab, example, other] = [
    await resolver(t, '192.0.2.1'),
    await resolver(t, '192.0.2.2'),
    await resolver(t, '192.0.2.3'),
  ];
  const { ask } = await corefileServer(
    t,
    block(
      `forward lab.example.org ${placeOf(lab)}`,
      `forward example.org ${placeOf(example)} {\n except free.example.org\n }`,
      `forward . ${placeOf(other)}`,
    ),
  );
  const table: [string, string][] = [
    ['lab.example.org', '192.0.2.1'],
    ['a.lab.example.org', '192.0.2.1'],
    ['example.org', '192.0.2.2'],
    ['elab.example.org', '192.0.2.2'],
    ['a.free.example.org', '192.0.2.3'],
    ['example.com', '192.0.2.3'],
  ];
  for (const [name, address] of table) assert.deepEqual(addressesIn(await ask(name)), [address], name);
});

test('next and next_on_nodata lead from one forward to the other, and never past the last', async (t) => {
  const knowing = (name: string, address: string, rcode: number) =>
    fakeUpstream(t, (question) => {
      const isKnown = question.decoded.questions![0]!.name === name;
      question.reply(answerTo(question, isKnown ? { addresses: [address] } : { rcode }));
    });
  const [first, second, third] = [
    await knowing('a.example', '192.0.2.1', 3),
    await knowing('b.example', '192.0.2.2', 0),
    await knowing('c.example', '192.0.2.3', 3),
  ];
  const { ask } = await corefileServer(
    t,
    block(
      `forward . ${placeOf(first)} {\n next NXDOMAIN\n }`,
      `forward . ${placeOf(second)} {\n next_on_nodata\n }`,
      `forward . ${placeOf(third)} {\n next NXDOMAIN\n }`,
      'whoami',
    ),
  );
  for (const [index, name] of ['a.example', 'b.example', 'c.example'].entries()) {
    assert.deepEqual(addressesIn(await ask(name)), [`192.0.2.${index + 1}`]);
  }
  assert.equal((await ask('d.example')).rcode, 'NXDOMAIN');
});

test('metrics of forward have the names and labels of CoreDNS, and outlast a reload', async (t) => {
  const [well, failing] = [
    await resolver(t, '192.0.2.1'),
    await fakeUpstream(t, (question) => question.reply(answerTo(question, { rcode: 5 }))),
  ];
  const held = await fakeUpstream(t, () => {});
  const text = block(
    'prometheus 127.0.0.1:0',
    'cache c.example',
    `forward slow.example ${placeOf(held)} {\n max_concurrent 1\n }`,
    `forward . ${placeOf(failing)} ${placeOf(well)} {\n policy sequential\n failover REFUSED\n }`,
  );
  const clock = new ManualClock();
  const served = await corefileServer(t, text, { clock });
  const { server, ask, texts } = served;
  await ask('a.example');
  await ask('b.example');
  for (let round = 0; round < 3; round++) {
    await exchangeTcp(server.addresses[0]!, encodeQuestion({ name: `c${round}.c.example`, type: 'A' }));
  }
  const slow = ask('slow.example');
  await until(() => held.questions.length === 1);
  assert.equal((await ask('other.slow.example')).rcode, 'REFUSED');
  texts[corefilePath] = text.replace('prometheus', 'errors\n prometheus');
  await server.reload();
  assert.equal((await passTime(clock, slow)).rcode, 'SERVFAIL', 'the former chain ends what it has begun');
  const metrics = await metricsOf(served);
  const to = (upstream: FakeUpstream) => `proxy_name="forward",to="${placeOf(upstream)}"`;
  for (const line of [
    'coredns_forward_max_concurrent_rejects_total 1',
    'coredns_forward_healthcheck_broken_total 0',
    `coredns_proxy_request_duration_seconds_count{${to(failing)},rcode="REFUSED"} 5`,
    `coredns_proxy_request_duration_seconds_count{${to(well)},rcode="NOERROR"} 5`,
    `coredns_proxy_conn_cache_misses_total{${to(well)},proto="udp"} 2`,
    `coredns_proxy_conn_cache_misses_total{${to(well)},proto="tcp"} 1`,
    `coredns_proxy_conn_cache_hits_total{${to(well)},proto="tcp"} 2`,
    'coredns_cache_requests_total{server="dns://127.0.0.1:0",zones="c.example.",view=""} 3',
    'coredns_cache_hits_total{server="dns://127.0.0.1:0",type="success",zones="c.example.",view=""} 0',
    'coredns_cache_entries{server="dns://127.0.0.1:0",type="success",zones="c.example.",view=""} 0',
  ]) {
    assert.ok(metrics.includes(`\n${line}\n`), `${line} is not in\n${metrics}`);
  }
  assert.match(metrics, new RegExp(`\\ncoredns_proxy_healthcheck_failures_total\\{${to(held)}\\} [1-9]`));
});

test('the file of resolvers is followed: who is no longer in it is asked no more', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'signalbox-forward-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'resolv.conf');
  // Name servers of the file are asked on port 53, which is free on addresses of loopback that nobody else has.
  const [first, second] = [61, 62].map((net) => ownLoopback.replace('127.53', `127.${net}`));
  const before = await fakeUpstream(t, saying('192.0.2.1'), { address: first!, port: 53 });
  const after = await fakeUpstream(t, saying('192.0.2.2'), { address: second!, port: 53 });
  writeFileSync(file, `nameserver ${first}\n`);
  const clock = new ManualClock();
  const { server, ask, logs } = await corefileServer(t, block(`forward . ${file}`), { clock });
  const askTcp = () => exchangeTcp(server.addresses[0]!, encodeQuestion({ name: 'b.example', type: 'A' }));
  assert.deepEqual(addressesIn(await ask('a.example')), ['192.0.2.1']);
  await askTcp();
  assert.equal(before.openConnections, 1);
  writeFileSync(file, `nameserver ${second}\n`);
  await clock.advance(5000);
  await until(() => logs.some((line) => line.includes(`${second}:53`)));
  assert.deepEqual(addressesIn(await ask('a.example')), ['192.0.2.2']);
  await askTcp();
  await until(() => before.openConnections === 0);
  assert.deepEqual([before.questions.length, after.questions.length], [2, 2]);
});

test('a server that is told to forward to itself says so, and answers', async (t) => {
  const other = await resolver(t, '192.0.2.1');
  const { server, texts, ask, logs } = await corefileServer(t, block('whoami'));
  const own = `127.0.0.1:${server.addresses[0]!.port}`;
  texts[corefilePath] = block(`forward . ${own} ${placeOf(other)}`);
  await server.reload();
  for (let round = 0; round < 4; round++) assert.deepEqual(addressesIn(await ask('a.example')), ['192.0.2.1']);
  assert.equal(logs.filter((line) => line.includes('it is this server itself')).length, 1);
});

test('a reload while connections are kept and questions are under way loses none', async (t) => {
  const held: UpstreamQuestion[] = [];
  const upstream = await fakeUpstream(t, (question) => void held.push(question));
  const text = block(`forward . ${placeOf(upstream)} {\n force_tcp\n }`);
  const { texts, server, ask } = await corefileServer(t, text);
  const asked: ReturnType<typeof ask>[] = [];
  for (let round = 0; round < 5; round++) {
    for (let more = 0; more < 20; more++) asked.push(ask(`n${asked.length}.example`));
    await until(() => held.length === 20 * (round + 1));
    texts[corefilePath] = text.replace('force_tcp', `force_tcp\n expire ${round + 1}s`);
    await server.reload();
  }
  for (const question of held) saying('192.0.2.9')(question);
  for (const answered of asked) assert.deepEqual(addressesIn(await answered), ['192.0.2.9']);
});

test('files for TLS that are not there are a mistake in the Corefile', async (t) => {
  const text = block('forward . tls://127.0.0.1 {\n tls /nonexistent/ca.pem\n }');
  await assert.rejects(corefileServer(t, text), (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /^Read TLS file \/nonexistent\/ca\.pem: /);
    return true;
  });
});
