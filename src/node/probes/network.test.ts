import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ManualClock, systemClock } from '../../base/clock.ts';
import { type HttpTarget, probeHttp } from './http.ts';
import { probeTcp } from './tcp.ts';

const never = new AbortController().signal;

async function listen(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function serve(t: TestContext, listener: RequestListener): Promise<HttpTarget> {
  const server = createServer(listener);
  t.after(() => server.closeAllConnections());
  const port = await listen(t, server);
  return { scheme: 'http', host: '127.0.0.1', port, path: '/', headers: [] };
}

const probe = (target: HttpTarget) => probeHttp(systemClock, target, 5000, never);

for (const [status, ok] of [
  [200, true],
  [204, true],
  [302, true],
  [399, true],
  [400, false],
  [404, false],
  [500, false],
  [503, false],
] as const) {
  test(`HTTP status ${status} is a ${ok ? 'success' : 'failure'}`, async (t) => {
    const target = await serve(t, (_request, response) => response.writeHead(status).end());
    const outcome = await probe(target);
    assert.equal(outcome.ok, ok);
    if (!ok) assert.equal(outcome.message, `HTTP probe failed with statuscode: ${status}`);
  });
}

test('The request is kubelet’s: path and query, its headers, those of the probe, a connection of its own', async (t) => {
  const seen: unknown[] = [];
  const target = await serve(t, ({ method, url, headers }, response) => {
    seen.push([method, url, headers['user-agent'], headers.accept, headers.host, headers['x-y'], headers.connection]);
    response.end();
  });
  const headers = [
    { name: 'Host', value: 'shop.example' },
    { name: 'X-Y', value: 'z' },
  ];
  await probe({ ...target, path: 'ready?full=1', headers });
  assert.deepEqual(seen, [['GET', '/ready?full=1', 'kube-probe/1.36', '*/*', 'shop.example', 'z', 'close']]);
});

test('A redirect is followed on the same host; another host is a success by itself', async (t) => {
  const target = await serve(t, ({ url }, response) => {
    const to: Record<string, string> = { '/here': '/bad', '/there': 'http://elsewhere.invalid/' };
    const location = to[url ?? ''];
    if (location) response.writeHead(302, { location }).end();
    else response.writeHead(500).end();
  });
  assert.equal((await probe({ ...target, path: '/here' })).ok, false);
  assert.equal((await probe({ ...target, path: '/there' })).ok, true);
});

test('Redirects in a circle end', async (t) => {
  let count = 0;
  const target = await serve(t, (_request, response) => {
    count++;
    response.writeHead(302, { location: '/' }).end();
  });
  const outcome = await probe(target);
  assert.equal(outcome.ok, false);
  assert.match(outcome.message, /stopped after 10 redirects/);
  assert.equal(count, 11);
});

test('A server that does not answer in time has failed', async (t) => {
  const clock = new ManualClock();
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const target = await serve(t, () => resolve());
  const outcome = probeHttp(clock, target, 3000, never);
  await asked;
  await clock.advance(3000);
  assert.deepEqual(await outcome, { ok: false, message: 'no answer within 3 s' });
});

test('A closed port is a failure that says where, for HTTP and TCP', async (t) => {
  const server = createTcpServer();
  const port = await listen(t, server);
  assert.deepEqual(await probeTcp(systemClock, '127.0.0.1', port, 5000, never), { ok: true, message: '' });
  await new Promise((resolve) => server.close(resolve));
  const target: HttpTarget = { scheme: 'http', host: '127.0.0.1', port, path: '/', headers: [] };
  for (const outcome of [await probe(target), await probeTcp(systemClock, '127.0.0.1', port, 5000, never)]) {
    assert.equal(outcome.ok, false);
    assert.match(outcome.message, new RegExp(`127\\.0\\.0\\.1:${port}.*ECONNREFUSED`));
  }
});

test('A server that speaks no HTTP is a failure', async (t) => {
  const server = createTcpServer((socket) => socket.end('SSH-2.0-x\r\n'));
  const port = await listen(t, server);
  const outcome = await probe({ scheme: 'http', host: '127.0.0.1', port, path: '/', headers: [] });
  assert.equal(outcome.ok, false);
});
