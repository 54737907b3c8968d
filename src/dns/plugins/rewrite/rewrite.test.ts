import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Answer } from 'dns-packet';
import { askAll, type Case, digAll, withoutDig } from '../../testing/answer-table.ts';
import { corefileServer } from '../../testing/corefile-server.ts';
import {
  decode,
  encodeQuestion,
  exchangeTcp,
  exchangeUdp,
  extendedErrorOf,
  zoneLines,
} from '../../testing/stub-client.ts';
import { zoneUpstream } from '../../testing/zone-upstream.ts';

const zone: Answer[] = [
  { name: 'web.new.example', type: 'A', ttl: 60, data: '192.0.2.1' },
  { name: 'web.new.example', type: 'A', ttl: 60, data: '192.0.2.2' },
  { name: 'ftp.service.us-west-1.consul', type: 'A', ttl: 600, data: '10.10.10.10' },
  { name: 'alias.new.example', type: 'CNAME', ttl: 60, data: 'web.new.example' },
  { name: 'new.example', type: 'MX', ttl: 60, data: { preference: 10, exchange: 'mail.new.example' } },
  { name: 'new.example', type: 'NS', ttl: 60, data: 'ns.new.example' },
  {
    name: 'new.example',
    type: 'SOA',
    ttl: 60,
    data: {
      mname: 'ns.new.example',
      rname: 'root.new.example',
      serial: 1,
      refresh: 2,
      retry: 3,
      expire: 4,
      minimum: 5,
    },
  },
  {
    name: '_sip._udp.new.example',
    type: 'SRV',
    ttl: 60,
    data: { priority: 1, weight: 2, port: 5060, target: 'sip.new.example' },
  },
  {
    name: 'new.example',
    type: 'NAPTR',
    ttl: 60,
    data: {
      order: 1,
      preference: 2,
      flags: 's',
      services: 'SIP+D2U',
      regexp: '',
      replacement: '_sip._udp.new.example',
    },
  },
  { name: '4.3.2.1.in-addr.arpa', type: 'PTR', ttl: 60, data: 'host.new.example' },
  { name: 'new.example', type: 'TXT', ttl: 60, data: 'web.new.example' },
  { name: 'six.example', type: 'AAAA', ttl: 60, data: '2001:db8::6' },
  { name: 'cdn.example', type: 'CNAME', ttl: 60, data: 'far.cdn.example' },
  { name: 'far.cdn.example', type: 'A', ttl: 60, data: '192.0.2.80' },
  { name: 'near.cdn.example', type: 'A', ttl: 61, data: '192.0.2.81' },
];
const soa = 'example. 300 IN SOA ns.example. root.example. SERIAL 2 3 4 5';
const authorities = [soa];

interface Rows {
  readonly rules: readonly string[];
  readonly table: readonly Case[];
}

