import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { askAll, type Case, digAll, withoutDig } from '../../testing/answer-table.ts';
import { corefileServer } from '../../testing/corefile-server.ts';
import { answerTo, fakeUpstream } from '../../testing/fake-upstream.ts';
import { extendedErrorOf, zoneLines } from '../../testing/stub-client.ts';
import { until } from '../../testing/until.ts';

const hostsText = `
# a comment
127.0.0.1  localhost localhost.localdomain
10.0.0.1   api.example.com API   # two names
10.0.0.2   api.example.com
fd00::1    api.example.com six.example.com
::ffff:10.0.0.9 mapped.example.com
fe80::1%eth0 link.example.com
10.0.0.1   api.example.com
0.0.0.0    ads.example.net
10.0.0.300 broken.example.com
10.0.0.4
10.0.0.5   ${'a'.repeat(64)}.example.com fine.example.com
`;

const fdReverse = `1.${'0.'.repeat(27)}0.0.d.f.ip6.arpa`;

const cases: readonly Case[] = [
  {
    ask: 'api.example.com A',
    answers: ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => `api.example.com. 60 IN A ${address}`),
  },
  { ask: 'api.example.com AAAA', answers: ['api.example.com. 60 IN AAAA fd00::1'] },
  { ask: 'API.Example.COM AAAA', answers: ['api.example.com. 60 IN AAAA fd00::1'] },
  { ask: 'api.example.com MX', soa: false },
  { ask: 'api A', answers: ['api. 60 IN A 10.0.0.1'] },
  { ask: 'six.example.com A', soa: false },
  { ask: 'mapped.example.com A', answers: ['mapped.example.com. 60 IN A 10.0.0.9'] },
  { ask: 'link.example.com AAAA', answers: ['link.example.com. 60 IN AAAA fe80::1'] },
  { ask: 'custom.example.com A', answers: ['custom.example.com. 60 IN A 10.0.0.4'] },
  { ask: 'fine.example.com A', answers: ['fine.example.com. 60 IN A 10.0.0.5'] },
  { ask: 'ads.example.net A', answers: ['ads.example.net. 60 IN A 0.0.0.0'] },
  {
    ask: '1.0.0.10.in-addr.arpa PTR',
    answers: ['api.example.com.', 'api.'].map((name) => `1.0.0.10.in-addr.arpa. 60 IN PTR ${name}`),
  },
  { ask: '4.0.0.10.in-addr.arpa PTR', answers: ['4.0.0.10.in-addr.arpa. 60 IN PTR custom.example.com.'] },
  { ask: '9.0.0.10.in-addr.arpa PTR', answers: ['9.0.0.10.in-addr.arpa. 60 IN PTR mapped.example.com.'] },
  {
    ask: `${fdReverse} PTR`,
    answers: ['api.example.com.', 'six.example.com.'].map((name) => `${fdReverse}. 60 IN PTR ${name}`),
  },
  // What no line has is the next plugin's: here a resolver that knows 192.0.2.53 for every name.
  { ask: 'sub.api.example.com A', answers: ['sub.api.example.com. 60 IN A 192.0.2.53'] },
  { ask: '*.example.com A', answers: ['*.example.com. 60 IN A 192.0.2.53'] },
  { ask: 'broken.example.com A', answers: ['broken.example.com. 60 IN A 192.0.2.53'] },
  { ask: '8.0.0.10.in-addr.arpa PTR', answers: ['8.0.0.10.in-addr.arpa. 60 IN A 192.0.2.53'] },
  { ask: '1.0.0.10.in-addr.arpa A', answers: ['1.0.0.10.in-addr.arpa. 60 IN A 192.0.2.53'] },
];

