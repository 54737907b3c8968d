import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import type { ConfigMap, Pod, Secret } from '../../kube/mod.ts';
import type { Volume } from './files.ts';
import { PodVolumes } from './pod-volumes.ts';

const access: Volume = {
  name: 'access',
  projected: {
    defaultMode: 0o440,
    sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds: 3_600 } },
      { configMap: { name: 'ca', items: [{ key: 'ca.crt', path: 'certs/ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    ],
  },
};

/** Volumes of a Pod whose only container mounts all of them, each at `/run/NAME`. */
function setUp(t: TestContext, ...volumes: Volume[]) {
  const folder = mkdtempSync(path.join(tmpdir(), 'signalbox-volumes-'));
  const clock = new ManualClock();
  const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/run/${name}` }));
  const pod = {
    metadata: { name: 'p', namespace: 'shop', uid: 'u', labels: { b: '2', a: '1' } },
    spec: { containers: [{ name: 'c', volumeMounts }], volumes },
  } as unknown as Pod;
  const state = {
    tokens: 0,
    configMap: { data: { 'ca.crt': 'CA' }, binaryData: { raw: 'AAE=' } } as unknown as ConfigMap | undefined,
    secret: { data: { k: Buffer.from('v').toString('base64') } } as unknown as Secret | undefined,
  };
  const sources = {
    configMap: async () => state.configMap,
    secret: async () => state.secret,
    token: async (_: Pod, __: string | undefined, seconds: number) => {
      state.tokens++;
      return { token: `token-${state.tokens}`, expiresAtMs: clock.now() + 1000 * seconds };
    },
  };
  const open = () => new PodVolumes(pod, { folder, sources, clock, log: silentLogger });
  const podVolumes = open();
  t.after(() => {
    podVolumes.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const mount = () => podVolumes.mountsOf(pod.spec.containers[0]!);
  const read = (file: string) => readFileSync(path.join(folder, file), 'utf8');
  return { folder, clock, pod, state, podVolumes, open, mount, read, t };
}

test('a token, the certificate and the namespace stand in files, which are mounted read-only', async (t) => {
  const { folder, mount, read } = setUp(t, access);
  assert.deepEqual(await mount(), [{ source: path.join(folder, 'access'), target: '/run/access', readOnly: true }]);
  assert.deepEqual(
    [read('access/token'), read('access/certs/ca.crt'), read('access/namespace')],
    ['token-1', 'CA', 'shop'],
  );
  assert.equal(statSync(path.join(folder, 'access/token')).mode & 0o777, 0o440);
  assert.deepEqual(
    readdirSync(path.join(folder, 'access'))
      .filter((name) => !name.startsWith('..'))
      .sort(),
    ['certs', 'namespace', 'token'],
  );
});

test('a token is renewed after 80 % of its life, by another link, and not before', async (t) => {
  const { folder, mount, read, clock, state } = setUp(t, access);
  await mount();
  await mount();
  const before = readlinkSync(path.join(folder, 'access/..data'));
  await clock.advance(2_820_000);
  assert.deepEqual([state.tokens, read('access/token')], [1, 'token-1']);
  await clock.advance(120_000);
  assert.deepEqual([state.tokens, read('access/token')], [2, 'token-2']);
  assert.notEqual(readlinkSync(path.join(folder, 'access/..data')), before);
  assert.equal(readdirSync(path.join(folder, 'access')).includes(before), false);
});

test('a changed ConfigMap arrives within a minute; one that has not changed is not written', async (t) => {
  const { folder, mount, clock, state, read } = setUp(t, { name: 'c', configMap: { name: 'x' } });
  await mount();
  assert.deepEqual([read('c/ca.crt'), readFileSync(path.join(folder, 'c/raw'))], ['CA', Buffer.from([0, 1])]);
  const before = readlinkSync(path.join(folder, 'c/..data'));
  await clock.advance(60_000);
  assert.equal(readlinkSync(path.join(folder, 'c/..data')), before);
  state.configMap = { data: { other: 'new' } } as unknown as ConfigMap;
  await clock.advance(60_000);
  assert.equal(read('c/other'), 'new');
  assert.throws(() => read('c/ca.crt'), { code: 'ENOENT' });
  state.configMap = undefined;
  await clock.advance(60_000);
  assert.equal(read('c/other'), 'new', 'what is gone is kept for who runs');
});

test('the next agent goes on renewing', async (t) => {
  const { mount, podVolumes, open, clock, state, read } = setUp(t, access);
  await mount();
  podVolumes.stop();
  await clock.advance(3_600_000);
  assert.equal(state.tokens, 1);
  const next = open();
  t.after(() => next.stop());
  next.resume();
  await clock.advance(0);
  assert.equal(read('access/token'), 'token-2');
});

test('Secrets, labels and an empty folder', async (t) => {
  const { mount, read, folder } = setUp(
    t,
    { name: 's', secret: { secretName: 'x', items: [{ key: 'k', path: 'deep/er' }] } },
    { name: 'd', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
    { name: 'e', emptyDir: {} },
  );
  const mounts = await mount();
  assert.deepEqual([read('s/deep/er'), read('d/labels')], ['v', 'a="1"\nb="2"\n']);
  assert.deepEqual(mounts[2], { source: path.join(folder, 'e'), target: '/run/e', readOnly: false });
});

const refusals: [string, Volume, RegExp][] = [
  ['a kind that is not here', { name: 'v', nfs: { server: 'x', path: '/' } }, /no volumes of this kind: nfs/],
  [
    'a key that is not there',
    { name: 'v', configMap: { name: 'x', items: [{ key: 'no', path: 'a' }] } },
    /configmap "x" has no key no/,
  ],
  [
    'a path that leads out',
    { name: 'v', configMap: { name: 'x', items: [{ key: 'ca.crt', path: '../a' }] } },
    /leads out of it/,
  ],
  [
    'an absolute path',
    { name: 'v', configMap: { name: 'x', items: [{ key: 'ca.crt', path: '/a' }] } },
    /leads out of it/,
  ],
];
for (const [what, volume, message] of refusals) {
  test(`refused: ${what}`, async (t) => {
    await assert.rejects(setUp(t, volume).mount(), message);
  });
}

test('refused: an object that is not there, unless it is optional', async (t) => {
  const one = setUp(t, { name: 'v', secret: { secretName: 'x' } });
  one.state.secret = undefined;
  await assert.rejects(one.mount(), /secret "x" not found/);
  const other = setUp(t, { name: 'v', secret: { secretName: 'x', optional: true } });
  other.state.secret = undefined;
  assert.equal((await other.mount()).length, 1);
});
