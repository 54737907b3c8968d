import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { type HttpListener, listenHttp, type Pages } from '../../base/http-listener.ts';
import { silentLogger } from '../../base/log.ts';
import type { Node } from '../../kube/mod.ts';
import { FakeInformer } from '../testing/fake-informer.ts';
import { healthPages } from './health-pages.ts';
import { ProxyHealth } from './proxy-health.ts';
import { ServiceHealth } from './service-health.ts';

const timeoutMs = 60_000;

function health() {
  const clock = new ManualClock(Date.UTC(2026, 0, 2, 3, 4, 5, 670));
  return { clock, health: new ProxyHealth(clock, timeoutMs) };
}

async function serve(t: TestContext, pages: Pages) {
  const listener = listenHttp({
    host: '127.0.0.1',
    port: 0,
    pages,
    clock: new ManualClock(),
    log: silentLogger,
    onFailure: (error) => assert.fail(error),
  });
  t.after(() => listener.close());
  const port = await listener.listening;
  return (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init);
}

test('healthz and livez answer as kube-proxy does', async (t) => {
  const { clock, health: state } = health();
  const codes: string[] = [];
  const get = await serve(
    t,
    healthPages(state, clock, (page, code) => codes.push(`${page} ${code}`)),
  );
  const healthz = await get('/healthz?verbose');
  assert.equal(healthz.status, 200);
  assert.equal(healthz.headers.get('content-type'), 'application/json');
  assert.equal(healthz.headers.get('x-content-type-options'), 'nosniff');
  const time = '2026-01-02 03:04:05.67 +0000 UTC';
  assert.equal(await healthz.text(), `{"lastUpdated": "${time}","currentTime": "${time}", "nodeEligible": true}`);
  const livez = await get('/livez');
  assert.equal(await livez.text(), `{"lastUpdated": "${time}","currentTime": "${time}"}`);
  assert.equal((await get('/metrics')).status, 404);
  assert.equal((await get('/healthz', { method: 'POST' })).status, 405);
  assert.deepEqual(codes, ['healthz 200', 'livez 200']);
});

test('A node that goes away is not for load balancers, though the proxy lives', async (t) => {
  const { clock, health: state } = health();
  const nodes = new FakeInformer<Node>();
  state.watchNode(nodes, 'node1');
  const get = await serve(
    t,
    healthPages(state, clock, () => {}),
  );
  const statuses = async () => [(await get('/healthz')).status, (await get('/livez')).status];
  const node = (name: string, more: object, taints: object[] = []) =>
    ({ apiVersion: 'v1', kind: 'Node', metadata: { name, ...more }, spec: { taints } }) as unknown as Node;
  nodes.put(node('node2', { deletionTimestamp: '2026-01-01T00:00:00Z' }));
  assert.deepEqual(await statuses(), [200, 200]);
  nodes.put(node('node1', { resourceVersion: '1' }, [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }]));
  assert.deepEqual(await statuses(), [503, 200]);
  assert.match(await (await get('/healthz')).text(), /"nodeEligible": false\}$/);
  nodes.put(node('node1', { resourceVersion: '2' }, [{ key: 'other', effect: 'NoSchedule' }]));
  assert.deepEqual(await statuses(), [200, 200]);
  nodes.put(node('node1', { resourceVersion: '3', deletionTimestamp: '2026-01-01T00:00:00Z' }));
  assert.deepEqual(await statuses(), [503, 200]);
  nodes.delete('node1');
  assert.deepEqual(await statuses(), [503, 200]);
});

test('News that wait too long make the proxy unhealthy until they are written; starting up is healthy', async () => {
  const { clock, health: state } = health();
  state.queued('IPv4');
  await clock.advance(10 * timeoutMs);
  assert.deepEqual(state.state(), { healthy: true, lastUpdatedMs: 0 });
  state.synced('IPv4');
  const syncedMs = clock.now();
  await clock.advance(10 * timeoutMs);
  assert.equal(state.state().healthy, true);
  state.queued('IPv4');
  await clock.advance(timeoutMs - 1);
  state.queued('IPv4');
  assert.equal(state.state().healthy, true);
  await clock.advance(1);
  assert.deepEqual(state.state(), { healthy: false, lastUpdatedMs: syncedMs });
  state.synced('IPv6');
  assert.equal(state.state().healthy, false);
  state.synced('IPv4');
  assert.equal(state.state().healthy, true);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function serviceHealth(t: TestContext) {
  const { clock, health: state } = health();
  const events: string[] = [];
  const recorder = {
    record: (about: { metadata: { name: string } }, type: string, reason: string, message: string) => {
      events.push(`${about.metadata.name} ${type} ${reason} ${message}`);
    },
  };
  const hosts = () => ['127.0.0.1'];
  const checks = new ServiceHealth({ health: state, nodeName: 'node1', hosts, clock, log: silentLogger, recorder });
  t.after(() => checks.close());
  return { clock, state, events, checks };
}

test('A Service’s health check answers by its endpoints here and by the proxy’s own health', async (t) => {
  const { clock, state, checks } = serviceHealth(t);
  const nodePort = await freePort();
  const get = () => fetch(`http://127.0.0.1:${nodePort}/`);
  checks.set({ service: 'shop/web', nodePort, localEndpoints: 2 });
  await checks.listening();
  const answer = await get();
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('x-load-balancing-endpoint-weight'), '2');
  assert.equal(
    await answer.text(),
    '{\n\t"service": {\n\t\t"namespace": "shop",\n\t\t"name": "web"\n\t},\n\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}',
  );
  checks.set({ service: 'shop/web', nodePort, localEndpoints: 0 });
  assert.equal((await get()).status, 503);
  checks.set({ service: 'shop/web', nodePort, localEndpoints: 1 });
  assert.equal((await get()).status, 200);
  state.synced('IPv4');
  state.queued('IPv4');
  await clock.advance(timeoutMs);
  assert.equal((await get()).status, 503);
  checks.delete('shop/web');
  await assert.rejects(get());
});

test('A health check whose port is taken is told of once, and answers when the port is free', async (t) => {
  const { clock, events, checks } = serviceHealth(t);
  const nodePort = await freePort();
  const squatter = createServer().listen(nodePort, '127.0.0.1');
  await new Promise((resolve) => squatter.once('listening', resolve));
  checks.set({ service: 'shop/web', nodePort, localEndpoints: 1 });
  for (let i = 0; i < 1000 && events.length === 0; i++) await clock.advance(250);
  assert.equal(events.length, 1);
  assert.match(
    events[0]!,
    /^web Warning FailedToStartServiceHealthcheck node node1 failed to start healthcheck "shop\/web"/,
  );
  await new Promise((resolve) => squatter.close(resolve));
  await clock.advance(5000);
  await checks.listening();
  assert.equal((await fetch(`http://127.0.0.1:${nodePort}/`)).status, 200);
  assert.equal(events.length, 1);
});

test('A listener that was closed tries no more', async () => {
  const clock = new ManualClock();
  const squatter = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => squatter.once('listening', resolve));
  const { port } = squatter.address() as { port: number };
  const failed = Promise.withResolvers<void>();
  const pages = () => undefined;
  const onFailure = () => failed.resolve();
  const listener: HttpListener = listenHttp({ host: '127.0.0.1', port, pages, clock, log: silentLogger, onFailure });
  await failed.promise;
  assert.equal(clock.pendingTimers, 1);
  await listener.close();
  assert.equal(clock.pendingTimers, 0);
  await new Promise((resolve) => squatter.close(resolve));
});
