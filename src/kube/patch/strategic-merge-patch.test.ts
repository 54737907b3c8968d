import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Deployment, Namespace, Node, Pod, type Resource, Service } from '../mod.ts';
import { applyStrategicMergePatch } from './strategic-merge-patch.ts';

const deployment = {
  metadata: { name: 'web', annotations: { a: '1' } },
  spec: {
    replicas: 3,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          {
            name: 'web',
            image: 'web:1',
            env: [{ name: 'A', value: '1' }],
            args: ['x'],
            ports: [{ containerPort: 80 }],
          },
          { name: 'side', image: 'side:1' },
        ],
        volumes: [{ name: 'data', emptyDir: {} }],
      },
    },
  },
};
const containers = (patched: unknown) => (patched as typeof deployment).spec.template.spec.containers;
const inTemplate = (spec: object) => ({ spec: { template: { spec } } });

interface Vector {
  readonly name: string;
  readonly resource?: Resource;
  readonly current?: object;
  readonly patch: object;
  // biome-ignore lint/suspicious/noExplicitAny: each vector looks into another kind
  readonly expect: (patched: any) => [actual: unknown, expected: unknown];
}

const vectors: Vector[] = [
  { name: 'kubectl scale', patch: { spec: { replicas: 5 } }, expect: ({ spec }) => [spec.replicas, 5] },
  {
    name: 'kubectl rollout restart',
    patch: {
      spec: {
        template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': '2026-01-01T00:00:00Z' } } },
      },
    },
    expect: ({ spec }) => [
      spec.template.metadata,
      { labels: { app: 'web' }, annotations: { 'kubectl.kubernetes.io/restartedAt': '2026-01-01T00:00:00Z' } },
    ],
  },
  {
    name: 'kubectl set image, with the order that kubectl sends along',
    patch: inTemplate({
      '$setElementOrder/containers': [{ name: 'web' }, { name: 'side' }],
      containers: [{ name: 'web', image: 'web:2' }],
    }),
    expect: (patched) => [
      containers(patched),
      [{ ...deployment.spec.template.spec.containers[0], image: 'web:2' }, deployment.spec.template.spec.containers[1]],
    ],
  },
  {
    name: 'kubectl apply that swaps the order of containers',
    patch: inTemplate({ '$setElementOrder/containers': [{ name: 'side' }, { name: 'web' }] }),
    expect: (patched) => [containers(patched).map(({ name }) => name), ['side', 'web']],
  },
  {
    name: 'kubectl apply that takes a container away',
    patch: inTemplate({
      '$setElementOrder/containers': [{ name: 'web' }],
      containers: [{ $patch: 'delete', name: 'side' }],
    }),
    expect: (patched) => [containers(patched).map(({ name }) => name), ['web']],
  },
  {
    name: 'kubectl apply that changes the strategy to Recreate',
    patch: { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
    expect: ({ spec }) => [spec.strategy, { type: 'Recreate' }],
  },
  {
    name: 'kubectl apply that exchanges a volume source',
    patch: inTemplate({
      '$setElementOrder/volumes': [{ name: 'data' }],
      volumes: [{ $retainKeys: ['name', 'hostPath'], name: 'data', hostPath: { path: '/x' } }],
    }),
    expect: ({ spec }) => [spec.template.spec.volumes, [{ name: 'data', hostPath: { path: '/x' } }]],
  },
  {
    name: 'a new item without an order comes first, as upstream has it',
    patch: inTemplate({ containers: [{ name: 'new', image: 'new:1', env: [{ name: 'B', value: '2' }] }] }),
    expect: (patched) => [containers(patched).map(({ name }) => name), ['new', 'web', 'side']],
  },
  {
    name: 'a list in an item of a list merges too',
    patch: inTemplate({ containers: [{ name: 'web', env: [{ name: 'B', value: '2' }] }] }),
    expect: (patched) => [
      containers(patched)[0]?.env,
      [
        { name: 'B', value: '2' },
        { name: 'A', value: '1' },
      ],
    ],
  },
  {
    name: 'a list without a merge key is replaced',
    patch: inTemplate({ containers: [{ name: 'web', args: ['y', 'z'] }] }),
    expect: (patched) => [containers(patched)[0]?.args, ['y', 'z']],
  },
  {
    name: '$patch: replace in a list',
    patch: inTemplate({ containers: [{ $patch: 'replace' }, { name: 'only', image: 'only:1' }] }),
    expect: (patched) => [containers(patched), [{ name: 'only', image: 'only:1' }]],
  },
  {
    name: '$patch: replace of an object',
    patch: { metadata: { $patch: 'replace', name: 'web' } },
    expect: ({ metadata }) => [metadata, { name: 'web' }],
  },
  {
    name: '$patch: delete of an object',
    patch: { spec: { strategy: { $patch: 'delete' } } },
    expect: ({ spec }) => [spec.strategy, {}],
  },
  {
    name: 'null removes a member',
    patch: { metadata: { annotations: { a: null } } },
    expect: ({ metadata }) => [metadata.annotations, {}],
  },
  {
    name: 'null in what is new is dropped',
    patch: { spec: { template: { metadata: { annotations: { b: null, c: '1' } } } } },
    expect: ({ spec }) => [spec.template.metadata.annotations, { c: '1' }],
  },
  {
    name: 'a Service port merges by its number',
    resource: Service,
    current: { spec: { ports: [{ port: 80, protocol: 'TCP', nodePort: 30001, name: 'http' }] } },
    patch: { spec: { '$setElementOrder/ports': [{ port: 80 }], ports: [{ port: 80, targetPort: 8080 }] } },
    expect: ({ spec }) => [
      spec.ports,
      [{ port: 80, protocol: 'TCP', nodePort: 30001, name: 'http', targetPort: 8080 }],
    ],
  },
  {
    name: 'a status condition merges by its type',
    resource: Node,
    current: { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
    patch: { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } },
    expect: ({ status }) => [status.conditions, [{ type: 'Ready', status: 'Unknown' }]],
  },
  {
    name: 'a set of finalizers is joined',
    resource: Pod,
    current: { metadata: { finalizers: ['a', 'b'] } },
    patch: { metadata: { finalizers: ['c', 'a'] } },
    expect: ({ metadata }) => [metadata.finalizers.sort(), ['a', 'b', 'c']],
  },
  {
    name: '$deleteFromPrimitiveList takes out of a set',
    resource: Pod,
    current: { metadata: { finalizers: ['a', 'b', 'c'] } },
    patch: {
      metadata: { '$deleteFromPrimitiveList/finalizers': ['b'], '$setElementOrder/finalizers': ['c', 'a'] },
    },
    expect: ({ metadata }) => [metadata.finalizers, ['c', 'a']],
  },
  {
    name: 'the finalizers of a namespace are replaced',
    resource: Namespace,
    current: { spec: { finalizers: ['kubernetes'] } },
    patch: { spec: { finalizers: ['mine'] } },
    expect: ({ spec }) => [spec.finalizers, ['mine']],
  },
  {
    name: 'what only the server knows keeps its place among the ordered',
    resource: Pod,
    current: { spec: { containers: ['a', 'injected', 'b', 'late'].map((name) => ({ name })) } },
    patch: {
      spec: {
        '$setElementOrder/containers': [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
        containers: [{ name: 'c' }],
      },
    },
    expect: ({ spec }) => [
      spec.containers.map(({ name }: { name: string }) => name),
      ['a', 'injected', 'b', 'c', 'late'],
    ],
  },
];

for (const { name, resource = Deployment, current = deployment, patch, expect } of vectors) {
  test(`strategic merge: ${name}`, () => {
    const before = structuredClone([current, patch]);
    const [actual, expected] = expect(applyStrategicMergePatch(resource.schema, current, patch));
    assert.deepEqual(actual, expected);
    assert.deepEqual([current, patch], before);
  });
}

const refused: [string, unknown, string][] = [
  ['no object', [], 'a strategic merge patch must be an object'],
  ['an unknown $patch', { spec: { $patch: 'spam' } }, 'unknown patch type found: "spam"'],
  [
    'an item without its key',
    inTemplate({ containers: [{ image: 'x' }] }),
    'map: {"image":"x"} does not contain declared merge key: name',
  ],
  [
    'an item that is no object',
    inTemplate({ containers: ['web'] }),
    'every item of a list with merge key "name" must be an object',
  ],
  [
    'a field that $retainKeys forgets',
    { spec: { strategy: { $retainKeys: ['type'], rollingUpdate: { maxSurge: 1 } } } },
    '$retainKeys must contain every field of the patch: "rollingUpdate" is missing',
  ],
  [
    'an item that the order forgets',
    inTemplate({ '$setElementOrder/containers': [{ name: 'side' }], containers: [{ name: 'web' }] }),
    'the "$setElementOrder/containers" list must contain every item of the patch\'s list',
  ],
];
for (const [name, patch, detail] of refused) {
  test(`strategic merge refuses ${name}`, () => {
    assert.throws(() => applyStrategicMergePatch(Deployment.schema, deployment, patch), { code: 'malformed', detail });
  });
}

const names = fc.uniqueArray(fc.constantFrom<string[]>('a', 'b', 'c', 'd', 'e'));
const listOf = (items: readonly string[]) => ({ spec: { containers: items.map((name) => ({ name })) } });

test('a merged list holds both, each item once, in the order asked for', () => {
  fc.assert(
    fc.property(names, names, (current, wanted) => {
      const patch = { spec: { ...listOf(wanted).spec, '$setElementOrder/containers': listOf(wanted).spec.containers } };
      const merged = applyStrategicMergePatch(Pod.schema, listOf(current), patch) as ReturnType<typeof listOf>;
      const found = merged.spec.containers.map(({ name }) => name);
      assert.deepEqual([...found].sort(), [...new Set([...current, ...wanted])].sort());
      assert.deepEqual(
        found.filter((name) => wanted.includes(name)),
        wanted,
      );
      const others = (list: readonly string[]) => list.filter((name) => !wanted.includes(name));
      assert.deepEqual(others(found), others(current));
    }),
  );
});

test('patching twice is patching once', () => {
  fc.assert(
    fc.property(names, names, (current, wanted) => {
      const once = applyStrategicMergePatch(Pod.schema, listOf(current), listOf(wanted));
      assert.deepEqual(applyStrategicMergePatch(Pod.schema, once, listOf(wanted)), once);
    }),
  );
});
