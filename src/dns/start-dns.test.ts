import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ManualClock, systemClock } from '../base/clock.ts';
import { OperatingError, UsageError } from '../base/errors.ts';
import { silentLogger } from '../base/log.ts';
import type { EndpointSlice, Service } from '../kube/mod.ts';
import { type DnsOptions, startDns } from './start-dns.ts';
import { answerTo, fakeUpstream } from './testing/fake-upstream.ts';
import { clusterYaml, fakeInformers, parseObjects } from './testing/fixture.ts';
import { decode, encodeQuestion, exchangeTcp, exchangeUdp, extendedErrorOf, zoneLines } from './testing/stub-client.ts';

const listen = [{ address: '127.0.0.1', port: 0 }];

async function start(t: TestContext, options: Partial<DnsOptions>, extra: object = {}) {
  const server = await startDns({
    clock: systemClock,
    log: silentLogger,
    options: { listen, upstreams: [], ...options },
    ...extra,
  });
  t.after(() => server.stop());
  const ask = async (name: string, type = 'A') =>
    decode(await exchangeUdp(server.addresses[0]!, encodeQuestion({ name, type, ednsBytes: 1232 })));
  return { server, ask };
}

test('not ready and SERVFAIL until everything is listed, then ready and right', async (t) => {
  const informers = fakeInformers(parseObjects(clusterYaml));
  const probes = { health: listen[0]!, ready: listen[0]! };
  const { server, ask } = await start(t, probes, { informers });
  const probe = async (kind: 'health' | 'ready', at = `/${kind}`) => {
    const { address, port } = server.probeAddresses[kind]!;
    const response = await fetch(`http://${address}:${port}${at}`);
    return [response.status, await response.text()];
  };
  assert.equal(server.ready, false);
  assert.equal((await ask('gone.default.svc.cluster.local')).rcode, 'SERVFAIL');
  assert.deepEqual(await probe('ready'), [503, 'kubernetes']);
  assert.deepEqual(await probe('health'), [200, 'OK']);
  assert.deepEqual(await probe('health', '/other'), [404, 'Not found\n']);
  informers.services.finishSync();
  informers.namespaces.finishSync();
  informers.pods.finishSync();
  assert.equal((await ask('web.default.svc.cluster.local')).rcode, 'SERVFAIL', 'the slices are still missing');
  informers.endpointSlices.finishSync();
  await server.synced;
  assert.equal(server.ready, true);
  assert.deepEqual(await probe('ready'), [200, 'OK']);
  assert.equal((await ask('gone.default.svc.cluster.local')).rcode, 'NXDOMAIN');
  assert.equal((await ask('web.default.svc.cluster.local')).rcode, 'NOERROR');
});

test('a change is in the very next answer', async (t) => {
  const informers = fakeInformers(parseObjects(clusterYaml));
  const { server, ask } = await start(t, {}, { informers });
  informers.finishSync();
  await server.synced;
  const name = 'db.default.svc.cluster.local';
  assert.equal((await ask(name)).answers?.length, 2);
  const slice = informers.endpointSlices.get('default/db-1')!;
  informers.endpointSlices.put({ ...slice, endpoints: slice.endpoints.slice(0, 1) } satisfies EndpointSlice);
  assert.deepEqual(zoneLines((await ask(name)).answers), [`${name}. 5 IN A 10.244.1.10`]);
  informers.endpointSlices.remove('default/db-1');
  informers.endpointSlices.remove('default/db-2');
  assert.equal((await ask(name)).rcode, 'NXDOMAIN');
  const service = informers.services.get('default/db')!;
  informers.services.put({ ...service, spec: { ...service.spec, clusterIP: '10.96.9.9' } } satisfies Service);
  assert.deepEqual(zoneLines((await ask(name)).answers), [`${name}. 5 IN A 10.96.9.9`]);
});

