import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DnsOptions } from './start-dns.ts';
import { askAll, type Case, dig, digAll, domain, soa, svc, withoutDig } from './testing/answer-table.ts';
import { clusterServer } from './testing/cluster-server.ts';
import { type Decoded, decode, encodeQuestion, exchangeTcp, exchangeUdp, zoneLines } from './testing/stub-client.ts';

const nxdomain = 'NXDOMAIN';

/** Kubernetes DNS specification 1.1.0, and CoreDNS's kubernetes plugin where the specification leaves it open. */
const cases: Record<string, readonly Case[]> = {
  'the schema version': [
    { ask: `dns-version.${domain} TXT`, answers: [`dns-version.${domain}. 28800 IN TXT "1.1.0"`] },
    { ask: `dns-version.${domain} A` },
  ],
  'Services with a cluster IP': [
    { ask: 'kubernetes.default.svc A', answers: [`${svc('kubernetes.default')} 5 IN A 10.96.0.1`] },
    { ask: 'web.default.svc A', answers: [`${svc('web.default')} 5 IN A 10.96.1.1`] },
    { ask: 'web.default.svc AAAA' },
    { ask: 'six.default.svc AAAA', answers: [`${svc('six.default')} 5 IN AAAA fd00:96::6`] },
    { ask: 'six.default.svc A' },
    { ask: 'web.default.svc MX' },
    { ask: 'dual.default.svc A', answers: [`${svc('dual.default')} 5 IN A 10.96.1.2`] },
    { ask: 'dual.default.svc AAAA', answers: [`${svc('dual.default')} 5 IN AAAA fd00:96::2`] },
    {
      ask: '_http._tcp.web.default.svc SRV',
      answers: [`${svc('_http._tcp.web.default')} 5 IN SRV 0 100 80 ${svc('web.default')}`],
      extra: [`${svc('web.default')} 5 IN A 10.96.1.1`],
    },
    {
      ask: 'web.default.svc SRV',
      answers: [
        `${svc('web.default')} 5 IN SRV 0 50 80 ${svc('web.default')}`,
        `${svc('web.default')} 5 IN SRV 0 50 81 ${svc('web.default')}`,
      ],
      extra: [`${svc('web.default')} 5 IN A 10.96.1.1`],
    },
    { ask: '_http._tcp.web.default.svc A' },
    { ask: '_tcp.web.default.svc A' },
    { ask: '_udp.web.default.svc SRV', rcode: nxdomain },
    { ask: '_http._udp.web.default.svc SRV', rcode: nxdomain },
    { ask: '_https._tcp.web.default.svc SRV', rcode: nxdomain },
    {
      ask: '_http._tcp.dual.default.svc SRV',
      answers: [`${svc('_http._tcp.dual.default')} 5 IN SRV 0 100 80 ${svc('dual.default')}`],
      extra: [`${svc('dual.default')} 5 IN A 10.96.1.2`, `${svc('dual.default')} 5 IN AAAA fd00:96::2`],
    },
    {
      ask: '_dns._udp.kube-dns.kube-system.svc SRV',
      answers: [`${svc('_dns._udp.kube-dns.kube-system')} 5 IN SRV 0 100 53 ${svc('kube-dns.kube-system')}`],
      extra: [`${svc('kube-dns.kube-system')} 5 IN A 10.96.0.10`],
    },
    { ask: '_udp.kube-dns.kube-system.svc SRV' },
    {
      ask: 'kube-dns.kube-system.svc SRV',
      answers: [`${svc('kube-dns.kube-system')} 5 IN SRV 0 100 53 ${svc('kube-dns.kube-system')}`],
      extra: [`${svc('kube-dns.kube-system')} 5 IN A 10.96.0.10`],
    },
    { ask: '10-244-1-5.web.default.svc A', answers: [`${svc('10-244-1-5.web.default')} 5 IN A 10.244.1.5`] },
  ],
  'headless Services': [
    {
      ask: 'db.default.svc A',
      answers: [`${svc('db.default')} 5 IN A 10.244.1.10`, `${svc('db.default')} 5 IN A 10.244.2.10`],
    },
    { ask: 'db.default.svc AAAA', answers: [`${svc('db.default')} 5 IN AAAA fd00:244:1::10`] },
    { ask: 'db-0.db.default.svc A', answers: [`${svc('db-0.db.default')} 5 IN A 10.244.1.10`] },
    { ask: 'db-0.db.default.svc AAAA' },
    { ask: 'db-2.db.default.svc A', rcode: nxdomain },
    { ask: '10-244-1-10.db.default.svc A', rcode: nxdomain },
    {
      ask: 'fd00-244-1--10.db.default.svc AAAA',
      answers: [`${svc('fd00-244-1--10.db.default')} 5 IN AAAA fd00:244:1::10`],
    },
    {
      ask: '_pg._tcp.db.default.svc SRV',
      answers: ['db-0', 'db-1', 'fd00-244-1--10'].map(
        (host) => `${svc('_pg._tcp.db.default')} 5 IN SRV 0 33 15432 ${svc(`${host}.db.default`)}`,
      ),
      extra: [
        `${svc('db-0.db.default')} 5 IN A 10.244.1.10`,
        `${svc('db-1.db.default')} 5 IN A 10.244.2.10`,
        `${svc('fd00-244-1--10.db.default')} 5 IN AAAA fd00:244:1::10`,
      ],
    },
    { ask: '_tcp.db.default.svc A' },
    { ask: 'starting.default.svc A', rcode: nxdomain },
    { ask: '_http._tcp.starting.default.svc SRV', rcode: nxdomain },
    { ask: 'eager.default.svc A', answers: [`${svc('eager.default')} 5 IN A 10.244.1.30`] },
    {
      ask: '_x._tcp.eager.default.svc SRV',
      answers: [`${svc('_x._tcp.eager.default')} 5 IN SRV 0 100 7 ${svc('eager-0.eager.default')}`],
      extra: [`${svc('eager-0.eager.default')} 5 IN A 10.244.1.30`],
    },
    { ask: 'eager-0.eager.default.svc A', answers: [`${svc('eager-0.eager.default')} 5 IN A 10.244.1.30`] },
  ],
  'reverse names': [
    { ask: '1.0.96.10.in-addr.arpa PTR', answers: [`1.0.96.10.in-addr.arpa. 5 IN PTR ${svc('kubernetes.default')}`] },
    {
      ask: '10.1.244.10.in-addr.arpa PTR',
      answers: [`10.1.244.10.in-addr.arpa. 5 IN PTR ${svc('db-0.db.default')}`],
    },
    {
      ask: '5.1.244.10.in-addr.arpa PTR',
      answers: [`5.1.244.10.in-addr.arpa. 5 IN PTR ${svc('10-244-1-5.web.default')}`],
    },
    {
      ask: '2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa PTR',
      answers: [
        `2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa. 5 IN PTR ${svc('dual.default')}`,
      ],
    },
    {
      ask: `0.1.0.0.${'0.'.repeat(16)}1.0.0.0.4.4.2.0.0.0.d.f.ip6.arpa PTR`,
      answers: [
        `0.1.0.0.${'0.'.repeat(16)}1.0.0.0.4.4.2.0.0.0.d.f.ip6.arpa. 5 IN PTR ${svc('fd00-244-1--10.db.default')}`,
      ],
    },
    {
      ask: '30.1.244.10.in-addr.arpa PTR',
      answers: [`30.1.244.10.in-addr.arpa. 5 IN PTR ${svc('eager-0.eager.default')}`],
    },
    { ask: '10.3.244.10.in-addr.arpa PTR', rcode: nxdomain, soa: '244.10.in-addr.arpa' },
    { ask: '99.0.96.10.in-addr.arpa PTR', rcode: nxdomain, soa: '96.10.in-addr.arpa' },
    { ask: '0.96.10.in-addr.arpa PTR', soa: '96.10.in-addr.arpa' },
    { ask: '1.0.96.10.in-addr.arpa A', soa: '96.10.in-addr.arpa' },
    { ask: '1.1.168.192.in-addr.arpa PTR', soa: false, answers: ['1.1.168.192.in-addr.arpa. 60 IN A 192.0.2.53'] },
  ],
  'external names': [
    { ask: 'outside.default.svc CNAME', answers: [`${svc('outside.default')} 5 IN CNAME www.example.com.`] },
    {
      ask: 'outside.default.svc A',
      answers: [`${svc('outside.default')} 5 IN CNAME www.example.com.`, 'www.example.com. 60 IN A 192.0.2.53'],
    },
    {
      ask: 'alias.default.svc A',
      answers: [
        `${svc('alias.default')} 5 IN CNAME Web.Default.svc.${domain}.`,
        `${svc('web.default')} 5 IN A 10.96.1.1`,
      ],
    },
    {
      ask: 'alias.default.svc AAAA',
      soa,
      answers: [`${svc('alias.default')} 5 IN CNAME Web.Default.svc.${domain}.`],
    },
    {
      ask: 'nowhere.default.svc A',
      rcode: nxdomain,
      soa,
      answers: [`${svc('nowhere.default')} 5 IN CNAME ${svc('gone.default')}`],
    },
    { ask: 'ping.default.svc A', rcode: 'SERVFAIL', soa: false },
    { ask: 'address.default.svc A', rcode: nxdomain },
    { ask: 'endpoint.outside.default.svc CNAME', rcode: nxdomain },
  ],
  'Pods (insecure)': [
    { ask: '10-244-1-5.default.pod A', answers: [`10-244-1-5.default.pod.${domain}. 5 IN A 10.244.1.5`] },
    { ask: '1-2-3-4.default.pod A', answers: [`1-2-3-4.default.pod.${domain}. 5 IN A 1.2.3.4`] },
    { ask: 'fd00--7.default.pod AAAA', answers: [`fd00--7.default.pod.${domain}. 5 IN AAAA fd00::7`] },
    { ask: '10-244-1-5.default.pod AAAA' },
    { ask: 'web-x.default.pod A', rcode: nxdomain },
    { ask: '1-2-3-444.default.pod A', rcode: nxdomain },
    { ask: '10-244-1-5.nowhere.pod A', rcode: nxdomain },
  ],
  'names between the domain and the Services': [
    { ask: `${domain} A` },
    { ask: 'svc A' },
    { ask: 'pod A' },
    { ask: 'default.svc A' },
    { ask: 'default.pod A' },
    { ask: 'empty.svc AAAA' },
    { ask: 'kube-system.svc A' },
    { ask: `dns.${domain} A` },
    { ask: `ns.dns.${domain} A`, answers: [`ns.dns.${domain}. 5 IN A 10.96.0.10`] },
    {
      ask: `${domain} NS`,
      answers: [`${domain}. 5 IN NS ns.dns.${domain}.`],
      extra: [`ns.dns.${domain}. 5 IN A 10.96.0.10`],
    },
    { ask: `${domain} SOA`, answers: [soa] },
    { ask: 'default.svc NS' },
  ],
  'names that are not there': [
    { ask: 'gone.default.svc A', rcode: nxdomain },
    { ask: 'web.nowhere.svc A', rcode: nxdomain },
    { ask: 'nowhere.svc A', rcode: nxdomain },
    { ask: `web.${domain} A`, rcode: nxdomain },
    { ask: 'a.b.c.web.default.svc A', rcode: nxdomain },
    { ask: 'www.google.com.default.svc A', rcode: nxdomain },
  ],
  'questions that get a small answer of their own': [
    { ask: 'db.default.svc ANY', answers: [`${svc('db.default')} 5 IN HINFO "RFC8482" ""`] },
    { ask: 'www.example.com ANY', answers: ['www.example.com. 5 IN HINFO "RFC8482" ""'] },
    { ask: `${domain} AXFR`, rcode: 'REFUSED', soa: false },
    { ask: `${domain} IXFR`, rcode: 'REFUSED', soa: false },
  ],
  'other names': [{ ask: 'www.example.com A', answers: ['www.example.com. 60 IN A 192.0.2.53'] }],
};

