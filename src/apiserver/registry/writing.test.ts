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
    await refused(415, 'PATCH', `${configMaps}/a`, '{}', { 'content-type': 'application/yaml' });
  });

  test('an unsupported or missing value is invalid, one of the wrong type unreadable; each names its field', async (t) => {
    const { call, ok } = await startTestServer(t);
    const services = '/api/v1/namespaces/default/services';
    const invalid = await call('POST', services, { metadata: { name: 'a' }, spec: { type: 'X', ports: [{}] } });
    assert.equal(invalid.status, 422);
    assert.equal(invalid.body.reason, 'Invalid');
    assert.match(
      invalid.body.message,
      /^Service "a" is invalid: \[spec\.type: Unsupported value: "X": supported values: /,
    );
    assert.deepEqual(
      invalid.body.details.causes.map(({ reason, field }: { reason: string; field: string }) => `${field} ${reason}`),
      ['spec.type FieldValueNotSupported', 'spec.ports[0].port FieldValueRequired'],
    );
    const unreadable = await call('POST', services, {
      metadata: { name: 'a' },
      spec: { type: 'X', ports: [{ port: '80' }] },
    });
    assert.equal(unreadable.status, 400);
    assert.equal(
      unreadable.body.message,
      'Service in version "v1" cannot be handled as a Service: spec.ports[0].port: Invalid value: "80": must be of type integer',
    );
    await ok('POST', services, { metadata: { name: 'b' }, spec: { ports: [{ port: 80 }] } });
    const patched = await call('PATCH', `${services}/b`, { spec: { sessionAffinity: 'Always' } }, mergePatch);
    assert.equal(patched.status, 422);
    assert.equal(patched.body.details.causes[0].field, 'spec.sessionAffinity');
    assert.equal((await ok('GET', `${services}/b`)).spec.sessionAffinity, 'None');
    assert.equal((await call('GET', `${services}/a`)).status, 404);
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
    await refused(422, 'POST', `${configMaps}?dryRun=Some`, configMap('a'));
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