const tables: Readonly<Record<string, Rows>> = {
  'a whole name, and back by itself': {
    rules: ['rewrite name old.test web.new.example'],
    table: [
      { ask: 'old.test A', answers: ['192.0.2.1', '192.0.2.2'].map((address) => `old.test. 60 IN A ${address}`) },
      { ask: 'OLD.Test A', answers: ['192.0.2.1', '192.0.2.2'].map((address) => `old.test. 60 IN A ${address}`) },
      { ask: 'web.new.example A', answers: ['192.0.2.1', '192.0.2.2'].map((at) => `web.new.example. 60 IN A ${at}`) },
    ],
  },
  'a whole name, with the names below it where answers lead to them': {
    rules: ['rewrite name exact old.test new.example', 'rewrite name _sip._udp.old.test _sip._udp.new.example'],
    table: [
      { ask: 'old.test NS', answers: ['old.test. 60 IN NS ns.old.test.'] },
      { ask: 'old.test SOA', answers: ['old.test. 60 IN SOA ns.old.test. root.new.example. SERIAL 2 3 4 5'] },
      { ask: 'old.test MX', answers: ['old.test. 60 IN MX 10 mail.old.test.'] },
      { ask: 'old.test NAPTR', answers: ['old.test. 60 IN NAPTR 1 2 "s" "SIP+D2U" "" _sip._udp.old.test.'] },
      { ask: 'old.test TXT', answers: ['old.test. 60 IN TXT "web.new.example"'] },
      // The second rule knows its own name only: CoreDNS's way back is as short.
      {
        ask: '_sip._udp.old.test SRV',
        answers: ['_sip._udp.old.test. 60 IN SRV 1 2 5060 sip.new.example.'],
      },
    ],
  },
  'a suffix, without a way back unless told': {
    rules: ['rewrite name suffix .old.test .new.example'],
    table: [
      { ask: 'web.old.test A', answers: ['192.0.2.1', '192.0.2.2'].map((at) => `web.new.example. 60 IN A ${at}`) },
    ],
  },
  'a suffix and back, in owner names and in what they lead to': {
    rules: ['rewrite name suffix old.test new.example answer auto'],
    table: [
      {
        ask: 'alias.old.test A',
        answers: [
          'alias.old.test. 60 IN CNAME web.old.test.',
          'web.old.test. 60 IN A 192.0.2.1',
          'web.old.test. 60 IN A 192.0.2.2',
        ],
      },
      { ask: '_sip._udp.old.test SRV', answers: ['_sip._udp.old.test. 60 IN SRV 1 2 5060 sip.old.test.'] },
      { ask: 'old.test NS', answers: ['old.test. 60 IN NS ns.old.test.'] },
      { ask: 'gone.old.test A', rcode: 'NXDOMAIN', authorities },
    ],
  },
  'a prefix and a part of a name, which end with a label': {
    rules: ['rewrite name prefix ancient web answer auto', 'rewrite name substring old.test new.example answer auto'],
    table: [
      {
        ask: 'ancient.new.example A',
        answers: ['192.0.2.1', '192.0.2.2'].map((at) => `ancient.new.example. 60 IN A ${at}`),
      },
      { ask: 'web.old.test A', answers: ['192.0.2.1', '192.0.2.2'].map((at) => `web.old.test. 60 IN A ${at}`) },
      { ask: 'ancientx.new.example A', rcode: 'NXDOMAIN', authorities },
    ],
  },
  'an expression with groups, and one for the way back': {
    rules: [
      'rewrite stop {',
      'name regex (.*)-(us-west-1)\\.coredns\\.rocks {1}.service.{2}.consul',
      'answer name (.*)\\.service\\.(us-west-1)\\.consul {1}-{2}.coredns.rocks',
      '}',
    ],
    table: [
      {
        ask: 'FTP-us-west-1.coredns.rocks A',
        answers: ['ftp-us-west-1.coredns.rocks. 600 IN A 10.10.10.10'],
      },
      { ask: 'ftp-us-west-2.coredns.rocks A', rcode: 'NXDOMAIN', authorities },
    ],
  },
  'values by expressions of their own': {
    rules: [
      'rewrite stop {',
      'name regex (.*)\\.old\\.test {1}.new.example',
      'answer name (.*)\\.new\\.example {1}.old.test',
      'answer value (.*)\\.new\\.example {1}.out.test',
      '}',
    ],
    table: [
      {
        ask: 'alias.old.test A',
        answers: [
          'alias.old.test. 60 IN CNAME web.out.test.',
          'web.old.test. 60 IN A 192.0.2.1',
          'web.old.test. 60 IN A 192.0.2.2',
        ],
      },
      { ask: '_sip._udp.old.test SRV', answers: ['_sip._udp.old.test. 60 IN SRV 1 2 5060 sip.out.test.'] },
    ],
  },
  'a whole name with an expression for the answer: that comes first, as CoreDNS has it': {
    rules: ['rewrite name exact old.test web.new.example answer name (.*)\\.new\\.example {1}.shown.test'],
    table: [{ ask: 'old.test A', answers: ['192.0.2.1', '192.0.2.2'].map((at) => `web.shown.test. 60 IN A ${at}`) }],
  },
  'reverse names lead to what answer value makes of them': {
    rules: ['rewrite name regex (.*)\\.in-addr\\.arpa {1}.in-addr.arpa answer value (.*)\\.new\\.example {1}.old.test'],
    table: [{ ask: '4.3.2.1.in-addr.arpa PTR', answers: ['4.3.2.1.in-addr.arpa. 60 IN PTR host.old.test.'] }],
  },
  'rules that go on, undone in their order; rules that stop': {
    rules: [
      'rewrite continue name suffix .older.test .old.test answer auto',
      'rewrite continue name suffix .old.test .new.example answer auto',
      'rewrite stop ttl suffix .new.example 5',
      'rewrite ttl suffix .new.example 7',
    ],
    table: [
      {
        ask: 'web.older.test A',
        answers: ['192.0.2.1', '192.0.2.2'].map((address) => `web.older.test. 5 IN A ${address}`),
      },
    ],
  },
  'TTLs, within a range or to one': {
    rules: [
      'rewrite continue ttl suffix .consul 30-300',
      'rewrite continue ttl prefix web. 90-',
      'rewrite continue ttl exact near.cdn.example -7',
      'rewrite ttl regex ^six\\. 0',
    ],
    table: [
      { ask: 'ftp.service.us-west-1.consul A', answers: ['ftp.service.us-west-1.consul. 300 IN A 10.10.10.10'] },
      { ask: 'web.new.example A', answers: ['192.0.2.1', '192.0.2.2'].map((at) => `web.new.example. 90 IN A ${at}`) },
      { ask: 'near.cdn.example A', answers: ['near.cdn.example. 7 IN A 192.0.2.81'] },
      { ask: 'six.example AAAA', answers: ['six.example. 0 IN AAAA 2001:db8::6'] },
    ],
  },
  'response codes': {
    rules: ['rewrite rcode suffix .new.example NXDOMAIN NOERROR', 'rewrite rcode regex ^web 0 REFUSED'],
    table: [
      { ask: 'gone.new.example A', rcode: 'NOERROR', authorities },
      { ask: 'gone.example A', rcode: 'NXDOMAIN', authorities },
    ],
  },
  'types, with the client’s own in the question': {
    rules: ['rewrite type A AAAA'],
    table: [{ ask: 'six.example A', answers: ['six.example. 60 IN AAAA 2001:db8::6'] }],
  },
  'where aliases lead to': {
    rules: ['rewrite cname exact far.cdn.example near.cdn.example'],
    table: [
      {
        ask: 'cdn.example A',
        answers: ['cdn.example. 60 IN CNAME near.cdn.example.', 'near.cdn.example. 61 IN A 192.0.2.81'],
      },
      { ask: 'cdn.example CNAME', answers: ['cdn.example. 60 IN CNAME near.cdn.example.'] },
      { ask: 'far.cdn.example A', answers: ['far.cdn.example. 60 IN A 192.0.2.80'] },
    ],
  },
};

