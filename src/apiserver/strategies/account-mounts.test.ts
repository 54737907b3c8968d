import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Pod } from '../../kube/mod.ts';
import { podBody, startTestServer } from '../test-server.ts';

const inDefault = '/api/v1/namespaces/default';
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const start = (t: TestContext) => startTestServer(t, { mountsTokens: true });
const mountsOf = ({ spec }: Pod) =>
  spec.containers.map(({ volumeMounts }) => volumeMounts?.map((mount) => mount.mountPath));

test('every container of a Pod gets the account’s token, the certificate and the namespace', async (t) => {
  const { ok } = await start(t);
  const containers = [
    { name: 'a', image: 'i' },
    { name: 'b', image: 'i', volumeMounts: [{ name: 'own', mountPath }] },
  ];
  const spec = { containers, volumes: [{ name: 'own', emptyDir: {} }] };
  const pod: Pod = await ok('POST', `${inDefault}/pods`, podBody('p', spec));
  const volume = pod.spec.volumes?.find(({ name }) => /^kube-api-access-[a-z0-9]{5}$/.test(name));
  assert.deepEqual(volume?.projected, {
    defaultMode: 420,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3_607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  });
  assert.deepEqual(mountsOf(pod), [[mountPath], [mountPath]]);
  assert.deepEqual(pod.spec.containers[1]?.volumeMounts?.[0]?.name, 'own', 'a mount of its own stays');
});

test('not when the Pod says no, or its account and the Pod nothing', async (t) => {
  const { ok } = await start(t);
  await ok('POST', `${inDefault}/serviceaccounts`, {
    metadata: { name: 'quiet' },
    automountServiceAccountToken: false,
    imagePullSecrets: [{ name: 'pull' }],
  });
  const create = async (name: string, spec: object): Promise<Pod> =>
    ok('POST', `${inDefault}/pods`, podBody(name, spec));
  assert.deepEqual(mountsOf(await create('a', { automountServiceAccountToken: false })), [undefined]);
  const quiet = await create('b', { serviceAccountName: 'quiet' });
  assert.deepEqual(mountsOf(quiet), [undefined]);
  assert.deepEqual(quiet.spec.imagePullSecrets, [{ name: 'pull' }]);
  const loud = await create('c', { serviceAccountName: 'quiet', automountServiceAccountToken: true });
  assert.deepEqual(mountsOf(loud), [[mountPath]]);
});

test('a Pod whose account is not there is refused; a mirror needs none', async (t) => {
  const { refused, ok } = await start(t);
  assert.equal(
    await refused(403, 'POST', `${inDefault}/pods`, podBody('p', { serviceAccountName: 'none' })),
    'pods "p" is forbidden: error looking up service account default/none: serviceaccount "none" not found',
  );
  const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } };
  const pod: Pod = await ok('POST', `${inDefault}/pods`, podBody('m', { nodeName: 'one' }, mirror));
  assert.deepEqual(mountsOf(pod), [undefined]);
});
