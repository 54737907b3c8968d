import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ensurePki, serveHttps } from '../../src/apiserver/mod.ts';
import { issueClientCertificate, type Pki } from '../../src/apiserver/pki/pki.ts';
import { startTestServer } from '../../src/apiserver/test-server.ts';
import { ManualClock, systemClock } from '../../src/base/clock.ts';
import type { Exchange } from '../../src/base/exchange.ts';
import { silentLogger } from '../../src/base/log.ts';
import { createClient, http2Exchange, loadKubeconfig } from '../../src/client/mod.ts';
import { Service } from '../../src/kube/mod.ts';

/** The project's API server behind TLS, a kubeconfig whose certificates are files, and a client that has read it once. */
async function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-rotation-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const authority = (name: string) =>
    ensurePki({ dir: join(folder, name), addresses: ['127.0.0.1'], clock: systemClock });
  const first = await authority('first');
  const { server } = await startTestServer(t);
  const users: string[] = [];
  const answer: Exchange = (request) => {
    users.push(request.user?.name ?? 'nobody');
    return server.answer(request);
  };
  const serve = async (pki: Pki, port: number) => {
    const front = await serveHttps(
      { answer, authenticate: server.authenticate },
      { address: '127.0.0.1', port, pki, clock: systemClock, log: silentLogger },
    );
    t.after(() => front.close());
    return front;
  };
  const issue = (pki: Pki, commonName: string) =>
    issueClientCertificate({ pki, clock: systemClock, commonName, organizations: ['system:masters'] });
  const file = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const front = await serve(first, 0);
  const pair = await issue(first, 'one');
  file('ca.crt', first.caPem);
  file('client.crt', pair.certPem);
  file('client.key', pair.keyPem);
  file(
    'kubeconfig',
    `
current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:${front.port}", certificate-authority: ca.crt}}]
users: [{name: u, user: {client-certificate: client.crt, client-key: client.key}}]
`,
  );
  const clock = new ManualClock();
  // Time moves by hand and in leaps: no answer to a ping would be in time.
  const pingIntervalMs = 3_600_000;
  const client = createClient({
    ...http2Exchange({ ...loadKubeconfig(join(folder, 'kubeconfig')), clock, pingIntervalMs }),
    userAgent: 'test',
  });
  t.after(() => client.close());
  /** Who the server has taken the client for. */
  const list = async () => {
    await client.list(Service);
    return users.at(-1);
  };
  return { authority, client, clock, file, first, front, issue, list, serve };
}

test('A renewed client certificate is used within a minute, and the watch that is there goes on', async (t) => {
  const { client, clock, file, first, issue, list } = await setUp(t);
  assert.equal(await list(), 'one');
  const { resourceVersion } = await client.list(Service);
  const events = client.watch(Service, { resourceVersion })[Symbol.asyncIterator]();
  const next = events.next();
  const renewed = await issue(first, 'two');
  file('client.crt', renewed.certPem);
  await clock.advance(60_000);
  assert.equal(await list(), 'one', 'a certificate without its key is not used');
  file('client.key', renewed.keyPem);
  await clock.advance(60_000);
  assert.equal(await list(), 'two');
  const spec = { ports: [{ port: 80 }] };
  await client.create(Service, { metadata: { name: 'web', namespace: 'default' }, spec } as never);
  const { value } = await next;
  assert.equal(value.type, 'ADDED');
  await events.return?.();
});

test('A server with certificates of another authority is reached once its files are there', async (t) => {
  const { authority, file, front, issue, list, serve } = await setUp(t);
  assert.equal(await list(), 'one');
  await front.close();
  const second = await authority('second');
  await serve(second, front.port);
  await assert.rejects(list(), /Talk to https:/);
  const pair = await issue(second, 'two');
  file('ca.crt', second.caPem);
  file('client.crt', pair.certPem);
  file('client.key', pair.keyPem);
  assert.equal(await list(), 'two', 'a refused connection makes it look at once');
});

test('A file that has become no certificate leaves the last one in force', async (t) => {
  const { clock, file, list } = await setUp(t);
  assert.equal(await list(), 'one');
  file('client.crt', '-----BEGIN CERTIFICATE-----\nnone\n');
  await clock.advance(60_000);
  assert.equal(await list(), 'one');
});
