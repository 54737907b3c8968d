import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allResources } from '../mod.ts';
import { openApiSchemas } from './openapi.ts';

type OpenApiSchema = Record<string, unknown>;

const schemas = openApiSchemas(allResources);

/** Follows property names from a component as kubectl does, references resolved; `[]` is a list's item. */
function at(component: string, ...path: string[]): OpenApiSchema {
  return path.reduce<OpenApiSchema>(
    (schema, name) => {
      const next = name === '[]' ? schema.items : (schema.properties as Record<string, OpenApiSchema>)[name];
      assert.ok(next, `${component}: ${name}`);
      return resolve(next as OpenApiSchema);
    },
    resolve({ $ref: `#/components/schemas/${component}` }),
  );
}

function resolve(schema: OpenApiSchema): OpenApiSchema {
  const reference = schema.$ref ?? (schema.allOf as OpenApiSchema[] | undefined)?.[0]?.$ref;
  if (reference === undefined) return schema;
  const found = schemas[String(reference).replace('#/components/schemas/', '')];
  assert.ok(found, `${reference} leads nowhere`);
  return found;
}

const extensions = (schema: OpenApiSchema) =>
  Object.fromEntries(Object.entries(schema).filter(([name]) => name.startsWith('x-kubernetes')));

test('every kind is found by its group, version and kind, and so is its list', () => {
  for (const { group, version, kind } of allResources) {
    for (const name of [kind, `${kind}List`]) {
      const found = Object.values(schemas).filter((schema) => {
        const [gvk] = (schema['x-kubernetes-group-version-kind'] ?? []) as {
          group: string;
          version: string;
          kind: string;
        }[];
        return gvk?.group === group && gvk.version === version && gvk.kind === name;
      });
      assert.equal(found.length, 1, name);
    }
  }
});

test('upstream names its components so', () => {
  for (const name of ['core.v1.Service', 'apps.v1.Deployment', 'discovery.v1.EndpointSlice', 'coordination.v1.Lease']) {
    assert.ok(schemas[`io.k8s.api.${name}`], name);
  }
});

const merges: [string, string, string[], Record<string, unknown>][] = [
  [
    'containers merge by name',
    'io.k8s.api.apps.v1.Deployment',
    ['spec', 'template', 'spec', 'containers'],
    {
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge',
    },
  ],
  [
    'ports of a Service merge by port, and are told apart by protocol too',
    'io.k8s.api.core.v1.Service',
    ['spec', 'ports'],
    {
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
      'x-kubernetes-patch-merge-key': 'port',
      'x-kubernetes-patch-strategy': 'merge',
    },
  ],
  [
    'volumes keep the members that they name',
    'io.k8s.api.core.v1.Pod',
    ['spec', 'volumes'],
    {
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge,retainKeys',
    },
  ],
  [
    'the strategy of a Deployment too',
    'io.k8s.api.apps.v1.Deployment',
    ['spec', 'strategy'],
    { 'x-kubernetes-patch-strategy': 'retainKeys' },
  ],
  [
    'arguments are replaced',
    'io.k8s.api.core.v1.Pod',
    ['spec', 'containers', '[]', 'args'],
    { 'x-kubernetes-list-type': 'atomic' },
  ],
  [
    'finalizers are a set',
    'io.k8s.api.core.v1.Pod',
    ['metadata', 'finalizers'],
    { 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' },
  ],
  [
    'a target port is a number or a name',
    'io.k8s.api.core.v1.Service',
    ['spec', 'ports', '[]', 'targetPort'],
    { 'x-kubernetes-int-or-string': true },
  ],
];
for (const [name, component, path, expected] of merges) {
  test(`OpenAPI: ${name}`, () => assert.deepEqual(extensions(at(component, ...path)), expected));
}

test('what must be given is required, what may be one of some words lists them', () => {
  assert.deepEqual(at('io.k8s.api.core.v1.Service', 'spec', 'ports', '[]').required, ['port']);
  assert.deepEqual(at('io.k8s.api.core.v1.Service', 'spec', 'ports', '[]', 'protocol').enum, ['TCP', 'UDP', 'SCTP']);
});

test('every reference leads somewhere', () => {
  const references = JSON.stringify(schemas).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g);
  const missing = [...references].map(([, name]) => name!).filter((name) => !schemas[name]);
  assert.deepEqual(missing, []);
});
