import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allResources, applyDefaults, type Resource, validateObject, validateSchema, validateUpdate } from '../mod.ts';
import type { FieldError } from './field-error.ts';

const kind = (name: string): Resource => allResources.find((resource) => resource.kind === name)!;

/** `path: message` of everything that is wrong with a new object; for an array, with changing the first into the second. */
function problemsOf(name: string, given: object | readonly [object, object]): string[] {
  const resource = kind(name);
  const metadata = { name: 'x', ...(resource.namespaced && { namespace: 'default' }) };
  const [before, after] = (Array.isArray(given) ? given : [given, undefined]) as [object, object | undefined];
  const full = (object: object) => applyDefaults(resource, { metadata, ...object }) as never;
  const errors: FieldError[] = after ? validateUpdate(resource, full(before), full(after)) : [];
  const found = after
    ? errors
    : [...validateSchema(resource.schema, { metadata, ...before }).errors, ...validateObject(resource, full(before))];
  return found.map(({ path, message }) => `${path}: ${message}`);
}

const containers = [{ name: 'c', image: 'i' }];
const template = (spec: object = {}) => ({ metadata: { labels: { app: 'x' } }, spec: { containers, ...spec } });
const selector = { matchLabels: { app: 'x' } };
const stateful = (spec: object) => ({ spec: { selector, template: template(), serviceName: 's', ...spec } });
const daemon = (spec: object) => ({ spec: { selector, template: template(), ...spec } });
const rolling = (rollingUpdate: object, type = 'RollingUpdate') => ({ updateStrategy: { type, rollingUpdate } });
const job = (spec: object) => ({
  spec: { manualSelector: true, selector, template: template({ restartPolicy: 'Never' }), ...spec },
});
const service = (port: object, name = 's') => ({ service: { name, port } });
const ingress = (path: object) => ({ spec: { rules: [{ http: { paths: [path] } }] } });
const good = { path: '/', pathType: 'Prefix', backend: service({ number: 80 }) };
const rules = 'spec.rules[0].http.paths[0]';