for (const [title, table] of Object.entries(cases)) {
  test(`answers for ${title}, over UDP and TCP`, async (t) => {
    const { at } = await clusterServer(t);
    await askAll(at, table);
  });
}

test('dig reads the same answers', { skip: withoutDig }, async (t) => {
  const { at } = await clusterServer(t);
  await digAll(at, Object.values(cases).flat());
});

/** An address of a Pod of the namespace, of one that has ended, of another namespace's, of nobody. */
const podCases: Record<DnsOptions['podRecords'] & string, readonly Case[]> = {
  disabled: [
    { ask: '10-244-1-5.default.pod A', rcode: nxdomain },
    { ask: '1-2-3-4.default.pod A', rcode: nxdomain },
    { ask: 'default.pod A' },
    { ask: 'pod A' },
  ],
  insecure: [
    { ask: '10-244-1-6.default.pod A', answers: [`10-244-1-6.default.pod.${domain}. 5 IN A 10.244.1.6`] },
    { ask: '10-244-1-5.empty.pod A', answers: [`10-244-1-5.empty.pod.${domain}. 5 IN A 10.244.1.5`] },
  ],
  verified: [
    { ask: '10-244-1-5.default.pod A', answers: [`10-244-1-5.default.pod.${domain}. 5 IN A 10.244.1.5`] },
    { ask: '10-244-1-5.default.pod AAAA' },
    {
      ask: 'fd00-244-1--5.default.pod AAAA',
      answers: [`fd00-244-1--5.default.pod.${domain}. 5 IN AAAA fd00:244:1::5`],
    },
    { ask: '10-244-1-6.default.pod A', rcode: nxdomain },
    { ask: '10-244-1-5.empty.pod A', rcode: nxdomain },
    { ask: '1-2-3-4.default.pod A', rcode: nxdomain },
  ],
};

