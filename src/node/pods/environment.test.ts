import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap, Container, Pod, Secret } from '../../kube/mod.ts';
import { isPodError } from '../errors.ts';
import { environmentOf } from './environment.ts';

const pod = {
  metadata: { name: 'web-0', namespace: 'shop', uid: 'u-1', labels: { app: 'web' }, annotations: { note: 'x' } },
  spec: {
    containers: [{ name: 'main', resources: { limits: { memory: '64Mi', cpu: '1500m', 'ephemeral-storage': '1Ei' } } }],
  },
} as unknown as Pod;
const place = {
  nodeName: 'node1',
  nodeAddress: '192.0.2.10',
  podAddress: '10.244.1.2',
  hostname: 'web-0',
  capacity: { cpu: 4, memoryBytes: 2 ** 30 },
};
const sources = {
  configMap: async (namespace: string, name: string) =>
    name === 'paint' && namespace === 'shop'
      ? ({ data: { colour: 'red', shade: 'dark' } } as unknown as ConfigMap)
      : undefined,
  secret: async (_namespace: string, name: string) =>
    name === 'keys' ? ({ data: { token: Buffer.from('s3cret').toString('base64') } } as unknown as Secret) : undefined,
};

async function valuesOf(container: Partial<Container>): Promise<Record<string, string>> {
  const { PATH, HOME, HOSTNAME, ...own } = await environmentOf(pod, { name: 'main', ...container }, place, sources);
  assert.ok(PATH && HOME && HOSTNAME === 'web-0');
  return own;
}

const from = (name: string, valueFrom: NonNullable<Container['env']>[number]['valueFrom']) => ({
  name,
  valueFrom: valueFrom!,
});

test('Values refer to the ones before them', async () => {
  const env = [
    { name: 'A', value: '1' },
    { name: 'B', value: '$(A)$(C)' },
    { name: 'C', value: '$(B)' },
    { name: 'EMPTY' },
  ];
  assert.deepEqual(await valuesOf({ env }), { A: '1', B: '1$(C)', C: '1$(C)', EMPTY: '' });
});

test('envFrom takes whole objects, with a prefix, and env wins', async () => {
  const envFrom = [{ prefix: 'P_', configMapRef: { name: 'paint' } }, { secretRef: { name: 'keys' } }];
  const env = [{ name: 'P_shade', value: 'light' }];
  assert.deepEqual(await valuesOf({ envFrom, env }), { P_colour: 'red', P_shade: 'light', token: 's3cret' });
});

for (const [fieldPath, value] of [
  ['metadata.name', 'web-0'],
  ['metadata.namespace', 'shop'],
  ['metadata.uid', 'u-1'],
  ["metadata.labels['app']", 'web'],
  ["metadata.annotations['note']", 'x'],
  ["metadata.labels['none']", ''],
  ['spec.nodeName', 'node1'],
  ['spec.serviceAccountName', 'default'],
  ['status.podIP', '10.244.1.2'],
  ['status.hostIP', '192.0.2.10'],
] as const) {
  test(`fieldRef ${fieldPath}`, async () => {
    assert.deepEqual(await valuesOf({ env: [from('X', { fieldRef: { fieldPath } })] }), { X: value });
  });
}

for (const [resource, divisor, value] of [
  ['limits.memory', '1Mi', '64'],
  ['limits.cpu', undefined, '2'],
  ['limits.cpu', '1m', '1500'],
  ['limits.cpu', '0', '2'],
  ['requests.memory', undefined, String(64 * 2 ** 20)],
  ['limits.ephemeral-storage', undefined, String(2n ** 60n)],
] as const) {
  test(`resourceFieldRef ${resource} in ${divisor ?? 'ones'}`, async () => {
    const resourceFieldRef = { resource, ...(divisor === undefined ? {} : { divisor }) };
    assert.deepEqual(await valuesOf({ env: [from('X', { resourceFieldRef })] }), { X: value });
  });
}

test('Keys of ConfigMaps and Secrets; what is optional may be missing', async () => {
  const env = [
    from('COLOUR', { configMapKeyRef: { name: 'paint', key: 'colour' } }),
    from('TOKEN', { secretKeyRef: { name: 'keys', key: 'token' } }),
    from('NO_KEY', { configMapKeyRef: { name: 'paint', key: 'none', optional: true } }),
    from('NO_MAP', { secretKeyRef: { name: 'none', key: 'none', optional: true } }),
  ];
  assert.deepEqual(await valuesOf({ env }), { COLOUR: 'red', TOKEN: 's3cret' });
});

for (const [title, container, message] of [
  [
    'a missing ConfigMap',
    { envFrom: [{ configMapRef: { name: 'none' } }] },
    'Set variable envFrom: configmap "none" not found',
  ],
  [
    'a missing key',
    { env: [from('X', { configMapKeyRef: { name: 'paint', key: 'none' } })] },
    'Set variable X: couldn\'t find key none in configmap "paint"',
  ],
  [
    'an unknown field',
    { env: [from('X', { fieldRef: { fieldPath: 'spec.colour' } })] },
    'Set variable X: unsupported fieldPath "spec.colour"',
  ],
] as [string, Partial<Container>, string][]) {
  test(`Refused by name: ${title}`, async () => {
    await assert.rejects(valuesOf(container), (error) => {
      assert.ok(isPodError(error, 'config'));
      assert.equal(error.message, message);
      return true;
    });
  });
}