const cases: readonly [string, string, object | [object, object], string[]][] = [
  ['StatefulSet', 'a small one', stateful({}), []],
  [
    'StatefulSet',
    'numbers below zero',
    stateful({ replicas: -1, ordinals: { start: -1 } }),
    [
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      'spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0',
    ],
  ],
  [
    'StatefulSet',
    'a partition of OnDelete',
    stateful(rolling({ partition: 1 }, 'OnDelete')),
    [
      'spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed for updateStrategy \'RollingUpdate\'',
    ],
  ],
  [
    'StatefulSet',
    'a template of other labels',
    stateful({ selector: { matchLabels: { app: 'y' } } }),
    ['spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`'],
  ],
  [
    'StatefulSet',
    'Pods that end',
    stateful({ template: template({ restartPolicy: 'Never' }) }),
    ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
  ],
  [
    'StatefulSet',
    'what may change',
    [stateful({}), stateful({ replicas: 3, minReadySeconds: 1, template: template({ dnsPolicy: 'Default' }) })],
    [],
  ],
  [
    'StatefulSet',
    'what may not',
    [stateful({}), stateful({ serviceName: 'other' })],
    [
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ],
  ],
  ['DaemonSet', 'a small one', daemon({}), []],
  [
    'DaemonSet',
    'neither surge nor unavailable',
    daemon(rolling({ maxUnavailable: 0 })),
    ['spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0 when maxSurge is 0'],
  ],
  [
    'DaemonSet',
    'both',
    daemon(rolling({ maxUnavailable: 1, maxSurge: '10%' })),
    [
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: "10%": may not be set when maxUnavailable is non-zero',
    ],
  ],
  [
    'DaemonSet',
    'a changed selector',
    [daemon({}), daemon({ selector: { matchLabels: { app: 'x', b: 'c' } } })],
    [
      'spec.selector: Invalid value: {"matchLabels":{"app":"x","b":"c"}}: field is immutable',
      'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
    ],
  ],
  [
    'ControllerRevision',
    'without data',
    { revision: -1 },
    ['data: Required value: data is mandatory', 'revision: Invalid value: -1: must be greater than or equal to 0'],
  ],
  [
    'ControllerRevision',
    'with other data',
    [
      { revision: 1, data: { a: 1 } },
      { revision: 2, data: { a: 2 } },
    ],
    ['data: Invalid value: {"a":2}: field is immutable'],
  ],
  ['Job', 'a small one', job({}), []],
  [
    'Job',
    'Pods that never end',
    job({ template: template() }),
    ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
  ],
  [
    'Job',
    'indexes without a number of them',
    job({ completionMode: 'Indexed', parallelism: 2 }),
    ['spec.completions: Required value: when completion mode is Indexed'],
  ],
  [
    'Job',
    'another template under way',
    [job({}), job({ template: template({ restartPolicy: 'OnFailure' }) })],
    ['spec.template: Invalid value: "...": field is immutable'],
  ],
  [
    'Job',
    'another number of completions',
    [job({ completions: 1 }), job({ completions: 2 })],
    ['spec.completions: Invalid value: 2: field is immutable'],
  ],
  ['Ingress', 'a small one', ingress(good), []],
  [
    'Ingress',
    'nothing',
    { spec: {} },
    ['spec: Invalid value: {}: either `defaultBackend` or `rules` must be specified'],
  ],
  [
    'Ingress',
    'paths',
    ingress({ ...good, path: 'a' }),
    [`${rules}.path: Invalid value: "a": must be an absolute path`],
  ],
  [
    'Ingress',
    'paths that climb',
    ingress({ ...good, path: '/a/../b' }),
    [`${rules}.path: Invalid value: "/a/../b": must not contain '/../'`],
  ],
  [
    'Ingress',
    'a path without a type',
    ingress({ path: '/', backend: good.backend }),
    [`${rules}.pathType: Required value`],
  ],
  [
    'Ingress',
    'no port',
    ingress({ ...good, backend: service({}) }),
    [`${rules}.backend: Required value: port name or number is required`],
  ],
  [
    'Ingress',
    'two ports',
    ingress({ ...good, backend: service({ name: 'a', number: 1 }) }),
    [`${rules}.backend: Invalid value: "": cannot set both port name & port number`],
  ],
  [
    'Ingress',
    'no backend',
    ingress({ ...good, backend: {} }),
    [`${rules}.backend: Invalid value: "": resource or service backend is required`],
  ],
  [
    'Ingress',
    'an address for a host',
    { spec: { rules: [{ host: '10.0.0.1' }] } },
    ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
  ],
  [
    'Ingress',
    'a wildcard',
    { spec: { rules: [{ host: '*.example.com' }], defaultBackend: service({ name: 'http' }) } },
    [],
  ],
  ['IngressClass', 'a small one', { spec: { controller: 'example.com/ingress' } }, []],
  [
    'IngressClass',
    'a controller without a domain',
    { spec: { controller: 'ingress' } },
    ['spec.controller: Invalid value: "ingress": must be a domain-prefixed path (such as "acme.io/foo")'],
  ],
  [
    'IngressClass',
    'another controller',
    [{ spec: { controller: 'a.io/b' } }, { spec: { controller: 'a.io/c' } }],
    ['spec.controller: Invalid value: "a.io/c": field is immutable'],
  ],
  ['ServiceCIDR', 'one range', { spec: { cidrs: ['10.0.0.0/16'] } }, []],
  ['ServiceCIDR', 'none', {}, ['spec.cidrs: Required value: at least one CIDR required']],
  [
    'ServiceCIDR',
    'two of one family',
    { spec: { cidrs: ['10.0.0.0/16', '10.1.0.0/16'] } },
    [
      'spec.cidrs: Invalid value: ["10.0.0.0/16","10.1.0.0/16"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96',
    ],
  ],
  [
    'ServiceCIDR',
    'a second family later',
    [{ spec: { cidrs: ['10.0.0.0/16'] } }, { spec: { cidrs: ['10.0.0.0/16', 'fd00::/112'] } }],
    [],
  ],
  [
    'ServiceCIDR',
    'another range later',
    [{ spec: { cidrs: ['10.0.0.0/16'] } }, { spec: { cidrs: ['10.1.0.0/16'] } }],
    ['spec.cidrs: Invalid value: ["10.1.0.0/16"]: field is immutable'],
  ],
  [
    'IPAddress',
    'a name that is no address',
    { spec: { parentRef: { resource: 'services', name: 'a' } } },
    ['metadata.name: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
  ],
  [
    'IPAddress',
    'an address of nobody',
    { metadata: { name: 'fd00::1' }, spec: {} },
    ['spec.parentRef: Required value'],
  ],
  [
    'PodDisruptionBudget',
    'both amounts',
    { spec: { minAvailable: 1, maxUnavailable: 1 } },
    ['spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set'],
  ],
  [
    'PodDisruptionBudget',
    'more than all',
    { spec: { minAvailable: '101%', selector } },
    ['spec.minAvailable: Invalid value: "101%": must not be greater than 100%'],
  ],
  ['PriorityClass', 'a small one', { value: 10 }, []],
  [
    'PriorityClass',
    'more than users may',
    { value: 1_000_000_001 },
    ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
  ],
  ['PriorityClass', 'the system’s own', { metadata: { name: 'system-node-critical' }, value: 2_000_001_000 }, []],
  [
    'PriorityClass',
    'one that looks like it',
    { metadata: { name: 'system-mine' }, value: 1 },
    ["metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only"],
  ],
  [
    'PriorityClass',
    'another value',
    [{ value: 1 }, { value: 2 }],
    ['value: Forbidden: may not be changed in an update.'],
  ],
  ['RuntimeClass', 'a small one', { handler: 'runc' }, []],
  [
    'RuntimeClass',
    'another handler',
    [{ handler: 'a' }, { handler: 'b' }],
    ['handler: Invalid value: "b": field is immutable'],
  ],
];

describe('kinds beside Services and their Pods', () => {
  for (const [name, title, given, wanted] of cases)
    test(`${name}: ${title}`, () => assert.deepEqual(problemsOf(name, given), wanted));
});

describe('their defaults', () => {
  const filled = (name: string, given: object) => applyDefaults(kind(name), given) as { spec: Record<string, unknown> };
  test('a StatefulSet', () => {
    const { selector: _s, template: _t, ...spec } = filled('StatefulSet', stateful({})).spec;
    assert.deepEqual(spec, {
      serviceName: 's',
      replicas: 1,
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      revisionHistoryLimit: 10,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    });
  });
  test('a DaemonSet', () => {
    const { updateStrategy, revisionHistoryLimit } = filled('DaemonSet', daemon({})).spec;
    assert.deepEqual(updateStrategy, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } });
    assert.equal(revisionHistoryLimit, 10);
  });
  test('a Job', () => {
    const {
      template: _t,
      selector: _s,
      ...spec
    } = filled('Job', { spec: { template: template({ restartPolicy: 'Never' }) } }).spec;
    assert.deepEqual(spec, {
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: 'TerminatingOrFailed',
    });
    assert.equal(filled('Job', job({ parallelism: 3 })).spec.completions, undefined);
  });
});
