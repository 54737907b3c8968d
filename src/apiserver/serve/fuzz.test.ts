import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allResources, apiVersionOf } from '../../kube/mod.ts';
import { mergePatch, podBody, serviceBody, startTestServer } from '../test-server.ts';

const strategicPatch = { 'content-type': 'application/strategic-merge-patch+json' };
const jsonPatch = { 'content-type': 'application/json-patch+json' };
const options = { 'content-type': 'application/json' };
const namespace = '/api/v1/namespaces/default';

/** Every place that takes a body, and the names that it looks for in it. */
const places: [method: string, url: string, headers: Record<string, string>][] = [
  ...allResources.map(({ group, version, plural, namespaced }): [string, string, Record<string, string>] => {
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    return ['POST', `${root}${namespaced ? '/namespaces/default' : ''}/${plural}`, options];
  }),
  ['PUT', `${namespace}/services/s`, options],
  ['PATCH', `${namespace}/services/s`, mergePatch],
  ['PATCH', `${namespace}/services/s`, strategicPatch],
  ['PATCH', `${namespace}/services/s`, jsonPatch],
  ['PUT', `${namespace}/pods/p/status`, options],
  ['PATCH', `${namespace}/pods/p/status`, strategicPatch],
  ['POST', `${namespace}/pods/p/binding`, options],
  ['POST', `${namespace}/pods/none/eviction`, options],
  ['DELETE', `${namespace}/pods/none`, options],
  ['DELETE', `${namespace}/configmaps`, options],
  ['PUT', '/apis/apps/v1/namespaces/default/deployments/d/scale', options],
  ['PATCH', '/apis/apps/v1/namespaces/default/deployments/d/scale', mergePatch],
  ['PUT', '/api/v1/namespaces/kube-public/finalize', options],
];

const key = fc.constantFrom(
  ...['metadata', 'spec', 'status', 'name', 'labels', 'annotations', 'ownerReferences', 'finalizers', 'ports', 'port'],
  ...['selector', 'template', 'containers', 'target', 'kind', 'replicas', 'dryRun', 'preconditions', 'deleteOptions'],
  ...['uid', 'resourceVersion', 'op', 'path', 'value', 'data', 'conditions', 'clusterIP', 'env', '$patch', '__proto__'],
  ...[
    'creationTimestamp',
    'generateName',
    'namespace',
    'matchLabels',
    'involvedObject',
    'subsets',
    'endpoints',
    'type',
  ],
);
const scalar = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'p',
    's',
    'd',
    'default',
    'replace',
    'add',
    '/spec/ports/0',
    '/metadata/labels/a~1b',
    'None',
  ),
  fc.constantFrom(null, true, 0, -1, 1.5, 80, 2 ** 40, 'NodePort', '10.96.0.1', 'NaN', '2026-01-01T00:00:00Z'),
);
const { value: body } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5 }),
  ),
}));
const typed = fc
  .tuple(fc.constantFrom(...allResources), fc.dictionary(key, body, { maxKeys: 6 }), fc.dictionary(key, body))
  .map(([resource, fields, metadata]) => ({
    ...fields,
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: { ...metadata, name: 'x' },
  }));

test('no body, whatever it holds, is answered as a mistake of ours', async (t) => {
  const { call, ok } = await startTestServer(t);
  await ok('POST', `${namespace}/services`, serviceBody('s'));
  await ok('POST', `${namespace}/pods`, podBody('p'));
  await ok('POST', '/apis/apps/v1/namespaces/default/deployments', {
    metadata: { name: 'd' },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...places), fc.oneof(body, typed), async ([method, url, headers], given) => {
      const text = JSON.stringify(given);
      const { status, body: answer } = await call(method, url, text, headers);
      assert.notEqual(status, 500, `${method} ${url} ${text}: ${JSON.stringify(answer)}`);
    }),
    { numRuns: 4000 },
  );
});
