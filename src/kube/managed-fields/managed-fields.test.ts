import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { applyDefaults } from '../defaults/apply-defaults.ts';
import { Pod } from '../kinds/pod.ts';
import { Service } from '../kinds/service.ts';
import { Deployment } from '../kinds/workload.ts';
import type { KubeObject } from '../meta.ts';
import { checkConfiguration } from './check-configuration.ts';
import { applyConflict } from './conflicts.ts';
import { readEntries } from './entries.ts';
import { fieldElement, keyElement, noFields, parseFieldSet, valueElement } from './field-set.ts';
import { fieldsOf } from './fields-of.ts';
import { mergeFields } from './merge-fields.ts';
import { ownershipAfterUpdate } from './ownership.ts';

const time = '2026-01-01T00:00:00Z';

const deployment = (spec: object = {}): KubeObject =>
  applyDefaults(Deployment, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default', labels: { app: 'web' } },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'nginx', image: 'nginx:1' }] } },
      ...spec,
    },
  }) as unknown as KubeObject;

describe('who owns what', () => {
  test('a created Deployment, as kubectl create deployment leaves it on upstream’s server', () => {
    const context = { resource: Deployment, writer: { manager: 'kubectl-create' }, time };
    const [entry, ...more] = ownershipAfterUpdate(context, undefined, deployment(), { live: undefined })!;
    assert.deepEqual(more, []);
    assert.deepEqual(entry, {
      manager: 'kubectl-create',
      operation: 'Update',
      apiVersion: 'apps/v1',
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
        'f:spec': {
          'f:progressDeadlineSeconds': {},
          'f:replicas': {},
          'f:revisionHistoryLimit': {},
          'f:selector': {},
          'f:strategy': { 'f:type': {}, 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {}, 'f:maxUnavailable': {} } },
          'f:template': {
            'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
            'f:spec': {
              'f:containers': {
                'k:{"name":"nginx"}': {
                  '.': {},
                  'f:image': {},
                  'f:imagePullPolicy': {},
                  'f:name': {},
                  'f:resources': {},
                  'f:terminationMessagePath': {},
                  'f:terminationMessagePolicy': {},
                },
              },
              'f:dnsPolicy': {},
              'f:restartPolicy': {},
              'f:schedulerName': {},
              'f:securityContext': {},
              'f:terminationGracePeriodSeconds': {},
            },
          },
        },
      },
    });
  });

  test('an applied configuration owns what it says, not what surrounds it', () => {
    const config = {
      metadata: { labels: { app: 'web' } },
      spec: { ports: [{ port: 80, name: 'http' }], selector: { app: 'web' }, type: 'ClusterIP' },
    };
    assert.deepEqual(fieldsOf(Service.schema, config), {
      'f:metadata': { 'f:labels': { 'f:app': {} } },
      'f:spec': {
        'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } },
        'f:selector': {},
        'f:type': {},
      },
    });
    const volumes = { spec: { volumes: [{ name: 'a', emptyDir: {} }] } };
    assert.deepEqual(fieldsOf(Pod.schema, volumes), {
      'f:spec': { 'f:volumes': { 'k:{"name":"a"}': { '.': {}, 'f:emptyDir': {}, 'f:name': {} } } },
    });
  });

  test('the eleventh who updates makes the two oldest one', () => {
    let object = deployment();
    let live: KubeObject['metadata']['managedFields'];
    for (let number = 1; number <= 12; number++) {
      const after = deployment({ replicas: number });
      after.metadata.labels = { ...object.metadata.labels, [`l${number}`]: 'x' };
      const writer = { manager: `updater${String(number).padStart(2, '0')}` };
      const at = `2026-01-01T00:00:${String(number).padStart(2, '0')}Z`;
      const managedFields = ownershipAfterUpdate(
        { resource: Deployment, writer, time: at },
        number === 1 ? undefined : object,
        after,
        { live },
      );
      object = after;
      live = managedFields;
    }
    const entries = readEntries(live);
    assert.equal(entries.length, 10);
    assert.deepEqual(
      entries.map(({ manager }) => manager),
      ['ancient-changes', ...['04', '05', '06', '07', '08', '09', '10', '11', '12'].map((each) => `updater${each}`)],
    );
    const { 'f:metadata': metadata } = entries[0]!.fields;
    assert.deepEqual(Object.keys(metadata!['f:labels']!).sort(), ['.', 'f:app', 'f:l1', 'f:l2', 'f:l3']);
  });
});