async function rewriteServer(t: TestContext, lines: readonly string[]) {
  const beyond = await zoneUpstream(
    t,
    zone,
    [{ name: 'ns.new.example', type: 'A', ttl: 60, data: '192.0.2.3' }].slice(1) as Answer[],
  );
  const text = `.:0 {\n bind 127.0.0.1\n ${lines.join('\n ')}\n forward . ${beyond.address}:${beyond.port}\n}\n`;
  const started = await corefileServer(t, text);
  return { ...started, beyond, at: started.server.addresses[0]! };
}

for (const [title, { rules, table }] of Object.entries(tables)) {
  test(`rewritten: ${title}, over UDP and TCP`, async (t) => {
    const { at } = await rewriteServer(t, rules);
    await askAll(at, table);
  });

  test(`rewritten: ${title}; dig reads the same`, { skip: withoutDig }, async (t) => {
    const { at } = await rewriteServer(t, rules);
    await digAll(at, table);
  });
}

test('the question comes back as the client has spelled it, and the resolver is asked for the other name only', async (t) => {
  const { at, beyond } = await rewriteServer(t, ['rewrite name suffix .old.test .new.example answer auto']);
  const question = encodeQuestion({ name: 'wEb.OLD.test', type: 'A', ednsBytes: 1232 });
  for (const message of [await exchangeUdp(at, question), (await exchangeTcp(at, question))[0]!]) {
    const answer = decode(message);
    assert.equal(answer.questions?.[0]?.name, 'wEb.OLD.test');
    assert.equal(answer.answers?.[0]?.name, 'wEb.OLD.test');
  }
  assert.deepEqual(
    [...new Set(beyond.questions.map(({ decoded }) => decoded.questions![0]!.name))],
    ['web.new.example'],
  );
});

