import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { responseCodes } from '../../wire/dns/mod.ts';
import { codeOnly } from '../chain/mod.ts';
import type { SocketAddress } from '../forward/mod.ts';
import { withoutDig } from '../testing/answer-table.ts';
import { decode, encodeQuestion, exchangeTcp, exchangeUdp, extendedErrorOf } from '../testing/stub-client.ts';
import { zoneServer } from '../testing/zone-server.ts';
import { Transfers } from './transfer.ts';

const beyond = () => codeOnly(responseCodes.Refused);

const serverFor = (t: Parameters<typeof zoneServer>[0], to: readonly string[], yaml?: string) =>
  zoneServer(t, {
    beyond,
    zone: { otherDomains: ['example.org'] },
    transfers: (zone) => new Transfers({ recordsOf: (key) => zone.transfer(key), to }),
    ...(yaml !== undefined && { yaml }),
  });

async function dig(at: SocketAddress, ...words: string[]): Promise<{ records: string[]; messages: number }> {
  const { stdout } = await promisify(execFile)('dig', [`@${at.address}`, '-p', String(at.port), '+tries=1', ...words], {
    maxBuffer: 1 << 26,
  });
  const records = stdout.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
  return {
    records: records.map((line) => line.split(/\s+/).join(' ')),
    messages: Number(/messages (\d+)/.exec(stdout)?.[1] ?? 0),
  };
}

test('dig takes the whole zone, each of its domains', { skip: withoutDig }, async (t) => {
  const { at } = await serverFor(t, ['127.0.0.1']);
  for (const domain of ['cluster.local', 'example.org']) {
    const { records } = await dig(at, domain, 'AXFR');
    const svc = (name: string) => `${name}.svc.${domain}.`;
    const soa = `${domain}. 5 IN SOA ns.dns.${domain}. hostmaster.${domain}. 1 7200 1800 86400 5`;
    assert.equal(records[0], soa);
    assert.equal(records.at(-1), soa);
    const wanted = [
      `${domain}. 5 IN NS ns.dns.${domain}.`,
      `ns.dns.${domain}. 5 IN A 10.96.0.10`,
      `${svc('web.default')} 5 IN A 10.96.1.1`,
      `${svc('_http._tcp.web.default')} 5 IN SRV 0 100 80 ${svc('web.default')}`,
      `${svc('dual.default')} 5 IN AAAA fd00:96::2`,
      `${svc('db.default')} 5 IN A 10.244.1.10`,
      `${svc('db-0.db.default')} 5 IN A 10.244.1.10`,
      `${svc('_pg._tcp.db.default')} 5 IN SRV 0 33 15432 ${svc('db-0.db.default')}`,
      `${svc('eager-0.eager.default')} 5 IN A 10.244.1.30`,
      `${svc('outside.default')} 5 IN CNAME www.example.com.`,
    ];
    for (const line of wanted) assert.ok(records.includes(line), line);
    assert.equal(new Set(records.slice(1)).size, records.length - 1, 'only the SOA record is there twice');
    assert.ok(!records.some((line) => /starting|db-2|10-244-1-5|address\.default/.test(line)));
  }
});

test('a zone of many Services comes in several messages, all of it', { skip: withoutDig }, async (t) => {
  const services = Array.from(
    { length: 3000 },
    (_, index) => `
kind: Service
metadata: { namespace: default, name: s${index} }
spec: { type: ClusterIP, clusterIP: 10.${96 + (index >> 8)}.1.${index & 255}, ports: [{ name: p, port: 1, protocol: TCP }] }`,
  );
  const { at } = await serverFor(t, ['*'], services.join('\n---\n'));
  const { records, messages } = await dig(at, 'cluster.local', 'AXFR');
  assert.equal(new Set(records.filter((line) => line.includes(' IN A '))).size, 3000);
  // At the name of the Service and at that of its port.
  assert.equal(new Set(records.filter((line) => line.includes(' IN SRV '))).size, 6000);
  assert.ok(messages > 5, `${messages} messages`);
  assert.match(records.at(-1)!, / SOA /);
});

test('who knows the serial gets the SOA record only, who knows another one the zone', {
  skip: withoutDig,
}, async (t) => {
  const { at } = await serverFor(t, ['127.0.0.1']);
  assert.equal((await dig(at, 'cluster.local', 'IXFR=1')).records.length, 1);
  assert.ok((await dig(at, 'cluster.local', 'IXFR=0')).records.length > 10);
});

test('a zone is for those it is allowed to, over TCP, and by its own name', async (t) => {
  const ask = (name: string, type = 'AXFR') => encodeQuestion({ name, type, ednsBytes: 1232 });
  const rows: [string, readonly string[], string, string, RegExp][] = [
    ['another address', ['192.0.2.1', '[2001:db8::1]:53'], 'cluster.local', 'REFUSED', /18 .*not allowed/],
    ['nobody', [], 'cluster.local', 'REFUSED', /18 .*not allowed/],
    ['a name within', ['*'], 'svc.cluster.local', 'NOTAUTH', /No zone of this server begins/],
    ['a zone of others', ['*'], 'example.com', 'NOTAUTH', /No zone/],
  ];
  for (const [title, to, name, rcode, text] of rows) {
    const { at } = await serverFor(t, to);
    const answer = decode((await exchangeTcp(at, ask(name)))[0]!);
    assert.equal(answer.rcode, rcode, title);
    assert.match(extendedErrorOf(answer) ?? '', text, title);
  }
  const { at } = await serverFor(t, ['127.0.0.1:5300']);
  for (const type of ['AXFR', 'IXFR']) {
    assert.equal(decode(await exchangeUdp(at, ask('cluster.local', type))).rcode, 'REFUSED', `${type} over UDP`);
  }
  assert.equal(decode((await exchangeTcp(at, ask('cluster.local')))[0]!).rcode, 'NOERROR');
});

test('an address that is none is refused', () => {
  assert.throws(
    () => new Transfers({ recordsOf: () => undefined, to: ['web'] }),
    /"web" is not an address, a range or \*/,
  );
});

test('a zone that is not complete yet is nobody’s', async (t) => {
  const { at } = await zoneServer(t, {
    beyond,
    transfers: (zone) => new Transfers({ recordsOf: (key) => zone.transfer(key), to: ['*'], isReady: () => false }),
  });
  const question = encodeQuestion({ name: 'cluster.local', type: 'AXFR', ednsBytes: 1232 });
  const answer = decode((await exchangeTcp(at, question))[0]!);
  assert.deepEqual([answer.rcode, extendedErrorOf(answer)], ['SERVFAIL', '14 The cluster has not been listed yet']);
});
