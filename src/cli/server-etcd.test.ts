import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { createClient, http2Exchange, loadKubeconfig } from '../client/mod.ts';
import { Service } from '../kube/mod.ts';
import { EtcdCluster, withoutEtcd } from '../store/testing/etcd-cluster.ts';

const main = path.join(import.meta.dirname, '..', 'main.ts');

test('a server on etcd, killed with -9 and started anew, has all that it acknowledged', {
  skip: withoutEtcd,
}, async (t) => {
  const cluster = await EtcdCluster.start();
  t.after(() => cluster.stop());
  const folder = mkdtempSync(path.join(tmpdir(), 'signalbox-server-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const words = ['--data-dir', folder, '--advertise-address', '192.0.2.1', '--port', `${port}`];
  const etcd = ['--etcd-servers', cluster.endpoints.join()];
  const kill = await serve(t, [...words, ...etcd]);
  const spec = { type: 'NodePort' as const, ports: [{ port: 80 }] };
  const made = await clientFor(t, folder, port).create(Service, {
    metadata: { name: 'a', namespace: 'default' },
    spec,
  });
  await kill();
  await serve(t, [...words, ...etcd]);
  const found = await clientFor(t, folder, port).get(Service, 'a', { namespace: 'default' });
  assert.deepEqual(found, made);
  assert.equal(existsSync(path.join(folder, 'store.sqlite')), false);
});

test('flags that do not go together are wrong usage, and nothing is changed', () => {
  const run = (...words: string[]) => {
    const all = ['server', '--advertise-address', '192.0.2.1', '--data-dir', '/nonexistent/signalbox', ...words];
    const { status, stderr } = spawnSync(process.execPath, [main, ...all], { encoding: 'utf8' });
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

/** @returns how to kill it with -9 */
async function serve(t: TestContext, words: readonly string[]): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, [main, 'server', ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  t.after(kill);
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    lines.push(line);
    if (line.includes('Serving')) {
      child.stderr.resume();
      return kill;
    }
  }
  throw new Error(`It ended:\n${lines.join('\n')}`);
}

function clientFor(t: TestContext, folder: string, port: number) {
  const config = loadKubeconfig(path.join(folder, 'admin.kubeconfig'));
  const server = `https://127.0.0.1:${port}`;
  const client = createClient({ ...http2Exchange({ ...config, server, clock: systemClock }), userAgent: 'test' });
  t.after(() => client.close());
  return client;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await once(server.close(), 'close');
  return port;
}
