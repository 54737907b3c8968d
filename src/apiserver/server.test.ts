import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMemoryStore } from '../store/mod.ts';
import { asTable, mergePatch, podBody, serviceBody, startTestServer } from './test-server.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const configMap = (name: string, data: Record<string, string> = {}) => ({ metadata: { name }, data });
const deployment = (name: string) => ({
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  },
});

const namesOf = (items: readonly { metadata: { name: string } }[]) => items.map(({ metadata }) => metadata.name);

describe('writing', () => {
  test('a stale resourceVersion is refused, none at all overwrites', async (t) => {
    const { ok, refused } = await startTestServer(t);
    const first = await ok('POST', configMaps, configMap('a', { n: '1' }));
    await ok('PUT', `${configMaps}/a`, configMap('a', { n: '2' }));
    const why = await refused(409, 'PUT', `${configMaps}/a`, { ...first, data: { n: '3' } });
    assert.match(why, /^Operation cannot be fulfilled on configmaps "a": the object has been modified/);
    const patch = { metadata: { resourceVersion: first.metadata.resourceVersion }, data: { n: '3' } };
    await refused(409, 'PATCH', `${configMaps}/a`, patch, mergePatch);
    assert.deepEqual((await ok('GET', `${configMaps}/a`)).data, { n: '2' });
  });

  test('concurrent patches all get through', async (t) => {
    const { ok } = await startTestServer(t);
    await ok('POST', configMaps, configMap('a'));
    const names = Array.from({ length: 40 }, (_, index) => `k${index}`);
    await Promise.all(names.map((name) => ok('PATCH', `${configMaps}/a`, { data: { [name]: 'x' } }, mergePatch)));
    assert.deepEqual(Object.keys((await ok('GET', `${configMaps}/a`)).data).sort(), names.sort());
  });

  test('a write that changes nothing makes no new version', async (t) => {
    const { ok, store } = await startTestServer(t);
    const first = await ok('POST', configMaps, configMap('a', { n: '1' }));
    const { revision } = store;
    const again = await ok('PUT', `${configMaps}/a`, configMap('a', { n: '1' }));
    assert.equal(again.metadata.resourceVersion, first.metadata.resourceVersion);
    assert.equal(store.revision, revision);
  });

  test('the server alone says uid, times and generation', async (t) => {
    const { ok } = await startTestServer(t);
    const lies = { uid: 'u', creationTimestamp: '2000-01-01T00:00:00Z', generation: 9, managedFields: [{}] };
    const { metadata } = await ok('POST', deployments, {
      ...deployment('a'),
      metadata: { name: 'a', ...lies, deletionTimestamp: '2000-01-01T00:00:00Z' },
    });
    assert.notEqual(metadata.uid, 'u');
    assert.equal(metadata.creationTimestamp, '2026-01-01T00:00:00Z');
    assert.equal(metadata.generation, 1);
    assert.equal(metadata.deletionTimestamp, undefined);
    const other = { ...metadata, creationTimestamp: '2000-01-01T00:00:00Z', generation: 9 };
    const updated = await ok('PUT', `${deployments}/a`, { ...deployment('a'), metadata: other });
    assert.equal(updated.metadata.generation, 1);
    assert.equal(updated.metadata.creationTimestamp, metadata.creationTimestamp);
  });

  test('generates names', async (t) => {
    const { ok } = await startTestServer(t);
    const { metadata } = await ok('POST', configMaps, { metadata: { generateName: 'web-' } });
    assert.match(metadata.name, /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    await ok('GET', `${configMaps}/${metadata.name}`);
  });

  test('refuses a second object of the same name, and bodies that do not fit the URL', async (t) => {
    const { ok, refused } = await startTestServer(t);
    await ok('POST', configMaps, configMap('a'));
    assert.equal(await refused(409, 'POST', configMaps, configMap('a')), 'configmaps "a" already exists');
    assert.match(
      await refused(400, 'PUT', `${configMaps}/a`, configMap('b')),
      /name of the object \(b\) does not match/,
    );
    const elsewhere = { metadata: { name: 'c', namespace: 'kube-system' } };
    assert.match(await refused(400, 'POST', configMaps, elsewhere), /namespace of the provided object does not match/);
    assert.match(
      await refused(400, 'POST', configMaps, { kind: 'Pod', ...configMap('c') }),
      /cannot be handled as a ConfigMap/,
    );
    assert.match(
      await refused(400, 'POST', configMaps, { apiVersion: 'v2', ...configMap('c') }),
      /does not match the expected API version/,
    );
    await refused(400, 'POST', configMaps, '{');
    await refused(400, 'POST', configMaps, '[]');
    await refused(400, 'POST', configMaps, '');
    await refused(404, 'PUT', `${configMaps}/nothing`, configMap('nothing'));
    await refused(415, 'POST', configMaps, 'x', { 'content-type': 'application/vnd.kubernetes.protobuf' });
    await refused(415, 'PATCH', `${configMaps}/a`, '{}', { 'content-type': 'application/apply-patch+yaml' });
  });

  test('reads YAML as well', async (t) => {
    const { ok } = await startTestServer(t);
    await ok('POST', configMaps, 'metadata: {name: a}\ndata: {n: "1"}', { 'content-type': 'application/yaml' });
    assert.deepEqual((await ok('GET', `${configMaps}/a`)).data, { n: '1' });
  });

  test('a dry run leaves nothing behind', async (t) => {
    const { ok, refused, store } = await startTestServer(t);
    const { revision } = store;
    const tried = await ok('POST', `${configMaps}?dryRun=All`, configMap('a'));
    assert.equal(tried.metadata.resourceVersion, undefined);
    await refused(404, 'GET', `${configMaps}/a`);
    await ok('DELETE', '/api/v1/namespaces/default/services/kubernetes?dryRun=All');
    assert.equal(store.revision, revision);
    await refused(400, 'POST', `${configMaps}?dryRun=Some`, configMap('a'));
  });

  test('fieldValidation decides what becomes of an unknown field', async (t) => {
    const { ok, call, refused } = await startTestServer(t);
    const body = { ...configMap('a'), dta: {} };
    assert.match(
      await refused(400, 'POST', `${configMaps}?fieldValidation=Strict`, body),
      /strict decoding error: unknown field "dta"/,
    );
    const warned = await call('POST', configMaps, body);
    assert.equal(warned.headers.warning, '299 - "unknown field \\"dta\\""');
    const ignored = await call('PUT', `${configMaps}/a?fieldValidation=Ignore`, body);
    assert.equal(ignored.headers.warning, undefined);
    assert.equal((await ok('GET', `${configMaps}/a`)).dta, undefined);
  });
});

describe('status and other subresources', () => {
  test('status and the rest are written apart', async (t) => {
    const { ok } = await startTestServer(t);
    await ok('POST', deployments, { ...deployment('a'), status: { replicas: 9 } });
    const both = { spec: { replicas: 5 }, status: { replicas: 2 } };
    const viaMain = await ok('PATCH', `${deployments}/a`, both, mergePatch);
    assert.deepEqual([viaMain.spec.replicas, viaMain.status, viaMain.metadata.generation], [5, {}, 2]);
    const other = { metadata: { labels: { x: 'y' } }, spec: { replicas: 7 }, status: { replicas: 2 } };
    const viaStatus = await ok('PATCH', `${deployments}/a/status`, other, mergePatch);
    assert.deepEqual(
      [viaStatus.spec.replicas, viaStatus.status, viaStatus.metadata.generation],
      [5, { replicas: 2 }, 2],
    );
    assert.equal(viaStatus.metadata.labels, undefined);
  });

  test('scale reads and writes the replicas', async (t) => {
    const { ok, refused } = await startTestServer(t);
    await ok('POST', deployments, deployment('a'));
    const scale = await ok('GET', `${deployments}/a/scale`);
    assert.deepEqual([scale.kind, scale.spec.replicas, scale.status.selector], ['Scale', 1, 'app=a']);
    await ok('PUT', `${deployments}/a/scale`, { ...scale, spec: { replicas: 4 } });
    assert.equal((await ok('GET', `${deployments}/a`)).spec.replicas, 4);
    await refused(409, 'PUT', `${deployments}/a/scale`, { ...scale, spec: { replicas: 5 } });
    await refused(400, 'PUT', `${deployments}/a/scale`, { spec: { replicas: -1 } });
    await refused(404, 'GET', `${configMaps}/a/scale`);
  });

  test('a Pod is bound once', async (t) => {
    const { ok, refused } = await startTestServer(t);
    await ok('POST', pods, podBody('a'));
    const binding = (name: string) => ({ target: { kind: 'Node', name } });
    await ok('POST', `${pods}/a/binding`, binding('node1'));
    const { spec, status } = await ok('GET', `${pods}/a`);
    assert.equal(spec.nodeName, 'node1');
    assert.deepEqual(
      status.conditions.map((condition: { type: string; status: string }) => [condition.type, condition.status]),
      [['PodScheduled', 'True']],
    );
    assert.match(await refused(409, 'POST', `${pods}/a/binding`, binding('node2')), /already assigned to node "node1"/);
    await ok('POST', pods, podBody('b'));
    const stranger = { metadata: { uid: 'somebody' }, ...binding('node1') };
    assert.match(await refused(409, 'POST', `${pods}/b/binding`, stranger), /UID in precondition/);
    await refused(400, 'POST', `${pods}/b/binding`, { target: {} });
  });
});

describe('deleting', () => {
  test('preconditions are honoured', async (t) => {
    const { ok, refused } = await startTestServer(t);
    const { metadata } = await ok('POST', configMaps, configMap('a'));
    await refused(409, 'DELETE', `${configMaps}/a`, { preconditions: { uid: 'other' } });
    await refused(409, 'DELETE', `${configMaps}/a`, { preconditions: { resourceVersion: '1' } });
    const { uid, resourceVersion } = metadata;
    const status = await ok('DELETE', `${configMaps}/a`, { preconditions: { uid, resourceVersion } });
    assert.deepEqual([status.status, status.details.name, status.details.uid], ['Success', 'a', uid]);
    await refused(404, 'DELETE', `${configMaps}/a`);
  });

  test('a scheduled Pod goes gracefully, its period only ever shortens', async (t) => {
    const { ok, refused } = await startTestServer(t);
    await ok('POST', pods, podBody('a', { nodeName: 'node1', terminationGracePeriodSeconds: 20 }));
    const marked = await ok('DELETE', `${pods}/a`);
    assert.equal(marked.metadata.deletionTimestamp, '2026-01-01T00:00:20Z');
    assert.equal(marked.metadata.deletionGracePeriodSeconds, 20);
    assert.equal((await ok('DELETE', `${pods}/a?gracePeriodSeconds=60`)).metadata.deletionGracePeriodSeconds, 20);
    const sooner = await ok('DELETE', `${pods}/a`, { gracePeriodSeconds: 5 });
    assert.equal(sooner.metadata.deletionTimestamp, '2026-01-01T00:00:05Z');
    await ok('DELETE', `${pods}/a`, { gracePeriodSeconds: 0 });
    await refused(404, 'GET', `${pods}/a`);
  });

  test('a Pod that no node runs goes at once, and so does one that has ended', async (t) => {
    const { ok, refused } = await startTestServer(t);
    await ok('POST', pods, podBody('a'));
    assert.equal((await ok('DELETE', `${pods}/a`)).status, 'Success');
    await ok('POST', pods, podBody('b', { nodeName: 'node1' }));
    await ok('PATCH', `${pods}/b/status`, { status: { phase: 'Failed' } }, mergePatch);
    await ok('DELETE', `${pods}/b`);
    await refused(404, 'GET', `${pods}/b`);
  });

  test('finalizers hold an object back until the last is gone', async (t) => {
    const { ok, refused } = await startTestServer(t);
    await ok('POST', configMaps, { metadata: { name: 'a', finalizers: ['x.io/one', 'x.io/two'] } });
    const marked = await ok('DELETE', `${configMaps}/a`);
    assert.equal(marked.metadata.deletionGracePeriodSeconds, 0);
    await ok('PATCH', `${configMaps}/a`, { metadata: { finalizers: ['x.io/two'] } }, mergePatch);
    await ok('GET', `${configMaps}/a`);
    await ok('PATCH', `${configMaps}/a`, { metadata: { finalizers: null } }, mergePatch);
    await refused(404, 'GET', `${configMaps}/a`);
  });

  test('propagation becomes a finalizer for the garbage collector', async (t) => {
    const { ok, refused } = await startTestServer(t);
    for (const name of ['a', 'b', 'c']) await ok('POST', deployments, deployment(name));
    const orphaned = await ok('DELETE', `${deployments}/a`, { propagationPolicy: 'Orphan' });
    assert.deepEqual(orphaned.metadata.finalizers, ['orphan']);
    const foreground = await ok('DELETE', `${deployments}/b?propagationPolicy=Foreground`);
    assert.deepEqual(foreground.metadata.finalizers, ['foregroundDeletion']);
    await ok('DELETE', `${deployments}/c`, { propagationPolicy: 'Background' });
    await refused(404, 'GET', `${deployments}/c`);
    await refused(400, 'DELETE', `${deployments}/b?propagationPolicy=Sideways`);
  });

  test('a collection is deleted by selector', async (t) => {
    const { ok } = await startTestServer(t);
    for (const [name, tier] of [
      ['a', 'x'],
      ['b', 'x'],
      ['c', 'y'],
    ])
      await ok('POST', configMaps, { metadata: { name, labels: { tier } } });
    await ok('DELETE', `${configMaps}?labelSelector=tier%3Dx`);
    const { items } = await ok('GET', configMaps);
    assert.deepEqual(namesOf(items), ['c']);
  });

  test('a namespace ends when its finalizer is gone, and takes nothing new in before', async (t) => {
    const { ok, refused } = await startTestServer(t);
    await ok('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
    const marked = await ok('DELETE', '/api/v1/namespaces/n');
    assert.equal(marked.status.phase, 'Terminating');
    assert.match(await refused(403, 'POST', '/api/v1/namespaces/n/configmaps', configMap('a')), /is being terminated/);
    await ok('PUT', '/api/v1/namespaces/n/finalize', { metadata: { name: 'n' }, spec: { finalizers: [] } });
    await refused(404, 'GET', '/api/v1/namespaces/n');
    assert.equal(
      await refused(404, 'POST', '/api/v1/namespaces/n/configmaps', configMap('a')),
      'namespaces "n" not found',
    );
    assert.match(await refused(403, 'DELETE', '/api/v1/namespaces/kube-system'), /may not be deleted/);
  });
});

describe('lists and watches', () => {
  test('a read sees what was written before it', async (t) => {
    const { ok } = await startTestServer(t);
    for (let round = 0; round < 50; round++) {
      const { metadata } = await ok('POST', configMaps, configMap(`a${round}`));
      const { items, metadata: list } = await ok('GET', configMaps);
      assert.equal(items.length, round + 1);
      assert(Number(list.resourceVersion) >= Number(metadata.resourceVersion));
    }
  });

  test('pages are all of one revision, whatever is written between them', async (t) => {
    const { ok, refused } = await startTestServer(t);
    for (const name of ['a', 'b', 'c', 'd', 'e']) await ok('POST', configMaps, configMap(name));
    const first = await ok('GET', `${configMaps}?limit=2`);
    assert.equal(first.metadata.remainingItemCount, 3);
    await ok('DELETE', `${configMaps}/d`);
    await ok('POST', configMaps, configMap('f'));
    const second = await ok('GET', `${configMaps}?limit=2&continue=${first.metadata.continue}`);
    const third = await ok('GET', `${configMaps}?limit=2&continue=${second.metadata.continue}`);
    const names = [first, second, third].flatMap(({ items }) => namesOf(items));
    assert.deepEqual(names, ['a', 'b', 'c', 'd', 'e']);
    assert.equal(third.metadata.resourceVersion, first.metadata.resourceVersion);
    assert.equal(third.metadata.continue, undefined);
    await refused(400, 'GET', `${configMaps}?continue=nonsense`);
  });

  test('pages of a selection are full', async (t) => {
    const { ok } = await startTestServer(t);
    for (let index = 0; index < 20; index++)
      await ok('POST', configMaps, { metadata: { name: `n${10 + index}`, labels: { odd: String(index % 2) } } });
    const names: string[] = [];
    let token = '';
    let pages = 0;
    do {
      const page = await ok('GET', `${configMaps}?limit=4&labelSelector=odd%3D1&continue=${token}`);
      assert(page.items.length <= 4);
      assert.equal(page.metadata.remainingItemCount, undefined);
      names.push(...namesOf(page.items));
      token = page.metadata.continue ?? '';
      pages++;
    } while (token !== '');
    assert.deepEqual(
      names,
      Array.from({ length: 10 }, (_, index) => `n${11 + 2 * index}`),
    );
    assert.equal(pages, 3);
  });

  test('an old revision can be listed exactly until it is compacted', async (t) => {
    const { ok, refused, store } = await startTestServer(t);
    const { metadata } = await ok('POST', configMaps, configMap('a'));
    await ok('POST', configMaps, configMap('b'));
    const exact = `${configMaps}?resourceVersionMatch=Exact&resourceVersion=${metadata.resourceVersion}`;
    assert.equal((await ok('GET', exact)).items.length, 1);
    const token = (await ok('GET', `${configMaps}?limit=1`)).metadata.continue;
    await ok('POST', configMaps, configMap('c'));
    await store.compact(store.revision);
    await refused(410, 'GET', exact);
    await refused(410, 'GET', `${configMaps}?limit=1&continue=${token}`);
    const { body } = await startAndGet(`${configMaps}?resourceVersion=99999999`);
    assert.equal(body.code, 504);
    assert.equal(body.details.causes[0].reason, 'ResourceVersionTooLarge');

    async function startAndGet(url: string) {
      const { call } = await startTestServer(t, { store: createMemoryStore() });
      return call('GET', url);
    }
  });

  test('a watch goes on from where a list ended', async (t) => {
    const { ok, watch } = await startTestServer(t);
    await ok('POST', configMaps, configMap('a'));
    const { metadata } = await ok('GET', configMaps);
    await ok('DELETE', `${configMaps}/a`);
    const lines = await watch(`${configMaps}?watch=true&resourceVersion=${metadata.resourceVersion}`);
    assert.equal((await lines.next())?.type, 'DELETED');
    await ok('POST', configMaps, configMap('b'));
    const added = await lines.next();
    assert.deepEqual([added?.type, added?.object.metadata.name], ['ADDED', 'b']);
    lines.stop();
    assert.equal(await lines.next(), undefined);
  });

  test('a watch from before the history is told so', async (t) => {
    const { ok, watch, clock, store } = await startTestServer(t);
    const { metadata } = await ok('POST', configMaps, configMap('a'));
    await clock.advance(60_000);
    await ok('POST', configMaps, configMap('b'));
    await clock.advance(6 * 60_000);
    const lines = await watch(`${configMaps}?watch=1&resourceVersion=${metadata.resourceVersion}`);
    const error = await lines.next();
    assert.deepEqual([error?.type, error?.object.code, error?.object.reason], ['ERROR', 410, 'Expired']);
    await assert.rejects(store.list('/registry/', { revision: Number(metadata.resourceVersion) }), {
      code: 'compacted',
    });
  });

  test('bookmarks come once a minute and at the end, to those who asked', async (t) => {
    const { ok, watch, clock, server } = await startTestServer(t);
    const asked = await watch(`${configMaps}?watch=1&allowWatchBookmarks=true&resourceVersion=0`);
    const without = await watch(`${configMaps}?watch=1&resourceVersion=0`);
    await ok('POST', pods, podBody('elsewhere'));
    await clock.advance(60_000);
    const bookmark = await asked.next();
    assert.equal(bookmark?.type, 'BOOKMARK');
    assert.equal(bookmark?.object.metadata.resourceVersion, (await ok('GET', configMaps)).metadata.resourceVersion);
    await server.stop();
    assert.equal((await asked.next())?.type, 'BOOKMARK');
    assert.equal(await asked.next(), undefined);
    assert.equal(await without.next(), undefined);
  });

  test('initial events are marked where they end', async (t) => {
    const { ok, watch } = await startTestServer(t);
    await ok('POST', configMaps, configMap('a'));
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const lines = await watch(`${configMaps}?${query}`);
    assert.equal((await lines.next())?.type, 'ADDED');
    const end = await lines.next();
    assert.deepEqual(end?.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
  });

  test('a watch ends when its time is over', async (t) => {
    const { watch, clock } = await startTestServer(t);
    const lines = await watch(`${configMaps}?watch=1&timeoutSeconds=7`);
    await clock.advance(7_000);
    assert.equal(await lines.next(), undefined);
  });

  test('a Pod seen by its node comes in when it is bound', async (t) => {
    const { ok, watch } = await startTestServer(t);
    const lines = await watch('/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3Dnode1');
    await ok('POST', pods, podBody('a'));
    await ok('POST', `${pods}/a/binding`, { target: { name: 'node1' } });
    const event = await lines.next();
    assert.deepEqual([event?.type, event?.object.spec.nodeName], ['ADDED', 'node1']);
  });

  test('tables and metadata alone, listed and watched', async (t) => {
    const { ok, watch, refused } = await startTestServer(t);
    await ok('POST', configMaps, configMap('a', { n: '1' }));
    const table = await ok('GET', configMaps, undefined, asTable);
    assert.equal(table.kind, 'Table');
    assert.equal(table.rows[0].cells[0], 'a');
    assert.equal(table.rows[0].object.data, undefined);
    const whole = await ok('GET', `${configMaps}?includeObject=Object`, undefined, asTable);
    assert.deepEqual(whole.rows[0].object.data, { n: '1' });
    const lines = await watch(`${configMaps}?watch=1`, asTable);
    assert.equal((await lines.next())?.object.rows[0].cells[0], 'a');
    const partial = { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' };
    const list = await ok('GET', configMaps, undefined, partial);
    assert.deepEqual(
      [list.kind, list.items[0].kind, list.items[0].data],
      ['PartialObjectMetadataList', 'PartialObjectMetadata', undefined],
    );
    await refused(406, 'GET', configMaps, undefined, { accept: 'application/vnd.kubernetes.protobuf' });
  });
});

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