test('a name that a rule makes too long, or empty in the middle, is SERVFAIL with the reason', async (t) => {
  const { ask } = await rewriteServer(t, [
    `rewrite name prefix long ${'a.'.repeat(130)}`,
    'rewrite name substring hole .',
    'rewrite name regex ^wide\\.(.*) {1}{1}{1}{1}{1}{1}{1}{1}',
  ]);
  for (const name of ['long.example', 'a.hole.example', `wide.${'b'.repeat(40)}.example`]) {
    const answer = await ask(name);
    assert.deepEqual(
      [answer.rcode, extendedErrorOf(answer)],
      ['SERVFAIL', '0 A rewrite rule makes no valid name of this one'],
      name,
    );
  }
});

test('the client is told of which name the reason is', async (t) => {
  const { ask } = await corefileServer(
    t,
    '.:0 {\n bind 127.0.0.1\n rewrite name old.test new.test\n hosts /nowhere {\n  10.0.0.1 other.test\n }\n}\n',
  );
  const answer = await ask('old.test');
  assert.equal(
    extendedErrorOf(answer),
    '0 Rewritten to new.test: No line of the hosts file has this name, and no fallthrough',
  );
});

test('answers that are kept ready take turns under their other name too, each client by its own question', async (t) => {
  const { ask } = await corefileServer(
    t,
    `.:0 {
  bind 127.0.0.1
  rewrite name one.test web.test
  rewrite name two.test web.test
  hosts /nowhere {
    10.0.0.1 web.test
    10.0.0.2 web.test
  }
}
`,
  );
  const seen: string[][] = [];
  for (const name of ['one.test', 'one.test', 'two.test', 'one.test', 'one.test']) {
    seen.push(zoneLines((await ask(name)).answers));
  }
  for (const [index, lines] of seen.entries()) {
    const name = index === 2 ? 'two.test' : 'one.test';
    assert.deepEqual(
      lines.toSorted(),
      ['10.0.0.1', '10.0.0.2'].map((address) => `${name}. 3600 IN A ${address}`),
    );
  }
  assert.notEqual(seen[3]![0], seen[4]![0], 'they take turns');
});

test('what an access list forbids cannot be had by another name', async (t) => {
  const { ask } = await rewriteServer(t, [
    'acl new.example {',
    'block',
    '}',
    'rewrite name suffix .old.test .new.example answer auto',
  ]);
  assert.equal((await ask('web.old.test')).rcode, 'REFUSED');
});

test('no expression can hold the server up, whatever name it looks at', async (t) => {
  const { ask } = await rewriteServer(t, [
    'rewrite continue name regex ^((a+)+)+\\.x$ b.test',
    'rewrite continue name regex (.*)*(.*)*(.*)*=\\. b.test',
    'rewrite continue ttl regex (a?){50}a{50}z 5',
  ]);
  const label = 'a'.repeat(63);
  const name = `${label}.${label}.${label}.example`;
  // Each of them would keep a backtracking engine busy for longer than anybody waits.
  assert.equal((await ask(name)).rcode, 'NXDOMAIN');
});
