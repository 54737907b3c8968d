import assert from 'node:assert/strict';
import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import dnsPacket from 'dns-packet';
import { issue } from '../../apiserver/pki/issue.ts';
import { answerTo, type UpstreamQuestion } from '../testing/fake-upstream.ts';
import { fails, forwarding, wanted } from '../testing/forwarding.ts';
import { until } from '../testing/until.ts';
import type { ForwardingOptions } from './options.ts';

const hourMs = 3_600_000;
const validity = { notBefore: new Date(Date.now() - hourMs), notAfter: new Date(Date.now() + hourMs) };
const serverName = 'dns.example.org';

interface Request {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly type: string | undefined;
  readonly id: number;
  respond(): void;
}

/** A resolver that speaks DNS over HTTPS; holds its answers until the test lets them go where it says so. */
async function httpsResolver(t: TestContext, { status = 200, holds = false } = {}) {
  const ca = await issue({ commonName: 'authority' }, 'ca', validity, undefined);
  const { certPem, keyPem } = await issue(
    { commonName: 'x' },
    { names: [serverName], addresses: ['127.0.0.1'] },
    validity,
    ca,
  );
  const requests: Request[] = [];
  const sessions: ServerHttp2Session[] = [];
  const server = createSecureServer({ cert: certPem, key: keyPem });
  server.on('session', (session) => sessions.push(session));
  server.on('stream', async (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {});
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const { ':method': method = '', ':path': path = '', ':authority': authority = '', 'content-type': type } = headers;
    const packet = method === 'GET' ? Buffer.from(path.split('?dns=')[1]!, 'base64url') : Buffer.concat(chunks);
    const decoded = dnsPacket.decode(packet);
    const respond = () => {
      if (stream.destroyed) return;
      stream.respond({ ':status': status, 'content-type': 'application/dns-message' });
      stream.end(answerTo({ decoded } as UpstreamQuestion, { addresses: ['192.0.2.1'] }));
    };
    requests.push({ method, path, authority, type, id: decoded.id!, respond });
    if (!holds) respond();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const asking = (to: string, more: Partial<ForwardingOptions> = {}) =>
    forwarding(t, [], { to: [to], tls: { caFile: 'ca.pem' }, maxConnectAttempts: 1, ...more }, () => ca.certPem);
  return { port, requests, sessions, asking };
}

test('questions go over HTTPS by POST or GET, with id 0, to the path that is named', async (t) => {
  const { port, requests, asking } = await httpsResolver(t);
  assert.deepEqual(await asking(`https://127.0.0.1:${port}`).lines(), wanted);
  assert.deepEqual(
    await asking(`https://127.0.0.1%${serverName}:${port}/own`, { dohMethod: 'GET' }).lines(true),
    wanted,
  );
  const [post, get] = requests;
  assert.deepEqual(
    [post!.method, post!.path, post!.authority, post!.type, post!.id],
    ['POST', '/dns-query', `127.0.0.1:${port}`, 'application/dns-message', 0],
  );
  assert.deepEqual([get!.method, get!.authority, get!.id], ['GET', serverName, 0]);
  assert.match(get!.path, /^\/own\?dns=[\w-]+$/);
});

test('requests share a connection, which is kept, and one that ends meanwhile costs no answer', async (t) => {
  const { port, requests, sessions, asking } = await httpsResolver(t, { holds: true });
  const { lines, clock, books } = asking(`https://127.0.0.1:${port}`);
  const burst = async (count: number) => {
    requests.length = 0;
    const asked = Array.from({ length: count }, () => lines());
    await until(() => requests.length === count);
    return asked;
  };
  const first = await burst(30);
  for (const { respond } of requests.toReversed()) respond();
  for (const answered of first) assert.deepEqual(await answered, wanted);
  assert.equal(sessions.length, 1);
  const { hits, misses } = books.of(`127.0.0.1:${port}`);
  assert.deepEqual([hits.https, misses.https], [29, 1]);
  const meanwhile = await burst(5);
  requests.length = 0;
  sessions[0]!.destroy();
  await until(() => requests.length === 5);
  for (const { respond } of requests) respond();
  for (const answered of meanwhile) assert.deepEqual(await answered, wanted);
  assert.equal(sessions.length, 2, 'the new one is shared too');
  const closed = Promise.withResolvers<void>();
  sessions.at(-1)!.on('close', closed.resolve);
  await clock.advance(10_000);
  await closed.promise;
});

test('what is no answer fails, and says how', async (t) => {
  const busy = await httpsResolver(t, { status: 503 });
  await assert.rejects(busy.asking(`https://127.0.0.1:${busy.port}`).ask(), fails('unanswered', /HTTP status 503/));
  const wrong = busy.asking(`https://127.0.0.1%other.example.org:${busy.port}`);
  await assert.rejects(wrong.ask(), fails('unanswered', /altnames/));
});
