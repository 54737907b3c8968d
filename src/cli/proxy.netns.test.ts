import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { createNetns, deleteNetns } from '../kernel/mod.ts';
import { withoutIptables } from '../wire/iptables/testing/without-iptables.ts';

const main = join(import.meta.dirname, '..', 'main.ts');
const api = join(import.meta.dirname, '..', 'proxy', 'testing', 'programs', 'scripted-api.ts');

/** A namespace with a loopback device, a folder, and processes in it that end with the test. */
function machine(t: TestContext) {
  const name = `t-cli-proxy-${process.pid}`;
  const processes: ChildProcess[] = [];
  createNetns(name);
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-cli-proxy-'));
  t.after(async () => {
    for (const one of processes) if (one.exitCode === null && one.kill('SIGKILL')) await once(one, 'exit');
    deleteNetns(name);
    rmSync(folder, { recursive: true });
  });
  const words = (command: readonly string[]) => ['netns', 'exec', name, ...command];
  const run = (...command: string[]) => spawnSync('ip', words(command), { encoding: 'utf8' });
  const start = (...command: string[]) => {
    const child = spawn('ip', words(command), { stdio: ['ignore', 'pipe', 'pipe'] });
    processes.push(child);
    return child;
  };
  run('ip', 'link', 'set', 'lo', 'up');
  return { folder, run, start };
}

const get = (url: string) => ['curl', '-s', '--max-time', '5', url];

test('signalbox proxy does for kube-proxy’s flags and file what kube-proxy does, and follows the file', {
  skip: withoutIptables,
}, async (t) => {
  const { folder, run, start } = machine(t);
  const signalbox = (...words: string[]) => [process.execPath, main, 'proxy', ...words];
  const server = start(process.execPath, api);
  const [url] = (await once(createInterface(server.stdout!), 'line')) as [string];

  const file = join(folder, 'config.conf');
  const write = (mode: string, more = '') =>
    writeFileSync(
      file,
      `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: ${mode}\nconntrack: {maxPerCore: 0}\n${more}`,
    );
  write('iptables', 'iptables: {masqueradeBits: 3}');
  const refused = run(...signalbox('--config', file, '--master', url));
  assert.equal(refused.status, 2, refused.stderr);
  assert.match(refused.stderr, /^error: Read .*config\.conf: unknown field "iptables\.masqueradeBits"/);

  write('iptables');
  const written = join(folder, 'written.yaml');
  assert.equal(run(...signalbox('--config', file, '--write-config-to', written)).status, 0);
  assert.match(readFileSync(written, 'utf8'), /^mode: iptables$/m);

  const closeWait = 'net.netfilter.nf_conntrack_tcp_timeout_close_wait';
  const before = run('sysctl', '-n', closeWait).stdout;
  assert.notEqual(before, '3600\n');
  const initialized = run(...signalbox('--config', file, '--init-only'));
  assert.equal(initialized.status, 0, initialized.stderr);
  assert.equal(run('sysctl', '-n', closeWait).stdout, '3600\n');
  assert.doesNotMatch(run('iptables-save').stdout, /KUBE-/, 'what needs all rights, and no rule');

  const proxy = start(...signalbox('--config', file, '--hostname-override', 'Node1', '--master', url, '-v=4'));
  const lines: string[] = [];
  const reader = createInterface(proxy.stderr!).on('line', (line) => lines.push(line));
  const logged = async (pattern: RegExp) => {
    while (!lines.some((line) => pattern.test(line)))
      await once(reader, 'line', { signal: AbortSignal.timeout(60_000) });
  };
  await logged(/Brought the kernel in step/);
  assert.equal(run(...get('http://127.0.0.1:10249/proxyMode')).stdout, 'iptables');
  assert.match(run(...get('http://127.0.0.1:10256/healthz')).stdout, /"nodeEligible": true/);
  assert.match(run(...get('http://127.0.0.1:32001/')).stdout, /"localEndpoints": 1/);
  assert.match(run('iptables-save').stdout, /KUBE-SVC-/);

  write('nftables', 'bogus: 1');
  await logged(/configuration file has become wrong.*unknown field .*bogus/);
  assert.equal(run(...get('http://127.0.0.1:10249/proxyMode')).stdout, 'iptables');
  write('nftables');
  await logged(/Configuration changed.*mode=nftables/);
  assert.equal(run(...get('http://127.0.0.1:10249/proxyMode')).stdout, 'nftables');
  assert.doesNotMatch(run('iptables-save').stdout, /KUBE-/);

  proxy.kill('SIGTERM');
  assert.deepEqual(await once(proxy, 'exit'), [0, null]);
  assert.match(run('nft', 'list', 'tables').stdout, /signalbox/);
  assert.equal(run(...signalbox('--cleanup')).status, 0);
  assert.doesNotMatch(run('nft', 'list', 'tables').stdout, /signalbox/);
});

test('Outside of a cluster and without a kubeconfig the proxy says what it needs', (t) => {
  const { run } = machine(t);
  const { status, stderr } = run(process.execPath, main, 'proxy');
  assert.equal(status, 2, stderr);
  assert.match(stderr, /KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined\n.*--kubeconfig/);
});
