import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMemoryStore } from '../../store/mod.ts';
import { asTable, podBody, startTestServer } from '../test-server.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const configMap = (name: string, data: Record<string, string> = {}) => ({ metadata: { name }, data });
const namesOf = (items: readonly { metadata: { name: string } }[]) => items.map(({ metadata }) => metadata.name);

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
