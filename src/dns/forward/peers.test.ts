import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { issue } from '../../apiserver/pki/issue.ts';
import { corefilePath, corefileServer } from '../testing/corefile-server.ts';
import { fakeFiles } from '../testing/corefiles.ts';
import { longRecord, RealResolver, realResolvers, record, withoutResolver } from '../testing/real-resolver.ts';
import { decode, encodeQuestion, exchangeTcp, exchangeUdp, zoneLines } from '../testing/stub-client.ts';
import { type SocketAddress, socketAddressText } from './upstreams.ts';

const serverName = 'dns.example.org';
const hourMs = 3_600_000;
const validity = { notBefore: new Date(Date.now() - hourMs), notAfter: new Date(Date.now() + hourMs) };

async function certificates() {
  const ca = await issue({ commonName: 'authority' }, 'ca', validity, undefined);
  const server = await issue({ commonName: 'resolver' }, { names: [serverName], addresses: [] }, validity, ca);
  return { ca, server };
}

const wanted = [`${record.name}. 60 IN A ${record.address}`];

/** A server that forwards everything, in front of real resolvers. */
async function inFrontOf(t: TestContext, to: readonly string[], options: readonly string[], caPem = '') {
  const text = `.:0 {\n bind 127.0.0.1\n forward . ${to.join(' ')} {\n ${options.join('\n ')}\n }\n}\n`;
  const { server } = await corefileServer(t, text, { files: fakeFiles({ [corefilePath]: text, '/ca.pem': caPem }) });
  const at = server.addresses[0]!;
  const overUdp = async (name: string, type = 'A') =>
    decode(await exchangeUdp(at, encodeQuestion({ name, type, ednsBytes: 1232 })));
  const overTcp = async (name: string, type = 'A') =>
    decode((await exchangeTcp(at, encodeQuestion({ name, type, ednsBytes: 1232 })))[0]!);
  const books = ({ address, port }: SocketAddress) => server.metrics.forwards.of(`${address}:${port}`);
  return { at, overUdp, overTcp, books };
}

for (const kind of Object.values(realResolvers)) {
  const skip = withoutResolver(kind);

  test(`${kind.program}: what it says is what our client hears, over UDP and TCP`, { skip }, async (t) => {
    const resolver = await RealResolver.start(t, kind);
    const { overUdp, overTcp, books } = await inFrontOf(t, [socketAddressText(resolver)], ['force_tcp']);
    const plain = await inFrontOf(t, [socketAddressText(resolver)], ['policy sequential']);
    for (const ask of [plain.overUdp, plain.overTcp, overUdp, overTcp]) {
      assert.deepEqual(zoneLines((await ask(record.name)).answers), wanted);
      assert.equal((await ask('gone.example')).rcode, 'NXDOMAIN');
      const noData = await ask(record.name, 'AAAA');
      assert.deepEqual([noData.rcode, noData.answers], ['NOERROR', []]);
    }
    // Too long for a datagram on either side: fetched over TCP, and cut for a client that came over UDP.
    const whole = await plain.overTcp(longRecord.name, 'TXT');
    const length = whole.answers!.map((each) => (each.type === 'TXT' ? [each.data].flat().join('').length : 0));
    assert.equal(
      length.reduce((sum, one) => sum + one),
      longRecord.texts * longRecord.textLength,
    );
    const tcpBefore = plain.books(resolver).hits.tcp;
    assert.equal((await plain.overUdp(longRecord.name, 'TXT')).flag_tc, true);
    assert.equal(plain.books(resolver).hits.tcp, tcpBefore + 1, 'over the connection that was there');
    assert.equal(books(resolver).misses.udp, 0);
  });

  test(`${kind.program}: questions share few connections, and a restart costs none`, { skip }, async (t) => {
    const resolver = await RealResolver.start(t, kind);
    const { overUdp, books } = await inFrontOf(t, [socketAddressText(resolver)], ['force_tcp']);
    const burst = async () => {
      const answers = await Promise.all(Array.from({ length: 60 }, () => overUdp(record.name)));
      for (const { answers: found } of answers) assert.deepEqual(zoneLines(found), wanted);
    };
    await burst();
    await burst();
    const { hits, misses } = books(resolver);
    assert.ok(misses.tcp < hits.tcp, `${misses.tcp} connections for 120 questions`);
    await resolver.kill();
    await resolver.start();
    await burst();
    assert.equal(books(resolver).failedChecks, 0);
  });

  if (!kind.speaksTls) continue;
  test(`${kind.program}: over TLS, by its name`, { skip }, async (t) => {
    const { ca, server } = await certificates();
    const resolver = await RealResolver.start(t, kind, server);
    const over = { address: resolver.address, port: resolver.tlsPort };
    const to = [`tls://${socketAddressText(over)}`];
    const trusting = await inFrontOf(t, to, ['tls /ca.pem', `tls_servername ${serverName}`], ca.certPem);
    const burst = await Promise.all(Array.from({ length: 40 }, () => trusting.overUdp(record.name)));
    for (const { answers } of burst) assert.deepEqual(zoneLines(answers), wanted);
    assert.notDeepEqual((await trusting.overTcp(longRecord.name, 'TXT')).answers, []);
    const { hits, misses } = trusting.books(over);
    assert.ok(misses['tcp-tls'] < hits['tcp-tls'], `${misses['tcp-tls']} handshakes for 41 questions`);
    const byName = await inFrontOf(
      t,
      [`tls://${over.address}%${serverName}:${over.port}`],
      ['tls /ca.pem'],
      ca.certPem,
    );
    assert.deepEqual(zoneLines((await byName.overUdp(record.name)).answers), wanted);
    const another = ['tls /ca.pem', 'tls_servername other.example.org', 'max_connect_attempts 1'];
    assert.equal((await (await inFrontOf(t, to, another, ca.certPem)).overUdp(record.name)).rcode, 'SERVFAIL');
  });
}

const pair = [realResolvers.unbound, realResolvers.named] as const;

test('of two resolvers one is killed while questions come: none is lost', {
  skip: withoutResolver(...pair),
}, async (t) => {
  const [first, second] = await Promise.all(pair.map((kind) => RealResolver.start(t, kind)));
  for (const policy of ['sequential', 'round_robin', 'random']) {
    const { overUdp, books } = await inFrontOf(
      t,
      [socketAddressText(first!), socketAddressText(second!)],
      [`policy ${policy}`],
    );
    const lost: string[] = [];
    const asked: Promise<void>[] = [];
    const ask = (count: number) => {
      for (let more = 0; more < count; more++) {
        asked.push(
          overUdp(record.name).then(({ rcode }) => {
            if (rcode !== 'NOERROR') lost.push(rcode);
          }),
        );
      }
    };
    ask(50);
    const killed = first!.kill();
    ask(50);
    await killed;
    ask(100);
    await Promise.all(asked);
    assert.deepEqual(lost, [], policy);
    assert.ok(books(second!).seconds.size > 0);
    await first!.start();
  }
});
