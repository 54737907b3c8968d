import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigMap, Service } from '../kube/mod.ts';
import { EtcdCluster, withoutEtcd } from '../store/testing/etcd-cluster.ts';
import { adminClient, mainFile, ServerProcess } from './testing/server-process.ts';

const run = (...words: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [mainFile, 'backup', ...words], { encoding: 'utf8' });
  return { status, stdout, stderr };
};

async function setUp(t: TestContext) {
  const folder = mkdtempSync(path.join(tmpdir(), 'signalbox-backup-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const dataDir = path.join(folder, 'a');
  const server = await ServerProcess.start(t, dataDir);
  const client = adminClient(t, dataDir, server.port);
  const spec = { type: 'NodePort' as const, ports: [{ port: 80 }] };
  const service = await client.create(Service, { metadata: { name: 'a', namespace: 'default' }, spec });
  const file = path.join(folder, 'backup.jsonl');
  const kubeconfig = server.kubeconfig(path.join(folder, 'kubeconfig'));
  return { folder, dataDir, server, client, service, file, kubeconfig };
}

test('a cluster comes back from its backup on another machine: objects, addresses, and who may', async (t) => {
  const { folder, dataDir, server, service, file, kubeconfig } = await setUp(t);
  const saved = run('save', file, '--data-dir', dataDir, '--kubeconfig', kubeconfig);
  assert.equal(saved.status, 0, saved.stderr);
  assert.match(saved.stdout, /entries at revision \d+, taken .*; pki\/ca\.crt, pki\/ca\.key/);
  assert.match(saved.stdout, /core\/services +2\n/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  await server.kill();

  const shown = run('show', file, '-o', 'json');
  assert.equal(JSON.parse(shown.stdout).kinds['core/services'], 2);

  const other = path.join(folder, 'b');
  const restored = run('restore', file, '--data-dir', other);
  assert.equal(restored.status, 0, restored.stderr);
  assert.equal(statSync(path.join(other, 'pki/ca.key')).mode & 0o777, 0o600);
  const again = run('restore', file, '--data-dir', other);
  assert.deepEqual(
    [again.status, again.stderr],
    [1, `error: Restore to ${other}/store.sqlite: there is a store already; move it away first\n`],
  );

  const second = await ServerProcess.start(t, other);
  // The administrator of the first one is let in: the authority is the same.
  const client = adminClient(t, dataDir, second.port);
  const found = await client.get(Service, 'a', { namespace: 'default' });
  assert.deepEqual(found.spec, service.spec);
  assert.equal(found.metadata.uid, service.metadata.uid);
  const taken = { type: 'NodePort' as const, clusterIP: service.spec.clusterIP!, ports: [{ port: 80 }] };
  await assert.rejects(
    client.create(Service, { metadata: { name: 'b', namespace: 'default' }, spec: taken }),
    /provided IP is already allocated/,
  );
});

test('from SQLite into etcd', { skip: withoutEtcd }, async (t) => {
  const { folder, dataDir, server, service, file, kubeconfig } = await setUp(t);
  assert.equal(run('save', file, '--data-dir', dataDir, '--kubeconfig', kubeconfig).status, 0);
  await server.kill();
  const cluster = await EtcdCluster.start();
  t.after(() => cluster.stop());
  const other = path.join(folder, 'b');
  const etcd = ['--etcd-servers', cluster.endpoints.join()];
  const restored = run('restore', file, '--data-dir', other, ...etcd);
  assert.equal(restored.status, 0, restored.stderr);
  const second = await ServerProcess.start(t, other, ...etcd);
  const found = await adminClient(t, dataDir, second.port).get(Service, 'a', { namespace: 'default' });
  assert.deepEqual(found.spec, service.spec);
  const again = run('restore', file, '--data-dir', other, ...etcd);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /^error: Restore: the store holds \d+ entries already/);
});

test('what cannot be saved or restored is refused, and nothing is changed', async (t) => {
  const { folder, file, kubeconfig, client } = await setUp(t);
  assert.match(run('save', file, '--data-dir', path.join(folder, 'none')).stderr, /^error: Read kubeconfig .*ENOENT/);
  const noKeys = run('save', file, '--kubeconfig', kubeconfig, '--data-dir', path.join(folder, 'none'));
  assert.equal(noKeys.status, 2);
  assert.match(noKeys.stderr, /leave the keys out with --no-pki/);
  assert.equal(run('save', file, '--kubeconfig', kubeconfig, '--no-pki').status, 0);
  assert.match(run('show', file).stdout, /no keys of an authority/);

  const bad = path.join(folder, 'bad');
  writeFileSync(bad, '{"type":"snapshot","format":1,"revision":5,"takenAt":"now"}\n');
  const refused = run('restore', bad, '--data-dir', path.join(folder, 'c'));
  assert.deepEqual([refused.status, refused.stderr], [1, `error: Read the backup ${bad}: its end is missing\n`]);
  assert.throws(() => statSync(path.join(folder, 'c')), { code: 'ENOENT' });
  assert.match(run('restore', file, '--store', 'memory').stderr, /a store in memory is gone/);
  await client.create(ConfigMap, { metadata: { name: 'alive', namespace: 'default' } });
});
