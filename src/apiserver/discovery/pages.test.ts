import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allResources, reviewResources } from '../../kube/mod.ts';
import { startTestServer } from '../test-server.ts';
import { v2ProtobufAccept } from './openapi.ts';

interface Entry {
  readonly resource: string;
  readonly subresources: readonly { readonly subresource: string }[];
}

describe('discovery', () => {
  test('says the same in both forms, and names every kind', async (t) => {
    const { ok } = await startTestServer(t);
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
    const groups = [...(await ok('GET', '/api', undefined, { accept })).items];
    groups.push(...(await ok('GET', '/apis', undefined, { accept })).items);
    const aggregated: string[] = [];
    const plain: string[] = [];
    for (const { metadata, versions } of groups) {
      for (const { version, resources } of versions) {
        const root = metadata.name === '' ? `/api/${version}` : `/apis/${metadata.name}/${version}`;
        for (const { resource, subresources } of resources as Entry[])
          aggregated.push(
            ...[resource, ...subresources.map(({ subresource }) => `${resource}/${subresource}`)].map(
              (name) => `${root} ${name}`,
            ),
          );
        const list = await ok('GET', root);
        plain.push(...list.resources.map(({ name }: { name: string }) => `${root} ${name}`));
      }
    }
    assert.deepEqual(aggregated.sort(), plain.sort());
    assert.equal(plain.filter((name) => !/ .*\//.test(name)).length, allResources.length + reviewResources.length);
    assert.deepEqual((await ok('GET', '/api')).versions, ['v1']);
    const { groups: listed } = await ok('GET', '/apis');
    assert.deepEqual(
      listed.map(({ name }: { name: string }) => name),
      groups.slice(1).map(({ metadata }) => metadata.name),
    );
    assert.deepEqual((await ok('GET', '/apis/apps')).preferredVersion, { groupVersion: 'apps/v1', version: 'v1' });
  });

  test('every subresource that is named can be asked for', async (t) => {
    const { ok, call } = await startTestServer(t);
    for (const root of ['/api/v1', '/apis/apps/v1']) {
      const { resources } = await ok('GET', root);
      for (const { name, namespaced, verbs } of resources) {
        if (!name.includes('/')) continue;
        const [plural, subresource] = name.split('/');
        const method = verbs.includes('get') ? 'GET' : verbs.includes('update') ? 'PUT' : 'POST';
        const url = `${root}/${namespaced ? 'namespaces/default/' : ''}${plural}/nothing/${subresource}`;
        const { body } = await call(method, url, method === 'GET' ? undefined : { target: { name: 'n' } });
        assert.match(body.message, /"nothing" not found/, `${method} ${url}`);
      }
    }
  });

  test('what is not there is a Status', async (t) => {
    const { refused } = await startTestServer(t);
    for (const url of ['/nothing', '/apis/nothing', '/apis/apps/v9', '/openapi/v3/apis/nothing', '/api/v1/lamps'])
      assert.equal(await refused(404, 'GET', url), 'the server could not find the requested resource');
    await refused(405, 'POST', '/version');
  });
});

describe('OpenAPI', () => {
  test('tells kubectl of every kind that its writes can be validated here', async (t) => {
    const { ok } = await startTestServer(t);
    const { paths: index } = await ok('GET', '/openapi/v3');
    for (const { group, version, kind } of allResources) {
      const path = group === '' ? `api/${version}` : `apis/${group}/${version}`;
      const document = await ok('GET', index[path].serverRelativeURL);
      const type = { group, version, kind };
      // biome-ignore lint/suspicious/noExplicitAny: looks into a document of any shape
      const patches = Object.values<Record<string, any>>(document.paths).flatMap(({ patch }) => patch ?? []);
      const patch = patches.find((operation) => operation['x-kubernetes-group-version-kind'].kind === kind);
      assert.deepEqual(patch['x-kubernetes-group-version-kind'], type);
      assert(
        patch.parameters.some(({ name }: { name: string }) => name === 'fieldValidation'),
        kind,
      );
      const reference = patch.responses[200].content['application/json'].schema.$ref;
      const schema = document.components.schemas[reference.slice('#/components/schemas/'.length)];
      assert.deepEqual(schema['x-kubernetes-group-version-kind'], [type]);
    }
  });

  test('has no reference that leads nowhere', async (t) => {
    const { ok, call } = await startTestServer(t);
    const { paths } = await ok('GET', '/openapi/v3');
    const urls = Object.values<{ serverRelativeURL: string }>(paths).map(({ serverRelativeURL }) => serverRelativeURL);
    for (const url of [...urls, '/openapi/v2']) {
      const { body } = await call('GET', url);
      const known = new Set(Object.keys(body.definitions ?? body.components.schemas));
      for (const [, name] of JSON.stringify(body).matchAll(/"\$ref":"#\/[^"]*\/([^"/]+)"/g))
        assert(known.has(name!), `${url}: ${name}`);
    }
    const protobuf = await call('GET', '/openapi/v2', undefined, { accept: v2ProtobufAccept });
    assert.match(protobuf.body, /^\n\x032\.0\x12/);
  });
});
