import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transport } from '../../wire/dns/mod.ts';
import { clusterResponder, someClient } from '../testing/cluster-responder.ts';
import { type Decoded, decode, encodeQuestion, extendedErrorOf, zoneLines } from '../testing/stub-client.ts';
import type { Responder } from './responder.ts';

const udp: Transport = { kind: 'udp', maxUdpBytes: 1232 };
const tcp: Transport = { kind: 'tcp', maxUdpBytes: 1232 };

async function ask(to: Responder, name: string, type = 'A', ednsBytes?: number, transport = udp): Promise<Decoded> {
  return decode(
    (await to.respond(encodeQuestion({ name, type, ...(ednsBytes && { ednsBytes }) }), transport, someClient))!,
  );
}

/** A query for the root's A record with this class and type, and these flags. */
const raw = (flags: string, type: string, klass: string, counts = '0001000000000000', rest = '') =>
  Buffer.from(`1234${flags}${counts}0161076578616d706c6500${type}${klass}${rest}`, 'hex');

test('odd questions get the codes that RFC 8906 asks for', async () => {
  const table: [string, Buffer, string][] = [
    ['class CHAOS', raw('0100', '0010', '0003'), 'REFUSED'],
    ['class ANY', raw('0100', '0001', '00ff'), 'REFUSED'],
    ['type TSIG', raw('0100', '00fa', '0001'), 'NOTIMP'],
    ['type MAILB', raw('0100', '00fd', '0001'), 'NOTIMP'],
    ['type OPT', raw('0100', '0029', '0001'), 'FORMERR'],
    ['type 0', raw('0100', '0000', '0001'), 'FORMERR'],
    ['AXFR', raw('0100', '00fc', '0001'), 'REFUSED'],
    ['opcode STATUS', raw('1100', '0001', '0001'), 'NOTIMP'],
    ['opcode UPDATE', raw('2900', '0001', '0001'), 'NOTIMP'],
    ['two questions', raw('0100', '0001', '0001', '0002000000000000'), 'FORMERR'],
    ['EDNS version 1', raw('0100', '0001', '0001', '0001000000000001', '00002904d0000100000000'), 'NOERROR'],
    ['a type of tomorrow', raw('0100', 'ff00', '0001'), 'SERVFAIL'],
  ];
  const asked = clusterResponder();
  for (const [title, packet, rcode] of table) {
    const reply = (await asked.respond(packet, udp, someClient))!;
    assert.equal(decode(reply).rcode, rcode, title);
    assert.ok(reply.length <= packet.length + 11, title);
  }
  const badVersion = (await asked.respond(table.find(([title]) => title === 'EDNS version 1')![1], udp, someClient))!;
  assert.equal(badVersion[badVersion.length - 6], 1, 'BADVERS is 16: its upper part is in the OPT record');
  assert.equal(badVersion[badVersion.length - 5], 0, 'our version is 0');
});

test('a record type of tomorrow is no record, not an error', async () => {
  const packet = encodeQuestion({ name: 'web.default.svc.cluster.local', type: 'A' });
  packet.writeUInt16BE(65_280, packet.length - 4);
  const reply = decode((await clusterResponder().respond(packet, udp, someClient))!);
  assert.equal(reply.rcode, 'NOERROR');
  assert.equal(reply.authorities?.[0]?.type, 'SOA');
});

test('before the cluster has been listed its names fail, and are never said not to exist', async () => {
  const early = clusterResponder({ isSynced: false });
  for (const name of [
    'web.default.svc.cluster.local',
    'gone.default.svc.cluster.local',
    'cluster.local',
    '1.0.96.10.in-addr.arpa',
  ]) {
    const reply = await ask(early, name, 'A', 1232);
    assert.equal(reply.rcode, 'SERVFAIL', name);
    assert.equal(extendedErrorOf(reply), '14 The cluster has not been listed yet');
  }
});

test('whoever speaks EDNS is told why', async () => {
  const asked = clusterResponder();
  const table: [string, string, string, string][] = [
    ['gone.default.svc.cluster.local', 'A', 'NXDOMAIN', '0 No Service gone in namespace default'],
    [
      'starting.default.svc.cluster.local',
      'A',
      'NXDOMAIN',
      '0 Service default/starting exists, 0 of 1 endpoints are ready',
    ],
    ['web.default.svc.cluster.local', 'AAAA', 'NOERROR', '0 Service default/web has no IPv6 address: 10.96.1.1'],
    ['cluster.local', 'AXFR', 'REFUSED', '18 Zone transfers are not allowed'],
    ['www.example.com', 'A', 'SERVFAIL', '22 no upstream resolver is known'],
    ['outside.default.svc.cluster.local', 'A', 'SERVFAIL', '22 www.example.com: no upstream resolver is known'],
    ['ping.default.svc.cluster.local', 'A', 'SERVFAIL', '0 A chain of more than 8 aliases'],
  ];
  for (const [name, type, rcode, reason] of table) {
    const reply = await ask(asked, name, type, 1232);
    assert.equal(reply.rcode, rcode, name);
    assert.equal(extendedErrorOf(reply), reason, name);
    assert.equal(extendedErrorOf(await ask(asked, name, type)), undefined);
  }
});

test('a headless Service with a thousand endpoints is cut over UDP and whole over TCP', async () => {
  const endpoints = Array.from({ length: 1000 }, (_, index) => `{ addresses: [10.244.${index >> 8}.${index & 255}] }`);
  const yaml = `
kind: Service
metadata: { namespace: default, name: many }
spec: { type: ClusterIP, clusterIP: None, ports: [{ name: p, port: 1, protocol: TCP }] }
---
kind: EndpointSlice
metadata: { namespace: default, name: many-1, labels: { kubernetes.io/service-name: many } }
ports: [{ name: p, port: 1, protocol: TCP }]
endpoints: [${endpoints.join(', ')}]
`;
  const asked = clusterResponder({ yaml });
  const name = 'many.default.svc.cluster.local';
  const cut = await ask(asked, name);
  assert.equal(cut.flag_tc, true);
  assert.equal(cut.answers?.length, 29);
  const whole = await ask(asked, name, 'A', undefined, tcp);
  assert.equal(whole.flag_tc, false);
  assert.equal(new Set(zoneLines(whole.answers)).size, 1000);
  const srv = await ask(asked, `_p._tcp.${name}`, 'SRV', undefined, tcp);
  assert.equal(srv.answers?.length, 1000);
});