describe('merging', () => {
  const order = (live: string[], config: string[]) =>
    mergeFields(Pod.schema, { metadata: { finalizers: live } }, { metadata: { finalizers: config } });
  const cases: readonly [string, string, string][] = [
    ['', 'ab', 'ab'],
    ['ab', '', 'ab'],
    ['abc', 'ca', 'bca'],
    ['abc', 'bx', 'abcx'],
    ['a', 'b', 'ab'],
    ['abcd', 'dxb', 'acdxb'],
  ];
  for (const [live, config, wanted] of cases)
    test(`${config || 'nothing'} laid over ${live || 'nothing'} is ${wanted}`, () => {
      const merged = order([...live], [...config]);
      assert.deepEqual(merged, { metadata: { finalizers: [...wanted] } });
    });

  test('a name of JavaScript’s is a name like any other', () => {
    const labels = JSON.parse('{"__proto__":"a","constructor":"b"}');
    const merged = mergeFields(Pod.schema, { metadata: { labels: { app: 'x' } } }, { metadata: { labels } });
    assert.deepEqual(Object.keys((merged as { metadata: { labels: object } }).metadata.labels), [
      'app',
      '__proto__',
      'constructor',
    ]);
    assert.deepEqual(Object.keys(fieldsOf(Pod.schema, { metadata: { labels } })['f:metadata']!['f:labels']!), [
      'f:__proto__',
      'f:constructor',
    ]);
  });
});

describe('FieldsV1', () => {
  test('keys are compared by what they say and not by how they are written', () => {
    assert.deepEqual(parseFieldSet({ 'f:ports': { 'k:{"protocol":"TCP", "port":80}': {}, 'v:"\\u003ca"': {} } }), {
      'f:ports': { [keyElement({ port: 80, protocol: 'TCP' })]: {}, [valueElement('<a')]: {} },
    });
  });
  for (const wrong of [null, [], 'f:a', { a: {} }, { 'f:a': 1 }, { 'k:{': {} }, { 'x:a': {} }])
    test(`${JSON.stringify(wrong)} is no set`, () => assert.equal(parseFieldSet(wrong), undefined));
});

describe('conflicts', () => {
  const owner = (manager: string, more: object = {}) =>
    ({ manager, operation: 'Update', apiVersion: 'apps/v1', fields: noFields, ...more }) as const;
  const replicas = [fieldElement('spec'), fieldElement('replicas')];
  const image = ['f:spec', 'f:containers', 'k:{"name":"web"}', 'f:image'];

  test('one is told in one line', () => {
    const status = applyConflict([{ owner: owner('kubectl-scale', { subresource: 'scale' }), path: replicas }]);
    const by = 'conflict with "kubectl-scale" with subresource "scale" using apps/v1';
    assert.equal(status.message, `Apply failed with 1 conflict: ${by}: .spec.replicas`);
    assert.equal(status.code, 409);
    assert.equal(status.reason, 'Conflict');
    assert.deepEqual(status.details?.causes, [
      { reason: 'FieldManagerConflict', message: by, field: '.spec.replicas' },
    ]);
  });

  test('more are told manager by manager', () => {
    const status = applyConflict([
      { owner: owner('b'), path: replicas },
      { owner: owner('a', { operation: 'Apply' }), path: replicas },
      { owner: owner('a', { operation: 'Apply' }), path: image },
    ]);
    assert.equal(
      status.message,
      [
        'Apply failed with 3 conflicts: conflicts with "a":',
        '- .spec.containers[name="web"].image',
        '- .spec.replicas',
        'conflicts with "b" using apps/v1:',
        '- .spec.replicas',
      ].join('\n'),
    );
  });
});

describe('configurations that say nothing that could be owned', () => {
  const cases: readonly [string, object, string[]][] = [
    ['a part of a Deployment is enough', { spec: { replicas: 2 } }, []],
    ['an unknown field', { spec: { replica: 2 } }, ['.spec.replica: field not declared in schema']],
    [
      'an unknown field of what is owned whole, and of an item',
      { spec: { selector: { a: 1 }, template: { spec: { containers: [{ name: 'a', x: 1 }] } } } },
      [
        '.spec.selector.a: field not declared in schema',
        '.spec.template.spec.containers[name="a"].x: field not declared in schema',
      ],
    ],
    ['another type', { spec: { replicas: 'x' } }, ['.spec.replicas: Invalid value: "x": must be of type integer']],
    [
      'an item without its key',
      { spec: { template: { spec: { containers: [{ image: 'x' }] } } } },
      [
        '.spec.template.spec.containers: element 0: associative list with keys has an element that omits key field "name" (and doesn\'t have default value)',
      ],
    ],
    [
      'an item given twice',
      { spec: { template: { spec: { containers: [{ name: 'a' }, { name: 'a' }] } } } },
      ['.spec.template.spec.containers: duplicate entries for key [name="a"]'],
    ],
  ];
  for (const [title, config, problems] of cases)
    test(title, () => assert.deepEqual(checkConfiguration(Deployment, config), problems));
});
