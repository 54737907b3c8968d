import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mergePatch, podBody, serviceBody, startTestServer } from '../test-server.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const configMap = (name: string, data: Record<string, string> = {}) => ({ metadata: { name }, data });
const namesOf = (items: readonly { metadata: { name: string } }[]) => items.map(({ metadata }) => metadata.name);

describe('what a request may ask for', () => {
  test('options that are none are invalid, in upstream’s words', async (t) => {
    const { refused } = await startTestServer(t);
    const cases: readonly [string, string, RegExp][] = [
      [
        'POST',
        'fieldValidation=Loud',
        /^CreateOptions\.meta\.k8s\.io "" is invalid: fieldValidation: Unsupported value: "Loud": supported values: "", "Ignore", "Strict", "Warn"$/,
      ],
      ['POST', 'dryRun=Some', /^CreateOptions\..*: dryRun: Unsupported value: "Some": supported values: "All"$/],
    ];
    for (const [method, query, message] of cases)
      assert.match(await refused(422, method, `${configMaps}?${query}`, configMap('a')), message);
    const both = { orphanDependents: true, propagationPolicy: 'Orphan' };
    assert.match(await refused(422, 'DELETE', `${configMaps}/a`, both), /cannot be both set$/);
    assert.match(await refused(422, 'GET', `${configMaps}?sendInitialEvents=true`), /forbidden for list$/);
    assert.match(
      await refused(400, 'GET', `${configMaps}?continue=x&resourceVersion=5`),
      /not allowed when using continue/,
    );
    const withVersion = { metadata: { name: 'a', resourceVersion: '5' } };
    assert.match(await refused(400, 'POST', configMaps, withVersion), /resourceVersion should not be set/);
  });

  test('what a patch says twice is told, refused or passed over', async (t) => {
    const { ok, call, refused } = await startTestServer(t);
    await ok('POST', configMaps, configMap('a'));
    const twice = '{"data":{"k":"1","k":"2"},"unknown":1}';
    const warned = await call('PATCH', `${configMaps}/a`, twice, mergePatch);
    assert.equal(warned.body.data.k, '2');
    assert.equal(warned.headers.warning, '299 - "unknown field \\"unknown\\"", 299 - "duplicate field \\"data.k\\""');
    const strict = await refused(400, 'PATCH', `${configMaps}/a?fieldValidation=Strict`, twice, mergePatch);
    assert.match(strict, /strict decoding error: unknown field "unknown", duplicate field "data\.k"$/);
    const ignored = await call('PATCH', `${configMaps}/a?fieldValidation=Ignore`, twice, mergePatch);
    assert.equal(ignored.headers.warning, undefined);
  });

  test('a page at a version is of that version, also when the match is left out', async (t) => {
    const { ok } = await startTestServer(t);
    const { metadata } = await ok('POST', configMaps, configMap('a'));
    await ok('POST', configMaps, configMap('b'));
    const at = `resourceVersion=${metadata.resourceVersion}`;
    assert.deepEqual(namesOf((await ok('GET', `${configMaps}?limit=5&${at}`)).items), ['a']);
    assert.deepEqual(
      namesOf((await ok('GET', `${configMaps}?limit=5&${at}&resourceVersionMatch=NotOlderThan`)).items),
      ['a', 'b'],
    );
    assert.deepEqual(namesOf((await ok('GET', `${configMaps}?${at}`)).items), ['a', 'b']);
  });

  test('whose token has expired may go on in what is there now', async (t) => {
    const { ok, call, store, clock } = await startTestServer(t);
    for (const name of ['a', 'b', 'c']) await ok('POST', configMaps, configMap(name));
    const first = await ok('GET', `${configMaps}?limit=1`);
    await ok('POST', configMaps, configMap('d'));
    await store.compact(Number((await ok('GET', configMaps)).metadata.resourceVersion));
    await clock.advance(0);
    const expired = await call('GET', `${configMaps}?limit=1&continue=${first.metadata.continue}`);
    assert.equal(expired.status, 410);
    assert.equal(expired.body.reason, 'Expired');
    const second = await ok('GET', `${configMaps}?limit=2&continue=${expired.body.metadata.continue}`);
    assert.deepEqual(namesOf(second.items), ['b', 'c']);
    const third = await ok('GET', `${configMaps}?limit=2&continue=${second.metadata.continue}`);
    assert.deepEqual(namesOf(third.items), ['d']);
  });
});

describe('deleting a collection', () => {
  test('answers with what it deleted, page by page when asked', async (t) => {
    const { ok } = await startTestServer(t);
    for (const name of ['a', 'b', 'c']) await ok('POST', configMaps, configMap(name));
    const some = await ok('DELETE', `${configMaps}?limit=2`);
    assert.equal(some.kind, 'ConfigMapList');
    assert.deepEqual(namesOf(some.items), ['a', 'b']);
    assert.deepEqual(namesOf((await ok('GET', configMaps)).items), ['c']);
  });

  test('is of one namespace', async (t) => {
    const { refused, ok } = await startTestServer(t);
    await ok('POST', '/api/v1/namespaces/default/pods', podBody('p'));
    await refused(405, 'DELETE', '/api/v1/pods');
    await refused(405, 'DELETE', '/api/v1/namespaces');
    await ok('GET', '/api/v1/namespaces/default/pods/p');
  });
});

describe('replacing', () => {
  test('creates the few kinds that may be created so', async (t) => {
    const { call, ok, refused } = await startTestServer(t);
    const created = await call('PUT', `${leases}/l`, { metadata: { name: 'l' }, spec: { holderIdentity: 'a' } });
    assert.equal(created.status, 201);
    assert.equal((await call('PUT', '/api/v1/namespaces/default/services/s', serviceBody('s'))).status, 201);
    assert.equal((await call('PUT', '/api/v1/namespaces/default/services/s', serviceBody('s'))).status, 200);
    await refused(404, 'PUT', `${configMaps}/a`, configMap('a'));
    await refused(404, 'PUT', '/api/v1/namespaces/other/services/s', serviceBody('s'));
    await ok('GET', `${leases}/l`);
  });

  test('a Lease that is there is replaced by who knows its version', async (t) => {
    const { ok, refused } = await startTestServer(t);
    const lease = await ok('POST', leases, { metadata: { name: 'l' }, spec: { holderIdentity: 'a' } });
    const without = { metadata: { name: 'l' }, spec: { holderIdentity: 'b' } };
    const message = await refused(422, 'PUT', `${leases}/l`, without);
    assert.equal(
      message,
      'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update',
    );
    const written = await ok('PUT', `${leases}/l`, { ...lease, spec: { holderIdentity: 'b' } });
    assert.equal(written.spec.holderIdentity, 'b');
    await refused(409, 'PUT', `${leases}/l`, { ...lease, spec: { holderIdentity: 'c' } });
  });
});
