import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import dnsPacket, { type OptAnswer } from 'dns-packet';
import { ManualClock, systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/log.ts';
import { originOption } from '../wire/dns/mod.ts';
import { type DnsDependencies, type DnsOptions, startDns } from './start-dns.ts';
import { testApi } from './testing/corefile-server.ts';
import { answerTo, fakeUpstream } from './testing/fake-upstream.ts';
import { clusterYaml, fakeInformers, parseObjects } from './testing/fixture.ts';
import { passTime } from './testing/forwarding.ts';
import { decode, encodeQuestion, exchangeUdp, extendedErrorOf } from './testing/stub-client.ts';
import { optionOf } from './why/records.ts';

async function start(t: TestContext, options: Partial<DnsOptions>, dependencies: Partial<DnsDependencies> = {}) {
  const informers = fakeInformers(parseObjects(clusterYaml));
  const server = await startDns({
    clock: systemClock,
    log: silentLogger,
    options: { listen: [{ address: '127.0.0.1', port: 0 }], upstreams: [], ...options },
    ...('client' in dependencies ? {} : { informers }),
    ...dependencies,
  });
  t.after(() => server.stop());
  informers.finishSync();
  const ask = async (name: string, type = 'A', ednsBytes = 1232) =>
    decode(await exchangeUdp(server.addresses[0]!, encodeQuestion({ name, type, ...(ednsBytes && { ednsBytes }) })));
  const why = async (name: string, type?: string) => {
    const answer = await ask(name, type);
    return `${answer.rcode} ${extendedErrorOf(answer)}`;
  };
  return { server, ask, why };
}

/** An OPT record with these options. */
const optWith = (options: object[]) =>
  ({ type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, options }) as unknown as OptAnswer;

test('another resolver’s failure names it, and brings its own words along', async (t) => {
  const upstream = await fakeUpstream(t, (question) => {
    const name = question.decoded.questions![0]!.name;
    const rcode = name === 'blocked.example' ? 3 : name === 'fine.example' ? 0 : 2;
    const plain = dnsPacket.decode(answerTo(question, { rcode, withOpt: false }));
    const said = Buffer.from('\0\x0fon a list\0', 'latin1');
    const options = name === 'silent.example' ? [] : [{ code: 15, data: said }];
    question.reply(dnsPacket.encode({ ...plain, type: 'response', additionals: [optWith(options)] }));
  });
  const place = `127.0.0.1:${upstream.port}`;
  const { ask, why } = await start(t, { upstreams: [place] });
  assert.equal(await why('silent.example'), `SERVFAIL 0 ${place} answered SERVFAIL`);
  assert.equal(await why('failing.example'), `SERVFAIL 15 ${place}: on a list`);
  assert.equal(await why('blocked.example'), `NXDOMAIN 15 ${place}: on a list`);
  assert.equal(await why('fine.example'), `NOERROR 15 ${place}: on a list`);
  const withoutEdns = await ask('failing.example', 'A', 0);
  assert.deepEqual(withoutEdns.additionals, []);
});

test('resolvers that do not answer are named, each with what it did', async (t) => {
  const gone = await fakeUpstream(t, () => {});
  const place = `127.0.0.1:${gone.port}`;
  const clock = new ManualClock();
  const { why } = await start(t, { upstreams: [place] }, { clock });
  const said = await passTime(clock, why('www.example.com'));
  assert.equal(said, `SERVFAIL 22 Ask resolver ${place}: no answer in 2000 ms`);
});

test('a name that only misses the domain is said to, by whoever does not know it', async (t) => {
  const upstream = await fakeUpstream(t, (question) => question.reply(answerTo(question, { rcode: 3 })));
  const { why } = await start(t, { upstreams: [`127.0.0.1:${upstream.port}`] });
  assert.equal(
    await why('web.default.svc.cluster.locl'),
    "NXDOMAIN 0 The name is not below cluster.local, the cluster's domain; did you mean web.default.svc.cluster.local?",
  );
  assert.equal(await why('www.svc.example'), 'NXDOMAIN undefined');
});

test('an alias that leads nowhere has the reason of where it leads', async (t) => {
  const { why } = await start(t, {});
  assert.equal(await why('nowhere.default.svc.cluster.local'), 'NXDOMAIN 0 No Service gone in namespace default');
  assert.equal(
    await why('alias.default.svc.cluster.local', 'AAAA'),
    'NOERROR 0 Service default/web has no IPv6 address: 10.96.1.1',
  );
});

test('while the API server is away what is missing is said to be as old as that', async (t) => {
  const { connect } = await testApi(t);
  const clock = new ManualClock();
  const client = connect();
  t.after(() => client.close());
  const { server, why } = await start(t, {}, { client, clock });
  await server.synced;
  const missing = 'NXDOMAIN 0 No Service web in namespace default';
  assert.equal(await why('web.default.svc.cluster.local'), missing);
  const heard = new Date(clock.now()).toISOString().replace(/\.\d+/, '');
  await clock.advance(149_000);
  assert.equal(await why('web.default.svc.cluster.local'), missing);
  await clock.advance(2000);
  assert.equal(
    await why('web.default.svc.cluster.local'),
    `NXDOMAIN 19 No Service web in namespace default; the API server has been away since ${heard}`,
  );
  assert.match(await why('kubernetes.default.svc.cluster.local', 'AAAA'), /^NOERROR 3 .* away since /);
  assert.equal(await why('kubernetes.default.svc.cluster.local'), 'NOERROR undefined');
});

test('before the first list it is said since when the API server has not answered', async (t) => {
  const { connect } = await testApi(t);
  const clock = new ManualClock();
  const client = connect();
  t.after(() => client.close());
  const deaf = new Proxy(client, {
    get: (target, name: keyof typeof client) =>
      name === 'list'
        ? async (_: unknown, { signal }: { signal: AbortSignal }) =>
            new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        : target[name].bind(target as never),
  });
  const began = new Date(clock.now()).toISOString().replace(/\.\d+/, '');
  const { why } = await start(t, {}, { client: deaf, clock });
  await clock.advance(5000);
  assert.equal(
    await why('web.default.svc.cluster.local'),
    `SERVFAIL 14 The cluster has not been listed yet: the API server has not answered since ${began}`,
  );
});

test('whoever asks where an answer comes from is told, and nobody else', async (t) => {
  const upstream = await fakeUpstream(t, (question) =>
    question.reply(answerTo(question, { addresses: ['192.0.2.1'] })),
  );
  const { server } = await start(t, { upstreams: [`127.0.0.1:${upstream.port}`] });
  const originOf = async (name: string, options: object[]) => {
    const question = dnsPacket.encode({
      type: 'query',
      id: 1,
      questions: [{ name, type: 'A', class: 'IN' }],
      additionals: [optWith(options)],
    });
    const answer = decode(await exchangeUdp(server.addresses[0]!, question));
    return optionOf(answer, originOption)?.toString();
  };
  const asking = [{ code: originOption, data: Buffer.alloc(0) }];
  assert.equal(await originOf('web.default.svc.cluster.local', asking), 'kubernetes');
  assert.equal(await originOf('gone.default.svc.cluster.local', asking), 'kubernetes');
  assert.equal(await originOf('www.example.com', asking), `forward 127.0.0.1:${upstream.port}`);
  assert.equal(await originOf('www.example.com', []), undefined);
});
