import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStore } from '../store/mod.ts';
import { unfinishedKey } from '../store/snapshot/mod.ts';
import { serviceBody, startTestServer } from './test-server.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, data: Record<string, string> = {}) => ({ metadata: { name }, data });
const namesOf = (items: readonly { metadata: { name: string } }[]) => items.map(({ metadata }) => metadata.name);

test('a restart finds everything, and lets a client watch on from before it', async (t) => {
  const store = createMemoryStore();
  const first = await startTestServer(t, { store });
  const service = await first.ok('POST', '/api/v1/namespaces/default/services', serviceBody('a'));
  await first.ok('POST', configMaps, configMap('a'));
  await first.server.stop();
  const second = await startTestServer(t, { store });
  const found = await second.ok('GET', '/api/v1/namespaces/default/services/a');
  assert.deepEqual(found, service);
  const lines = await second.watch(`${configMaps}?watch=1&resourceVersion=${service.metadata.resourceVersion}`);
  assert.equal((await lines.next())?.object.metadata.name, 'a');
  assert.equal((await second.ok('GET', '/api/v1/namespaces')).items.length, 4);
});

test('a store that has closed makes the server unfit, and is said so', async (t) => {
  const { server, store, call, refused } = await startTestServer(t);
  await store.close();
  assert.equal((await call('GET', '/readyz')).status, 500);
  assert.equal((await call('GET', '/livez')).status, 200);
  await refused(503, 'GET', configMaps);
  await refused(503, 'POST', configMaps, configMap('a'));
  await server.stop();
});

test('Events end after an hour', async (t) => {
  const { ok, clock } = await startTestServer(t);
  const events = '/api/v1/namespaces/default/events';
  await ok('POST', events, {
    metadata: { name: 'old' },
    involvedObject: { kind: 'Pod', name: 'a', namespace: 'default' },
  });
  await clock.advance(50 * 60_000);
  await ok('POST', events, {
    metadata: { name: 'new' },
    involvedObject: { kind: 'Pod', name: 'a', namespace: 'default' },
  });
  await clock.advance(15 * 60_000);
  const { items } = await ok('GET', events);
  assert.deepEqual(namesOf(items), ['new']);
});

test('refuses to advertise an address that leads nowhere', async (t) => {
  for (const advertiseAddress of ['127.0.0.1', '0.0.0.0', 'here'])
    await assert.rejects(startTestServer(t, { advertiseAddress }), {
      name: 'UsageError',
      message: /Advertise the API server/,
    });
});

test('does not serve half of a backup', async (t) => {
  const store = createMemoryStore();
  await store.commit([{ type: 'create', key: unfinishedKey, value: '' }]);
  await assert.rejects(startTestServer(t, { store }), /a backup was being restored to it, and is not there as a whole/);
  assert.equal(store.revision, 2);
});

test('a backup is for those who may everything', async (t) => {
  const { server } = await startTestServer(t);
  const ask = async (user: { name: string; groups: string[] }) =>
    (await server.exchange({ ...{ method: 'GET', url: '/signalbox/backup', headers: {} }, user, signal: never }))
      .status;
  assert.equal(await ask({ name: 'somebody', groups: ['system:authenticated'] }), 403);
  assert.equal(await ask({ name: 'system:node:a', groups: ['system:nodes', 'system:authenticated'] }), 403);
  assert.equal(await ask({ name: 'admin', groups: ['system:masters', 'system:authenticated'] }), 200);
});

const never = new AbortController().signal;
