import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allResources, Deployment, Event, Pod, type Resource, Secret, Service } from '../mod.ts';
import { duplicateKeys } from './duplicate-keys.ts';
import { validateSchema } from './validate-schema.ts';

const service = (spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' }, spec });

const cases: [string, Resource, unknown, { errors?: string[]; unknown?: string[] }][] = [
  ['a good one', Service, service({ ports: [{ port: 80 }] }), {}],
  [
    'a misspelt field',
    Service,
    service({ prots: [], ports: [{ port: 80, prot: 1 }] }),
    { unknown: ['unknown field "spec.prots"', 'unknown field "spec.ports[0].prot"'] },
  ],
  [
    'a word that is not allowed',
    Service,
    service({ type: 'X' }),
    {
      errors: [
        'spec.type: Unsupported value: "X": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
      ],
    },
  ],
  ['an empty word counts as absent', Service, service({ type: '' }), {}],
  ['null counts as absent', Service, service({ type: null, selector: null, ports: null }), {}],
  ['a required field', Service, service({ ports: [{}] }), { errors: ['spec.ports[0].port: Required value'] }],
  [
    'a required field that is null',
    Deployment,
    { spec: { selector: null, template: { spec: { containers: [] } } } },
    { errors: ['spec.selector: Required value'] },
  ],
  [
    'text for a number',
    Service,
    service({ ports: [{ port: '80' }] }),
    { errors: ['spec.ports[0].port: Invalid value: "80": must be of type integer'] },
  ],
  [
    'a fraction',
    Service,
    service({ ports: [{ port: 80.5 }] }),
    { errors: ['spec.ports[0].port: Invalid value: 80.5: must be of type integer'] },
  ],
  [
    'a number too large',
    Service,
    service({ ports: [{ port: 3e9 }] }),
    { errors: ['spec.ports[0].port: Invalid value: 3000000000: must fit in an int32'] },
  ],
  ['a list for an object', Service, service([]), { errors: ['spec: Invalid value: "array": must be of type object'] }],
  [
    'an object for a list',
    Service,
    service({ ports: {} }),
    { errors: ['spec.ports: Invalid value: "object": must be of type array'] },
  ],
  [
    'null in a list',
    Service,
    service({ ports: [null] }),
    { errors: ['spec.ports[0]: Invalid value: null: must be of type object'] },
  ],
  [
    'a label that is no text',
    Service,
    { metadata: { name: 'x', labels: { a: 1 } }, spec: {} },
    { errors: ['metadata.labels[a]: Invalid value: 1: must be of type string'] },
  ],
  [
    'a quantity',
    Pod,
    { spec: { containers: [{ name: 'a', resources: { limits: { cpu: '1x' } } }] } },
    {
      errors: [
        'spec.containers[0].resources.limits[cpu]: Invalid value: "1x": quantities must match the regular expression \'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$\'',
      ],
    },
  ],
  [
    'base64',
    Secret,
    { data: { a: 'not base64!' } },
    { errors: ['data[a]: Invalid value: "not base64!": must be base64 encoded'] },
  ],
  [
    'a time',
    Event,
    { involvedObject: {}, firstTimestamp: 'noon' },
    { errors: ['firstTimestamp: Invalid value: "noon": must be a time in RFC 3339 format (2006-01-02T15:04:05Z)'] },
  ],
  ['both a number and a name are a port', Service, service({ ports: [{ port: 1, targetPort: 'http' }] }), {}],
  [
    'neither',
    Service,
    service({ ports: [{ port: 1, targetPort: true }] }),
    { errors: ['spec.ports[0].targetPort: Invalid value: true: must be of type integer or string'] },
  ],
  ['no object at all', Service, 'x', { errors: [': Invalid value: "x": must be of type object'] }],
  [
    'an inherited name is unknown',
    Service,
    service({ constructor: 1 }),
    { unknown: ['unknown field "spec.constructor"'] },
  ],
];
for (const [name, resource, value, { errors = [], unknown = [] }] of cases) {
  test(`the schema of ${resource.kind}: ${name}`, () => {
    const found = validateSchema(resource.schema, value);
    assert.deepEqual(
      found.errors.map(({ path, message }) => `${path}: ${message}`),
      errors,
    );
    assert.deepEqual(found.unknown, unknown);
  });
}

test('what is kept as it is may be deep, but not bottomless', () => {
  const nested = (depth: number): unknown => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
  const pod = (rbd: unknown) => ({ spec: { containers: [], volumes: [{ name: 'x', rbd }] } });
  assert.deepEqual(validateSchema(Pod.schema, pod(nested(100))).errors, []);
  assert.deepEqual(
    validateSchema(Pod.schema, pod(nested(50_000))).errors.map(({ path }) => path),
    ['spec.volumes[0].rbd'],
  );
});

test('any JSON at all gets an answer, for every kind', () => {
  fc.assert(
    fc.property(fc.constantFrom(...allResources), fc.jsonValue(), (resource, value) => {
      validateSchema(resource.schema, value);
      validateSchema(resource.schema, { metadata: value, spec: value, status: value });
    }),
    { numRuns: 300 },
  );
});

const duplicates: [string, string[]][] = [
  ['{"a":1,"b":2}', []],
  ['{"a":1,"a":2}', ['duplicate field "a"']],
  [
    '{"spec":{"type":"a","ports":[{"port":1},{"port":2,"port":3}],"type":"b"}}',
    ['duplicate field "spec.ports[1].port"', 'duplicate field "spec.type"'],
  ],
  ['{"a":{"x":1},"b":{"x":1}}', []],
  ['{"a":["x","x"],"b":"a","c":"{\\"a\\":1,\\"a\\":2}"}', []],
  ['{"a":1,"\\u0061":2}', ['duplicate field "a"']],
  ['{"a":1,"a":2,"a":3}', ['duplicate field "a"']],
  [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, []],
];
for (const [text, expected] of duplicates) {
  test(`keys given twice in ${text.slice(0, 60)}`, () => assert.deepEqual(duplicateKeys(text), expected));
}

test('what JSON.stringify writes has no key twice', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.deepEqual(duplicateKeys(JSON.stringify(value)), [])));
});
