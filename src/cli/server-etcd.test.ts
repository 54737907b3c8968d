import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Service } from '../kube/mod.ts';
import { EtcdCluster, withoutEtcd } from '../store/testing/etcd-cluster.ts';
import { adminClient, mainFile, ServerProcess } from './testing/server-process.ts';

test('a server on etcd, killed with -9 and started anew, has all that it acknowledged', {
  skip: withoutEtcd,
}, async (t) => {
  const cluster = await EtcdCluster.start();
  t.after(() => cluster.stop());
  const folder = mkdtempSync(path.join(tmpdir(), 'signalbox-server-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const etcd = ['--etcd-servers', cluster.endpoints.join()];
  const first = await ServerProcess.start(t, folder, ...etcd);
  const spec = { type: 'NodePort' as const, ports: [{ port: 80 }] };
  const made = await adminClient(t, folder, first.port).create(Service, {
    metadata: { name: 'a', namespace: 'default' },
    spec,
  });
  await first.kill();
  const second = await ServerProcess.start(t, folder, ...etcd);
  const found = await adminClient(t, folder, second.port).get(Service, 'a', { namespace: 'default' });
  assert.deepEqual(found, made);
  assert.equal(existsSync(path.join(folder, 'store.sqlite')), false);
});

test('flags that do not go together are wrong usage, and nothing is changed', () => {
  const run = (...words: string[]) => {
    const all = ['server', '--advertise-address', '192.0.2.1', '--data-dir', '/nonexistent/signalbox', ...words];
    const { status, stderr } = spawnSync(process.execPath, [mainFile, ...all], { encoding: 'utf8' });
    return `${status} ${stderr.trim()}`;
  };
  assert.equal(run('--store', 'etcd'), '2 error: Choose the store: --store etcd needs --etcd-servers');
  const both = run('--store', 'sqlite', '--etcd-servers', 'http://127.0.0.1:1');
  assert.equal(both, '2 error: Choose the store: --etcd-servers does not go with --store sqlite');
  const half = run('--etcd-servers', 'https://127.0.0.1:1', '--etcd-certfile', 'x');
  assert.equal(half, '2 error: Reach etcd: --etcd-certfile and --etcd-keyfile go together');
  assert.match(run('--etcd-servers', 'https://127.0.0.1:1', '--etcd-cafile', '/nonexistent/ca'), /^2 .*ENOENT/);
  assert.match(run('--etcd-servers', 'localhost'), /^2 error: Reach etcd: "localhost" is not of the form/);
  assert.match(
    run('--etcd-servers', 'http://127.0.0.1:1'),
    /^1 error: Reach etcd: http:\/\/127.0.0.1:1: .*ECONNREFUSED/,
  );
});
