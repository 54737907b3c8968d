import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { askAll, digAll, withoutDig } from '../testing/answer-table.ts';
import { corefileServer } from '../testing/corefile-server.ts';
import { extendedErrorOf } from '../testing/stub-client.ts';
import { zoneUpstream } from '../testing/zone-upstream.ts';

async function serverOf(t: TestContext, ...lines: string[]) {
  const { address, port } = await zoneUpstream(t, [
    { name: 'www.example', type: 'A', ttl: 60, data: '192.0.2.1' },
    { name: 'a.b.c.d.internal.cloudapp.net', type: 'A', ttl: 60, data: '192.0.2.2' },
    { name: 'vm.internal.cloudapp.net', type: 'A', ttl: 60, data: '192.0.2.3' },
  ]);
  const text = `.:0 {\n bind 127.0.0.1\n ${lines.join('\n ')}\n forward . ${address}:${port}\n}\n`;
  const started = await corefileServer(t, text);
  return { ...started, at: started.server.addresses[0]! };
}

const templates = [
  'template ANY ANY internal.cloudapp.net {',
  'match "^(?:[^.]+\\.){4,}internal\\.cloudapp\\.net\\.$"',
  'rcode NXDOMAIN',
  'fallthrough',
  '}',
  'template ANY ANY reddog.microsoft.com {',
  'rcode NXDOMAIN',
  '}',
  'template IN AAAA {',
  'rcode NOERROR',
  '}',
  'template IN A only.example {',
  'match ^ok\\.',
  'rcode REFUSED',
  '}',
];

const table = [
  { ask: 'a.b.c.d.internal.cloudapp.net A', rcode: 'NXDOMAIN', soa: false },
  { ask: 'vm.internal.cloudapp.net A', answers: ['vm.internal.cloudapp.net. 60 IN A 192.0.2.3'] },
  { ask: 'x.RedDog.Microsoft.com A', rcode: 'NXDOMAIN', soa: false },
  { ask: 'www.example AAAA', soa: false },
  { ask: 'www.example A', answers: ['www.example. 60 IN A 192.0.2.1'] },
  { ask: 'ok.only.example A', rcode: 'REFUSED', soa: false },
  // Without fallthrough a name that does not fit does not exist.
  { ask: 'other.only.example A', rcode: 'NXDOMAIN', soa: false },
] as const;

test('templates that say codes, as AKS has them, over UDP and TCP', async (t) => {
  const { at, ask } = await serverOf(t, ...templates);
  await askAll(at, table);
  assert.equal(extendedErrorOf(await ask('reddog.microsoft.com')), '17 A template of the Corefile answers so');
});

test('templates: dig reads the same', { skip: withoutDig }, async (t) => {
  const { at } = await serverOf(t, ...templates);
  await digAll(at, table);
});

async function dig(at: { address: string; port: number }, ...words: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('dig', [`@${at.address}`, '-p', String(at.port), '+tries=1', ...words]);
  return stdout;
}

test('chaos tells who the server is, in its own class only', { skip: withoutDig }, async (t) => {
  const { at } = await serverOf(t, 'chaos Version-7 "Ann Author" Bob');
  const short = async (...words: string[]) => (await dig(at, '+short', ...words)).trim().split('\n').sort();
  assert.deepEqual(await short('CH', 'TXT', 'version.bind'), ['"Version-7"']);
  assert.deepEqual(await short('CH', 'TXT', 'VERSION.server', '+tcp'), ['"Version-7"']);
  assert.deepEqual(await short('CH', 'TXT', 'authors.bind'), ['"Ann Author"', '"Bob"']);
  assert.deepEqual(await short('CH', 'TXT', 'hostname.bind'), [JSON.stringify(hostname())]);
  assert.deepEqual(await short('CH', 'TXT', 'id.server'), [JSON.stringify(hostname())]);
  assert.match(await dig(at, 'CH', 'TXT', 'www.example'), /status: REFUSED/);
  assert.match(await dig(at, 'HS', 'A', 'www.example'), /status: REFUSED/);
  assert.match(await dig(at, 'IN', 'TXT', 'version.bind'), /status: NXDOMAIN/);
});

test('a class may be rewritten, and is the client’s own in the answer', { skip: withoutDig }, async (t) => {
  const { at } = await serverOf(t, 'rewrite class CH IN');
  const found = await dig(at, 'CH', 'A', 'www.example');
  assert.match(found, /status: NOERROR/);
  assert.match(found, /^;www\.example\.\s+CH\s+A$/m);
  assert.match(found, /192\.0\.2\.1/);
  assert.match(await dig(at, 'HS', 'A', 'www.example'), /status: REFUSED/);
});
