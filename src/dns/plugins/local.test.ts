import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askAll, type Case, digAll, withoutDig } from '../testing/answer-table.ts';
import { corefileServer } from '../testing/corefile-server.ts';
import { zoneUpstream } from '../testing/zone-upstream.ts';

const week = 604_800;
const soaOf = (zone: string) => `${zone}. ${week} IN SOA localhost. root.localhost. SERIAL 0 0 0 ${week}`;

const cases: readonly Case[] = [
  { ask: 'localhost A', answers: [`localhost. ${week} IN A 127.0.0.1`] },
  { ask: 'LocalHost AAAA', answers: [`localhost. ${week} IN AAAA ::1`] },
  { ask: 'localhost SOA', answers: [soaOf('localhost')] },
  { ask: 'localhost NS', answers: [`localhost. ${week} IN NS localhost.`] },
  { ask: 'localhost MX', authorities: [soaOf('localhost')] },
  { ask: 'sub.localhost A', rcode: 'NXDOMAIN', authorities: [soaOf('localhost')] },
  { ask: '1.0.0.127.in-addr.arpa PTR', answers: [`1.0.0.127.in-addr.arpa. ${week} IN PTR localhost.`] },
  { ask: '1.0.0.127.in-addr.arpa A', authorities: [soaOf('127.in-addr.arpa')] },
  { ask: '2.0.0.127.in-addr.arpa PTR', rcode: 'NXDOMAIN', authorities: [soaOf('127.in-addr.arpa')] },
  { ask: '127.in-addr.arpa A', authorities: [soaOf('127.in-addr.arpa')] },
  { ask: '255.255.255.255.in-addr.arpa PTR', rcode: 'NXDOMAIN', authorities: [soaOf('255.in-addr.arpa')] },
  {
    ask: 'localhost.default.svc.cluster.local A',
    answers: [`localhost.default.svc.cluster.local. ${week} IN A 127.0.0.1`],
  },
  { ask: 'localhost.example MX', authorities: [soaOf('localhost.example')] },
  { ask: 'www.example A', answers: ['www.example. 60 IN A 192.0.2.1'] },
];

test('names of this host are answered here, over UDP and TCP and with dig', async (t) => {
  const { address, port } = await zoneUpstream(t, [{ name: 'www.example', type: 'A', ttl: 60, data: '192.0.2.1' }]);
  const text = `.:0 {\n bind 127.0.0.1\n local\n prometheus 127.0.0.1:0\n forward . ${address}:${port}\n}\n`;
  const { server } = await corefileServer(t, text);
  const at = server.addresses[0]!;
  await askAll(at, cases);
  if (!withoutDig) await digAll(at, cases);
  const place = await server.portOf({ host: '127.0.0.1', port: 0 });
  const metrics = await (await fetch(`http://127.0.0.1:${place}/metrics`)).text();
  assert.match(metrics, new RegExp(`^coredns_local_localhost_requests_total ${withoutDig ? 4 : 6}$`, 'm'));
});
