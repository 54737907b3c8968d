import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mergePatch, podBody, startTestServer } from '../test-server.ts';

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
