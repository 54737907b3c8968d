import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';

const root = join(import.meta.dirname, '..', '..');
const read = (name: string) =>
  parseAllDocuments(readFileSync(join(root, 'deploy', name), 'utf8')).map(
    // biome-ignore lint/suspicious/noExplicitAny: a manifest
    (document): any => document.toJS(),
  );
const corefile: string = read('coredns-configmap.yaml')[0].data.Corefile;
const manifest = read('coredns-replacement.yaml');
const [container] = manifest.find(({ kind }) => kind === 'Deployment').spec.template.spec.containers;
/** Where the machine's API server is, and its DNS too. */
const address = '192.0.2.1';
const giveUpMs = 30_000;

async function until<Result>(
  title: string,
  look: () => Result | undefined | false,
  log: () => string,
): Promise<Result> {
  const deadline = performance.now() + giveUpMs;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`Not in ${giveUpMs} ms: ${title}\n${log()}`);
    await wait(50);
  }
}

const confined = `
mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && mount -o remount,bind,ro / || exit 1
touch "$0/written" 2>/dev/null && exit 1
exec setpriv --inh-caps=-all --bounding-set=-all,+net_bind_service --no-new-privs "$0/bin/signalbox" "$@"
`;

/** A machine of its own, with nothing but loopback: all of CoreDNS's ports are free. */
function machine(t: TestContext) {
  const name = `t-coredns-${process.pid}`;
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-coredns-'));
  execFileSync('ip', ['netns', 'add', name]);
  execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  execFileSync('ip', ['-n', name, 'address', 'add', `${address}/32`, 'dev', 'lo']);
  const running: ChildProcess[] = [];
  t.after(async () => {
    for (const child of running) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    execFileSync('ip', ['netns', 'del', name]);
    rmSync(folder, { recursive: true });
  });
  const inside = ['netns', 'exec', name];
  const start = (...words: string[]) => launch([join(root, 'bin', 'signalbox'), ...words]);
  /** As the Deployment's securityContext has it: nothing can be written, no capability but one. */
  const startConfined = (...words: string[]) => launch(['sh', '-c', confined, root, ...words]);
  const launch = (words: readonly string[]) => {
    const child = spawn('ip', [...inside, ...words], {
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    let log = '';
    child.stderr.on('data', (chunk) => {
      log += chunk;
    });
    running.push(child);
    return { child, log: () => log };
  };
  const run = (...words: string[]): string => {
    try {
      return execFileSync('ip', [...inside, ...words], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    } catch {
      return '';
    }
  };
  const runFully = (...words: string[]) =>
    spawnSync('ip', [...inside, join(root, 'bin', 'signalbox'), ...words], { encoding: 'utf8' });
  return { folder, start, startConfined, run, runFully };
}

const missing = ['dig', 'curl'].filter(
  (tool) => !['/usr/bin', '/bin'].some((folder) => existsSync(join(folder, tool))),
);

test(`kubeadm's Corefile, as it is, in the Deployment of deploy/coredns-replacement.yaml: CoreDNS's ports, a read-only file system, one capability${missing.length ? ' (dig and curl are not installed)' : ''}`, {
  skip: missing.length > 0 || process.getuid?.() !== 0,
}, async (t) => {
  const { folder, start, startConfined, run, runFully } = machine(t);
  const file = join(folder, 'Corefile');
  writeFileSync(file, corefile);
  const kubeconfig = join(folder, 'admin.kubeconfig');
  const server = start('server', '--store', 'memory', '--data-dir', folder, '--advertise-address', address);
  await until('the API server has its kubeconfig', () => existsSync(kubeconfig), server.log);
  const words = container.args.map((word: string) => (word === '/etc/coredns/Corefile' ? file : word));
  const check = runFully('dns', '--conf', file, '--check');
  assert.deepEqual([check.status, check.stdout], [0, `${file} is understood: 1 server block\n`], check.stderr);
  const { allowPrivilegeEscalation, capabilities, readOnlyRootFilesystem } = container.securityContext;
  assert.deepEqual([allowPrivilegeEscalation, readOnlyRootFilesystem], [false, true]);
  assert.deepEqual(capabilities, { add: ['NET_BIND_SERVICE'], drop: ['ALL'] });
  const dns = startConfined('dns', ...words, '--kubeconfig', kubeconfig);
  const { path, port } = container.readinessProbe.httpGet;
  const ready = () => run('curl', '-s', `http://127.0.0.1:${port}${path}`);
  await until('it is ready', () => ready() === 'OK', dns.log);
  const dig = (...question: string[]) => run('dig', `@${address}`, '+short', '+tries=1', ...question);
  assert.equal(dig('kubernetes.default.svc.cluster.local'), '10.96.0.1');
  assert.equal(dig('+tcp', 'kubernetes.default.svc.cluster.local'), '10.96.0.1');
  assert.equal(dig('-x', '10.96.0.1'), 'kubernetes.default.svc.cluster.local.');
  assert.equal(dig('TXT', 'dns-version.cluster.local'), '"1.1.0"');
  const health = container.livenessProbe.httpGet;
  assert.equal(run('curl', '-s', `http://127.0.0.1:${health.port}${health.path}`), 'OK');
  assert.match(
    run('curl', '-s', 'http://127.0.0.1:9153/metrics'),
    /coredns_dns_requests_total\{server="dns:\/\/:53",zone="\."/,
  );

  // Exit codes that scripts go by.
  const why = (...words: string[]) => runFully('dns', 'why', '--kubeconfig', kubeconfig, ...words);
  const found = why('kubernetes.default.svc.cluster.local.', '--server', address, '--type', 'a', '-o', 'json');
  assert.equal(found.status, 0, found.stderr);
  assert.deepEqual(JSON.parse(found.stdout).result.records, [
    'kubernetes.default.svc.cluster.local. 30 IN A 10.96.0.1',
  ]);
  const missing = why('kubernets.default.svc.cluster.local.', '--server', address);
  assert.equal(missing.status, 1, missing.stderr);
  assert.match(missing.stdout, /No Service kubernets in namespace default; did you mean default\/kubernetes\?/);
  const wrong = why('kubernetes', '--from', 'default/nobody', '--server', address);
  assert.deepEqual([wrong.status, wrong.stdout], [2, '']);
  assert.match(wrong.stderr, /^error: Look at Pod default\/nobody: there is no such Pod\n/);
  assert.equal(why('kubernetes.', '--server', `${address}:1`, '-o', 'yaml').status, 4);

  // Asked to end, it answers on for the lame-duck time, and is no longer ready.
  dns.child.kill('SIGTERM');
  await until('it is no longer ready', () => ready() === 'stopping', dns.log);
  assert.equal(dig('kubernetes.default.svc.cluster.local'), '10.96.0.1');
  const [code] = dns.child.exitCode === null ? await once(dns.child, 'exit') : [dns.child.exitCode];
  assert.equal(code, 0, dns.log());
});
