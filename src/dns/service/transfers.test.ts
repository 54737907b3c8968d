import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { Service } from '../../kube/mod.ts';
import { withoutDig } from '../testing/answer-table.ts';
import { corefileServer, testApi } from '../testing/corefile-server.ts';
import { decode, encodeQuestion, exchangeTcp, exchangeUdp, extendedErrorOf } from '../testing/stub-client.ts';

async function transferServer(t: TestContext, lines: readonly string[]) {
  const { client, connect } = await testApi(t);
  const metadata = { namespace: 'default', name: 'web' };
  await client.create(Service, { metadata, spec: { ports: [{ name: 'http', port: 80 }] } } as Service);
  const text = `.:0 {
  bind 127.0.0.1
  log
  prometheus 127.0.0.1:0
  kubernetes cluster.local cluster.test in-addr.arpa
  ${lines.join('\n  ')}
}
`;
  const started = await corefileServer(t, text, { connect });
  return { ...started, at: started.server.addresses[0]! };
}

type At = Awaited<ReturnType<typeof transferServer>>['at'];

async function dig(at: At, from: string, ...words: string[]): Promise<string[]> {
  const place = ['-b', from, `@${at.address}`, '-p', String(at.port), '+tries=1'];
  const { stdout } = await promisify(execFile)('dig', [...place, ...words]);
  const lines = stdout.split('\n').map((line) => line.split(/\s+/).join(' '));
  return lines.filter((line) => line !== '' && (!line.startsWith(';') || line.startsWith('; Transfer failed')));
}

test('dig takes the zone from an allowed address, and from no other', { skip: withoutDig }, async (t) => {
  const { at, server, queries } = await transferServer(t, [
    'transfer {',
    'to 127.0.0.2 192.0.2.0/24 127.1.0.0/16',
    '}',
  ]);
  for (const from of ['127.0.0.2', '127.1.2.3']) {
    const records = await dig(at, from, 'cluster.local', 'AXFR');
    assert.match(records[0]!, /^cluster\.local\. 5 IN SOA ns\.dns\.cluster\.local\. /, from);
    assert.equal(records.at(-1), records[0]);
    assert.ok(records.some((line) => /^web\.default\.svc\.cluster\.local\. 5 IN A 10\.96\./.test(line)));
    assert.ok(
      records.includes('_http._tcp.web.default.svc.cluster.local. 5 IN SRV 0 100 80 web.default.svc.cluster.local.'),
    );
  }
  for (const from of ['127.0.0.1', '127.0.0.3', '127.2.0.1']) {
    assert.deepEqual(await dig(at, from, 'cluster.local', 'AXFR'), ['; Transfer failed.'], from);
  }
  const serial = /SOA \S+ \S+ (\d+)/.exec((await dig(at, '127.0.0.2', 'cluster.local', 'SOA'))[0]!)![1]!;
  assert.equal((await dig(at, '127.0.0.2', 'cluster.local', `IXFR=${serial}`)).length, 1, 'no news');
  assert.ok((await dig(at, '127.0.0.2', 'cluster.local', 'IXFR=1')).length > 5, 'the whole zone');

  assert.ok(
    queries.some((line) => /"AXFR IN cluster\.local\. tcp .* NOERROR/.test(line)),
    queries.join('\n'),
  );
  assert.ok(queries.some((line) => /"AXFR IN cluster\.local\. tcp .* REFUSED/.test(line)));
  const metrics = await (
    await fetch(`http://127.0.0.1:${await server.portOf({ host: '127.0.0.1', port: 0 })}/metrics`)
  ).text();
  assert.match(metrics, /^coredns_dns_responses_total\{[^}]*rcode="NOERROR",plugin="transfer"[^}]*\} 4$/m);
});

test('each zone has its own receivers, by the longest zone that holds it', async (t) => {
  const { at } = await transferServer(t, ['transfer {', 'to 192.0.2.1', '}', 'transfer cluster.test {', 'to *', '}']);
  const table: [string, string, string, RegExp][] = [
    ['cluster.test', 'AXFR', 'NOERROR', /^$/],
    ['cluster.local', 'AXFR', 'REFUSED', /^18 .*not allowed for this address/],
    ['in-addr.arpa', 'AXFR', 'REFUSED', /^18 /],
    ['svc.cluster.test', 'AXFR', 'NOTAUTH', /No zone of this server begins/],
  ];
  for (const [name, type, rcode, text] of table) {
    const answer = decode((await exchangeTcp(at, encodeQuestion({ name, type, ednsBytes: 1232 })))[0]!);
    assert.equal(answer.rcode, rcode, name);
    assert.match(extendedErrorOf(answer) ?? '', text, name);
  }
  const overUdp = decode(await exchangeUdp(at, encodeQuestion({ name: 'cluster.test', type: 'AXFR' })));
  assert.equal(overUdp.rcode, 'REFUSED');
});

test('without the directive nobody has a zone', async (t) => {
  const { at } = await transferServer(t, []);
  const answer = decode(
    (await exchangeTcp(at, encodeQuestion({ name: 'cluster.local', type: 'AXFR', ednsBytes: 1232 })))[0]!,
  );
  assert.deepEqual([answer.rcode, extendedErrorOf(answer)], ['REFUSED', '18 Zone transfers are not allowed']);
});

test('what the access lists forbid is not handed out either', async (t) => {
  const { at } = await transferServer(t, ['acl cluster.local {', 'block type AXFR', '}', 'transfer {', 'to *', '}']);
  const ask = async (name: string) =>
    decode((await exchangeTcp(at, encodeQuestion({ name, type: 'AXFR', ednsBytes: 1232 })))[0]!).rcode;
  assert.deepEqual([await ask('cluster.local'), await ask('cluster.test')], ['REFUSED', 'NOERROR']);
});