test('without a cluster every question goes to the resolvers, over UDP and TCP', async (t) => {
  const upstream = await fakeUpstream(t, (question) =>
    question.reply(answerTo(question, { addresses: ['192.0.2.1'] })),
  );
  const { server, ask } = await start(t, { upstreams: [`127.0.0.1:${upstream.port}`] });
  assert.equal(server.ready, true);
  for (const name of ['www.example.com', 'web.default.svc.cluster.local', '1.0.96.10.in-addr.arpa']) {
    assert.equal((await ask(name)).answers?.length, 1, name);
  }
  const [answer] = await exchangeTcp(server.addresses[0]!, encodeQuestion({ name: 'www.example.com', type: 'A' }));
  assert.deepEqual(zoneLines(decode(answer!).answers), ['www.example.com. 60 IN A 192.0.2.1']);
});

test('the resolvers come from resolv.conf, without this server itself', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-dns-'));
  t.after(() => rm(folder, { recursive: true }));
  const resolvConf = path.join(folder, 'resolv.conf');
  await writeFile(resolvConf, 'nameserver 127.0.0.1\n');
  const at = { address: '127.0.0.1', port: 53 };
  // On port 53, where resolv.conf's name servers are; somebody else may have it.
  const taken = await startDns({ clock: systemClock, log: silentLogger, options: { listen: [at], resolvConf } }).catch(
    (error: unknown) => error,
  );
  if (taken instanceof Error) {
    t.skip(`port 53 of 127.0.0.1 cannot be had: ${taken.message}`);
    return;
  }
  t.after(() => (taken as { stop(): Promise<void> }).stop());
  const answer = decode(await exchangeUdp(at, encodeQuestion({ name: 'www.example.com', type: 'A', ednsBytes: 1232 })));
  assert.equal(answer.rcode, 'SERVFAIL');
  assert.equal(extendedErrorOf(answer), '22 no upstream resolver is known');
});

test('an address that is taken is refused, and nothing stays open', async (t) => {
  const { server } = await start(t, {});
  const taken = server.addresses[0]!;
  const begin = (options: Partial<DnsOptions>) =>
    startDns({ clock: systemClock, log: silentLogger, options: { listen, upstreams: [], ...options } });
  const free = createSocket('udp4');
  await new Promise<void>((resolve) => free.bind(0, '127.0.0.1', resolve));
  const second = { address: '127.0.0.1', port: free.address().port };
  await new Promise<void>((resolve) => free.close(resolve));
  await assert.rejects(begin({ listen: [second, taken] }), (error: unknown) => {
    assert.ok(error instanceof OperatingError);
    assert.equal(error.code, 'EADDRINUSE');
    assert.match(error.message, /^Listen on TCP 127\.0\.0\.1:\d+: /);
    return true;
  });
  const again = await begin({ listen: [second] });
  await again.stop();
});

test('options that cannot be used are refused by name', async () => {
  const begin = (options: Partial<DnsOptions>, informers?: ReturnType<typeof fakeInformers>) =>
    startDns({
      clock: systemClock,
      log: silentLogger,
      options: { listen, upstreams: [], ...options },
      ...(informers && { informers }),
    });
  await assert.rejects(begin({ upstreams: ['192.0.2.300'] }), UsageError);
  await assert.rejects(begin({ reverseCidrs: ['10.96.0.0'] }, fakeInformers()), UsageError);
  await assert.rejects(begin({ clusterDomain: 'a..b' }, fakeInformers()), UsageError);
  await assert.rejects(begin({ nameServerService: 'kube-dns' }, fakeInformers()), UsageError);
});

test('a stop answers on through the lame duck, no longer ready', async (t) => {
  const clock = new ManualClock();
  const informers = fakeInformers(parseObjects(clusterYaml));
  const { server, ask } = await start(t, { lameDuckMs: 5000 }, { clock, informers });
  informers.finishSync();
  await server.synced;
  const stopped = server.stop();
  assert.equal(server.ready, false);
  assert.equal((await ask('web.default.svc.cluster.local')).rcode, 'NOERROR');
  await clock.advance(5000);
  await stopped;
  assert.equal(clock.pendingTimers, 0);
});