function hostsDirectory(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'hosts-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

async function hostsServer(t: TestContext, lines: readonly string[]) {
  const beyond = await fakeUpstream(t, (question) => question.reply(answerTo(question, { addresses: ['192.0.2.53'] })));
  const { address, port } = beyond;
  const text = `.:0 {\n bind 127.0.0.1\n prometheus 127.0.0.1:0\n ${lines.join('\n ')}\n forward . ${address}:${port}\n}\n`;
  return corefileServer(t, text);
}

async function metricsOf({ server }: Awaited<ReturnType<typeof hostsServer>>): Promise<string> {
  const port = await server.portOf({ host: '127.0.0.1', port: 0 });
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

const options = ['10.0.0.3 api.example.com', '10.0.0.4 custom.example.com', 'ttl 60', 'fallthrough', '}'];

test('names and addresses of a hosts file and of its own lines, over UDP and TCP', async (t) => {
  const file = path.join(hostsDirectory(t), 'hosts');
  writeFileSync(file, hostsText);
  const { server } = await hostsServer(t, [`hosts ${file} {`, ...options]);
  await askAll(server.addresses[0]!, cases);
});

test('dig reads the same answers', { skip: withoutDig }, async (t) => {
  const file = path.join(hostsDirectory(t), 'hosts');
  writeFileSync(file, hostsText);
  const { server } = await hostsServer(t, [`hosts ${file} {`, ...options]);
  await digAll(server.addresses[0]!, cases);
});

test('without fallthrough a name that no line has is SERVFAIL, in its zones only', async (t) => {
  const { ask } = await hostsServer(t, ['hosts /nowhere example.com {', '10.0.0.1 api.example.com api', '}']);
  const missing = await ask('gone.example.com');
  assert.deepEqual(
    [missing.rcode, extendedErrorOf(missing)],
    ['SERVFAIL', '0 No line of the hosts file has this name, and no fallthrough'],
  );
  assert.equal((await ask('api.example.com')).rcode, 'NOERROR');
  // Not in a zone of the directive: neither as a name nor for its address.
  assert.deepEqual(zoneLines((await ask('api')).answers), ['api. 60 IN A 192.0.2.53']);
  const pointers = zoneLines((await ask('1.0.0.10.in-addr.arpa', 'PTR')).answers);
  assert.deepEqual(pointers, ['1.0.0.10.in-addr.arpa. 3600 IN PTR api.example.com.']);
});

test('fallthrough may be for some zones, and no_reverse leaves addresses without names', async (t) => {
  const { ask } = await hostsServer(t, [
    'hosts /nowhere {',
    '10.0.0.1 api.example.com',
    'no_reverse',
    'fallthrough example.net',
    '}',
  ]);
  assert.equal((await ask('gone.example.com')).rcode, 'SERVFAIL');
  assert.equal((await ask('gone.example.net')).rcode, 'NOERROR');
  assert.deepEqual(zoneLines((await ask('1.0.0.10.in-addr.arpa', 'PTR')).answers), [
    '1.0.0.10.in-addr.arpa. 60 IN A 192.0.2.53',
  ]);
});

test('the file is followed, as a ConfigMap is replaced: behind a symbolic link; what was read holds while it is missing', async (t) => {
  const directory = hostsDirectory(t);
  const file = path.join(directory, 'hosts');
  writeFileSync(path.join(directory, 'first'), '10.0.0.1 one.example.com\n');
  symlinkSync('first', file);
  const started = await hostsServer(t, [`hosts ${file} {`, '10.0.0.9 own.example.com', 'reload 10ms', '}']);
  const { ask, logs } = started;
  assert.equal((await ask('one.example.com')).rcode, 'NOERROR');
  assert.match(await metricsOf(started), /^coredns_hosts_entries 4$/m);
  assert.match(await metricsOf(started), /^coredns_hosts_reload_timestamp_seconds \d{10}/m);

  writeFileSync(path.join(directory, 'second'), '10.0.0.2 two.example.com alias.example.com\n');
  symlinkSync('second', path.join(directory, 'next'));
  renameSync(path.join(directory, 'next'), file);
  await until(() => logs.filter((line) => line.includes('Read hosts')).length === 2);
  assert.equal((await ask('one.example.com')).rcode, 'SERVFAIL');
  assert.deepEqual(zoneLines((await ask('alias.example.com')).answers), ['alias.example.com. 3600 IN A 10.0.0.2']);
  assert.match(await metricsOf(started), /^coredns_hosts_entries 6$/m);

  unlinkSync(file);
  await until(() => logs.some((line) => line.includes('A file cannot be read')));
  assert.equal((await ask('two.example.com')).rcode, 'NOERROR');
  assert.equal((await ask('own.example.com')).rcode, 'NOERROR');
});