for (const [podRecords, table] of Object.entries(podCases)) {
  test(`Pod records: ${podRecords}`, { skip: withoutDig }, async (t) => {
    const { at } = await clusterServer(t, { podRecords: podRecords as DnsOptions['podRecords'] & string });
    await askAll(at, table);
    await digAll(at, table);
  });
}

test('a denial may be kept for the TTL of the zone: as the SOA record’s own, and as its last field (RFC 2308)', {
  skip: withoutDig,
}, async (t) => {
  const { at } = await clusterServer(t, { ttlSeconds: 30 });
  for (const [name, status] of [
    ['gone.default.svc.cluster.local', nxdomain],
    ['web.default.svc.cluster.local', 'NOERROR'],
  ]) {
    for (const over of ['+notcp', '+tcp']) {
      const printed = await dig(at, over, name!, 'AAAA');
      assert.match(printed, new RegExp(`status: ${status},`));
      assert.match(printed, /\ncluster\.local\.\s+30\s+IN\s+SOA\s+ns\.dns\.cluster\.local\. .* 30\n/);
    }
  }
});

test('wildcards are answered only where somebody wants them', { skip: withoutDig }, async (t) => {
  const all = ['10.96.0.1', '10.96.1.1', '10.96.1.2', '10.244.1.10', '10.244.2.10', '10.244.1.30'];
  const asked = { ask: '*.default.svc A' };
  const off = [{ ...asked, rcode: nxdomain }];
  const on = [{ ...asked, answers: all.map((address) => `${svc('*.default')} 5 IN A ${address}`) }];
  for (const [wildcards, table] of [
    [false, off],
    [true, on],
  ] as const) {
    const { at } = await clusterServer(t, { wildcards });
    await askAll(at, table);
    await digAll(at, table);
  }
});

test('the answers of a name take turns, over UDP and TCP and for dig, and every client sees its own spelling', {
  skip: withoutDig,
}, async (t) => {
  const { at } = await clusterServer(t);
  const name = `dB.Default.sVc.${domain}`;
  const question = encodeQuestion({ name, type: 'A' });
  const asking: Record<string, () => Promise<string | undefined>> = {
    udp: async () => firstOf(decode(await exchangeUdp(at, question))),
    tcp: async () => firstOf(decode((await exchangeTcp(at, question))[0]!)),
    dig: async () => (await dig(at, '+noall', '+answer', name)).match(/^dB\.Default\.sVc\..*\sA\s+(\S+)$/m)?.[1],
  };
  const firstOf = (answer: Decoded) => {
    assert.equal(answer.questions?.[0]?.name, name);
    assert.equal(answer.answers?.[0]?.name, name);
    return zoneLines(answer.answers)[0]?.split(' ').at(-1);
  };
  let turn = 0;
  for (const [way, ask] of Object.entries(asking)) {
    for (let round = 0; round < 4; round++) {
      assert.equal(await ask(), ['10.244.1.10', '10.244.2.10'][turn++ % 2], `${way}, question ${round}`);
    }
  }
});
