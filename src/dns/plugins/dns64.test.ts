import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Answer } from 'dns-packet';
import { askAll, type Case, digAll, withoutDig } from '../testing/answer-table.ts';
import { corefileServer } from '../testing/corefile-server.ts';
import { zoneLines } from '../testing/stub-client.ts';
import { zoneUpstream } from '../testing/zone-upstream.ts';

const zone: Answer[] = [
  { name: 'old.example', type: 'A', ttl: 60, data: '192.0.2.33' },
  { name: 'old.example', type: 'A', ttl: 60, data: '192.0.2.34' },
  { name: 'long.example', type: 'A', ttl: 6000, data: '192.0.2.33' },
  { name: 'both.example', type: 'A', ttl: 60, data: '192.0.2.35' },
  { name: 'both.example', type: 'AAAA', ttl: 60, data: '2001:db8::35' },
  { name: 'six.example', type: 'AAAA', ttl: 60, data: '2001:db8::6' },
  { name: 'alias.example', type: 'CNAME', ttl: 60, data: 'old.example' },
  { name: 'text.example', type: 'TXT', ttl: 60, data: 'no address' },
];

async function dns64Server(t: TestContext, ...lines: string[]) {
  const { address, port } = await zoneUpstream(t, zone);
  const text = `.:0 {\n bind 127.0.0.1\n prometheus 127.0.0.1:0\n ${lines.join('\n ')}\n forward . ${address}:${port}\n}\n`;
  const started = await corefileServer(t, text);
  return { ...started, at: started.server.addresses[0]! };
}

const soa = 'example. 300 IN SOA ns.example. root.example. SERIAL 2 3 4 5';
const aaaa = (name: string, ttl: number, ...addresses: string[]) =>
  addresses.map((address) => `${name}. ${ttl} IN AAAA ${address}`);

const cases: readonly Case[] = [
  // No longer than the denial that it stands for may be kept: the resolver's SOA record says five seconds.
  { ask: 'old.example AAAA', answers: aaaa('old.example', 5, '64:ff9b::c000:221', '64:ff9b::c000:222') },
  { ask: 'long.example AAAA', answers: aaaa('long.example', 5, '64:ff9b::c000:221') },
  {
    ask: 'alias.example AAAA',
    answers: [
      'alias.example. 60 IN CNAME old.example.',
      ...aaaa('old.example', 60, '64:ff9b::c000:221', '64:ff9b::c000:222'),
    ],
  },
  { ask: 'both.example AAAA', answers: aaaa('both.example', 60, '2001:db8::35') },
  { ask: 'six.example AAAA', answers: aaaa('six.example', 60, '2001:db8::6') },
  { ask: 'old.example A', answers: ['192.0.2.33', '192.0.2.34'].map((address) => `old.example. 60 IN A ${address}`) },
  { ask: 'text.example AAAA', authorities: [soa] },
  { ask: 'gone.example AAAA', rcode: 'NXDOMAIN', authorities: [soa] },
];

test('names of IPv4 get an address of IPv6, over UDP and TCP', async (t) => {
  const { at, server } = await dns64Server(t, 'dns64 {', 'allow_ipv4', '}');
  await askAll(at, cases);
  const port = await server.portOf({ host: '127.0.0.1', port: 0 });
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  assert.match(metrics, /^coredns_dns64_requests_translated_total\{server="dns:\/\/127\.0\.0\.1:0"\} 6$/m);
  assert.doesNotMatch(metrics, /^coredns_autopath_success_total\{/m);
});

test('names of IPv4 get an address of IPv6: dig reads the same', { skip: withoutDig }, async (t) => {
  const { at } = await dns64Server(t, 'dns64 {', 'allow_ipv4', '}');
  await digAll(at, cases);
});

test('prefixes of every length, as RFC 6052 section 2.4 has them', async (t) => {
  const table: [string, string][] = [
    ['2001:db8::/32', '2001:db8:c000:221::'],
    ['2001:db8:100::/40', '2001:db8:1c0:2:21::'],
    ['2001:db8:122::/48', '2001:db8:122:c000:2:2100::'],
    ['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::'],
    ['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100:0'],
    ['2001:db8:122:344::/96', '2001:db8:122:344::c000:221'],
  ];
  for (const [prefix, address] of table) {
    const { ask } = await dns64Server(t, `dns64 ${prefix} {`, 'allow_ipv4', '}');
    const lines = zoneLines((await ask('long.example', 'AAAA')).answers);
    assert.deepEqual(lines, aaaa('long.example', 5, address), prefix);
  }
});

test('translate_all leaves addresses of their own out; who asks over IPv4 is left alone unless told', async (t) => {
  const all = await dns64Server(t, 'dns64 {', 'translate_all', 'allow_ipv4', '}');
  assert.deepEqual(
    zoneLines((await all.ask('both.example', 'AAAA')).answers),
    aaaa('both.example', 60, '64:ff9b::c000:223'),
  );
  assert.deepEqual(zoneLines((await all.ask('six.example', 'AAAA')).answers), aaaa('six.example', 60, '2001:db8::6'));
  const quiet = await dns64Server(t, 'dns64');
  assert.deepEqual(zoneLines((await quiet.ask('old.example', 'AAAA')).answers), []);
});
