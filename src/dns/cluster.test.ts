import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApiServer } from '../apiserver/mod.ts';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/log.ts';
import { createClient } from '../client/mod.ts';
import { EndpointSlice, Namespace, Service } from '../kube/mod.ts';
import { createMemoryStore } from '../store/mod.ts';
import { startDns } from './start-dns.ts';
import { decode, encodeQuestion, exchangeUdp, zoneLines } from './testing/stub-client.ts';
import { until } from './testing/until.ts';

test('the names follow the real API server, through the real client', async (t) => {
  const store = createMemoryStore();
  const clock = systemClock;
  const log = silentLogger;
  const api = await createApiServer({ store, clock, log, advertiseAddress: '192.0.2.1', advertisePort: 6443 });
  const client = createClient({ userAgent: 'test', exchange: api.exchange });
  t.after(async () => {
    await client.close();
    await api.stop();
    await store.close();
  });
  const dns = await startDns({
    client,
    clock,
    log,
    options: { listen: [{ address: '127.0.0.1', port: 0 }], upstreams: [] },
  });
  t.after(() => dns.stop());
  await dns.synced;
  const ask = async (name: string) => {
    const answer = decode(await exchangeUdp(dns.addresses[0]!, encodeQuestion({ name, type: 'A' })));
    return [answer.rcode, ...zoneLines(answer.answers).map((line) => line.split(' ').at(-1))].join(' ');
  };
  /** Asks until the answer is there: a write is acknowledged before its watch event has come round. */
  const answers = async (name: string, wanted: string) => {
    let last = '';
    void (async () => {
      while (last !== wanted) last = await ask(name);
    })();
    await until(() => last === wanted);
  };

  assert.match(await ask('kubernetes.default.svc.cluster.local'), /^NOERROR 10\.96\.0\.1$/);
  assert.equal(await ask('web.shop.svc.cluster.local'), 'NXDOMAIN');
  await client.create(Namespace, { metadata: { name: 'shop' } });
  await answers('shop.svc.cluster.local', 'NOERROR');
  const port = { name: 'http', port: 80 };
  const web = await client.create(Service, { metadata: { name: 'web', namespace: 'shop' }, spec: { ports: [port] } });
  await answers('web.shop.svc.cluster.local', `NOERROR ${web.spec.clusterIP}`);
  await client.create(Service, {
    metadata: { name: 'db', namespace: 'shop' },
    spec: { clusterIP: 'None', ports: [port] },
  });
  const slice = await client.create(EndpointSlice, {
    metadata: { name: 'db-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'db' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 80 }],
    endpoints: [{ addresses: ['10.244.1.9'], conditions: { ready: true } }],
  });
  await answers('db.shop.svc.cluster.local', 'NOERROR 10.244.1.9');
  await client.update(EndpointSlice, {
    ...slice,
    endpoints: [{ addresses: ['10.244.1.9'], conditions: { ready: false } }],
  });
  await answers('db.shop.svc.cluster.local', 'NXDOMAIN');
  await client.delete(Service, 'web', { namespace: 'shop' });
  await answers('web.shop.svc.cluster.local', 'NXDOMAIN');
});
