import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TlsOptions } from 'node:tls';
import { issue, type KeyPair } from '../../apiserver/pki/issue.ts';
import { UsageError } from '../../base/errors.ts';
import { fakeUpstream } from '../testing/fake-upstream.ts';
import { fails, forwarding, good, silent, wanted } from '../testing/forwarding.ts';
import { until } from '../testing/until.ts';
import type { ForwardingOptions } from './options.ts';
import { socketAddressText } from './upstreams.ts';

const hourMs = 3_600_000;
const validity = { notBefore: new Date(Date.now() - hourMs), notAfter: new Date(Date.now() + hourMs) };
const authority = () => issue({ commonName: 'authority' }, 'ca', validity, undefined);

async function materials(t: TestContext) {
  const folder = mkdtempSync(path.join(tmpdir(), 'signalbox-dot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const ca = await authority();
  const server = (names: string[], addresses: string[], by: KeyPair = ca) =>
    issue({ commonName: 'resolver' }, { names, addresses }, validity, by);
  const file = (name: string, text: string) => {
    const at = path.join(folder, name);
    writeFileSync(at, text);
    return at;
  };
  const resolver = (pair: KeyPair, behave = good, more: TlsOptions = {}) =>
    fakeUpstream(t, behave, { tls: { cert: pair.certPem, key: pair.keyPem, ...more } });
  const read = (at: string) => readFileSync(at, 'utf8');
  const asking = (to: readonly string[], tls: ForwardingOptions['tls'], more: Partial<ForwardingOptions> = {}) =>
    forwarding(t, [], { to, tls, maxConnectAttempts: 1, ...more }, read);
  return { ca, caFile: file('ca.pem', ca.certPem), server, resolver, asking, file };
}

const tlsTo = (place: { address: string; port: number }, name = '') =>
  `tls://${place.address}${name && `%${name}`}:${place.port}`;

test('over TLS a certificate must bear the name that is asked for, or the address', async (t) => {
  const { caFile, server, resolver, asking } = await materials(t);
  const upstream = await resolver(await server(['dns.example.org'], ['127.0.0.1']));
  const named = { caFile, serverName: 'dns.example.org' };
  assert.deepEqual(await asking([tlsTo(upstream)], { caFile }).lines(), wanted);
  assert.deepEqual(await asking([tlsTo(upstream)], named).lines(), wanted);
  assert.deepEqual(await asking([tlsTo(upstream, 'dns.example.org')], { caFile }).lines(), wanted);
  const wrong = asking([tlsTo(upstream)], { caFile, serverName: 'dns.example.net' });
  await assert.rejects(wrong.ask(), fails('unanswered', /does not match certificate's altnames/));
  const nameOnly = await resolver(await server(['dns.example.org'], []));
  assert.deepEqual(await asking([tlsTo(nameOnly)], named).lines(), wanted);
  await assert.rejects(asking([tlsTo(nameOnly)], { caFile }).ask(), fails('unanswered', /altnames/));
  assert.ok(upstream.questions.every(({ overTcp }) => overTcp));
  assert.equal(upstream.questions.length, 3, 'nothing is told to somebody else');
});

test('an authority that is not trusted is not', async (t) => {
  const { caFile, server, resolver, asking } = await materials(t);
  const stranger = await resolver(await server([], ['127.0.0.1'], await authority()));
  await assert.rejects(asking([tlsTo(stranger)], { caFile }).ask(), fails('unanswered', /certificate/));
  // Without a file the machine's own authorities count, and none of them has signed this.
  await assert.rejects(asking([tlsTo(stranger)], {}).ask(), fails('unanswered', /certificate/));
  const trusted = await resolver(await server([], ['127.0.0.1']));
  const both = asking([tlsTo(stranger), tlsTo(trusted)], { caFile }, { maxConnectAttempts: 0 });
  assert.deepEqual(await both.lines(), wanted, 'the next one is asked');
});

test('a client certificate is shown to a resolver that wants one', async (t) => {
  const { ca, caFile, server, resolver, asking, file } = await materials(t);
  const client = await issue({ commonName: 'client' }, 'client', validity, ca);
  const pair = { certFile: file('cert.pem', client.certPem), keyFile: file('key.pem', client.keyPem) };
  const wanting = { requestCert: true, rejectUnauthorized: true, ca: ca.certPem };
  const upstream = await resolver(await server([], ['127.0.0.1']), good, wanting);
  assert.deepEqual(await asking([tlsTo(upstream)], { caFile, ...pair }).lines(), wanted);
  await assert.rejects(asking([tlsTo(upstream)], { caFile }).ask(), fails('unanswered', /certificate required|closed/));
});

test('connections over TLS are kept and shared, and a new one resumes the session', async (t) => {
  const { caFile, server, resolver, asking } = await materials(t);
  const upstream = await resolver(await server([], ['127.0.0.1']));
  const { lines, books, clock } = asking([tlsTo(upstream)], { caFile });
  for (let round = 0; round < 3; round++) await lines();
  const { hits, misses } = books.of(socketAddressText(upstream));
  assert.deepEqual([hits['tcp-tls'], misses['tcp-tls'], upstream.connections], [2, 1, 1]);
  await clock.advance(10_000);
  await until(() => upstream.openConnections === 0);
  assert.deepEqual(await lines(), wanted);
  assert.deepEqual(upstream.resumed, [false, true]);
});

test('health is checked over TLS as well', async (t) => {
  const { caFile, server, resolver, asking } = await materials(t);
  const dead = await resolver(await server([], ['127.0.0.1']), silent);
  const { ask, clock } = asking([tlsTo(dead)], { caFile });
  const failed = assert.rejects(ask(), fails('unanswered', /no answer/));
  await until(() => dead.questions.length === 1);
  await clock.advance(2000);
  await failed;
  await until(() => dead.checks.length === 1);
  assert.equal(dead.checks[0]!.overTcp, true);
});

test('files that cannot be used are told at the start', async (t) => {
  const { ca, caFile, asking, file } = await materials(t);
  const other = await authority();
  const pair = { certFile: file('cert.pem', ca.certPem), keyFile: file('key.pem', other.keyPem) };
  const refused = (tls: ForwardingOptions['tls'], about: RegExp) =>
    assert.throws(
      () => asking(['tls://127.0.0.1'], tls),
      (error) => error instanceof UsageError && about.test(error.message),
    );
  refused({ caFile: '/nonexistent/ca.pem' }, /^Read TLS file \/nonexistent\/ca\.pem: ENOENT/);
  refused({ caFile: file('junk.pem', 'junk') }, /^Read TLS file .*junk\.pem: /);
  refused(pair, /^Read TLS files .*cert\.pem, .*key\.pem: .*mismatch/);
  asking(['tls://127.0.0.1'], { caFile });
});
